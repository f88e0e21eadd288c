"""``sightline replay`` as the yardstick of live runs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests import pets
from tests.product import Product, run_cli


@dataclass(frozen=True)
class Replayed:
    """What a replay wrote."""

    files: dict[str, bytes]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events as they ended, by time."""
        newest = {line["event"]: line for line in self._lines("events")}
        return sorted((_essence(line) for line in newest.values()), key=_order)

    @property
    def verdicts(self) -> dict[str, str]:
        """Verdicts by candidate id."""
        return {line["candidate"]: line["verdict"] for line in self._lines("verdicts")}

    def _lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.files[name].splitlines()]


def replay(
    site_text: str, camera: str, epoch: int, folder: Path, *, model: str | None = "yolox"
) -> Replayed:
    """Run ``sightline replay`` over the PETS footage from an epoch (UTC ms) on.

    ``model`` None: those of the site's file.
    """
    chosen = () if model is None else ("--model", model)
    weights = () if model == "foreground" else ("--model-file", str(pets.model_file()))
    site = folder / "site.yaml"
    site.write_text(site_text)
    outputs = {name: folder / f"{name}.jsonl" for name in ("triggers", "events", "verdicts")}
    done = run_cli(
        *("replay", "--site", str(site), "--camera", camera, "--video", str(pets.video())),
        *("--start", datetime.fromtimestamp(epoch / 1000, UTC).isoformat()),
        *(*chosen, *weights),
        *(part for name, path in outputs.items() for part in (f"--{name}-out", str(path))),
    )
    assert done.returncode == 0, done.stderr
    return Replayed({name: path.read_bytes() for name, path in outputs.items()})


def epoch_of(product: Product, camera: str) -> int:
    """Return the epoch of a camera's one run: it stands in every track's id."""
    rows = product.rows("SELECT DISTINCT track FROM verdicts WHERE camera = %s", camera)
    epochs = {
        int(match[1]) for row in rows if (match := re.search(r"-(\d+)-\d+-\d+$", row["track"]))
    }
    (epoch,) = epochs
    return epoch


def _essence(line: dict[str, Any]) -> dict[str, Any]:
    kept = ("event", "state", "revision", "rule", "triggers", "tracks", "verdict")
    return {key: line[key] for key in kept} | {"score": round(line["score"], 6)}


def _order(event: dict[str, Any]) -> str:
    return str(event["event"])
