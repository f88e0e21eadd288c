"""What a site's configuration allows and its owner may not have meant: told when it is applied."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from schemas.errors import Rejected
from schemas.site import Camera, SiteConfig
from streams.inference.cards import CARD_FILE, read_card


def advice(repository: str, config: SiteConfig) -> list[str]:
    """Return a line for each thing worth a second look: where, what, what to do.

    Args:
        repository: Triton's model folder; empty or absent: not known, so nothing is said of it.
        config: the site's.
    """
    folder = Path(repository) if repository and Path(repository).is_dir() else None
    return [
        f"cameras.{name}: {line}"
        for name, camera in config.cameras.items()
        for line in (*_of_models(folder, camera), *_of_rates(camera))
    ]


def _of_models(folder: Path | None, camera: Camera) -> Iterator[str]:
    if folder is None:
        return
    for model in camera.models:
        if not (folder / model).is_dir():
            yield (
                f"there is no model {model} yet, it finds nothing until "
                f"`sightline models import FILE.onnx --as {model}` adds it"
            )
    if all(_sees_crops(folder, model) for model in camera.models):
        yield (
            f"{', '.join(camera.models)} looks only at what other models found, and there is none: "
            "name a detector too"
        )


def _of_rates(camera: Camera) -> Iterator[str]:
    pauses = [_pause_s(use.fps_fraction or camera.fps_fraction) for use in camera.models.values()]
    shortest = min(pauses)
    if shortest >= Fraction(str(camera.lost_s)):
        yield (
            f"no model looks more often than every {float(shortest):g} s, and a track ends after "
            f"{camera.lost_s:g} s unseen, so none lasts: raise `lost_s`, or the `fps` of a model"
        )


def _pause_s(fps: Fraction | None) -> Fraction:
    """Return the time between two looks; of ``native`` it is not known, and short."""
    return Fraction(0) if fps is None else 1 / fps


def _sees_crops(folder: Path, model: str) -> bool:
    path = folder / model / CARD_FILE
    try:
        return read_card(path.read_text(encoding="utf-8"), model).stage == "crop"
    except (OSError, UnicodeDecodeError, Rejected):
        # A card that cannot be read is told of by `models list`.
        return False
