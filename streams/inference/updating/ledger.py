"""What became of each wish, on disk beside the models, so that nothing is done twice.

Written whole or not at all, after the deed and before its receipt: what a crash leaves in between
is found in the repository itself, and the receipt is sent again at the next start.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

import orjson

from schemas.records import ModelUpdate
from streams.inference.versions import replace

State = Literal["applied", "refused", "rolled-back", "overruled", "withdrawn", "imported"]
"""``overruled``: it was applied, and then somebody at the site put another version in its place.
``imported``: no update ever spoke of the model; somebody put it in at the site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The answer to one update, or the word on a model that none speaks of."""

    model: str
    release: str
    """That was wanted; of an imported model, that runs."""
    sha256: str
    """Of its weights."""
    published_at: int
    state: State
    reason: str = ""
    """A machine word."""
    message: str = ""
    """For a person: what is wrong, and what to do."""
    version: str = ""
    """Its number in this site's Triton; empty if it never had one."""
    before: str = ""
    """The number of the version before; empty: there was none."""
    decided_at: int
    """UTC ms; the revision of its receipt."""
    watch_until_at: int = 0
    """UTC ms; 0: it is watched no more."""
    max_error_rate: float = 1.0

    def answers(self, update: ModelUpdate) -> bool:
        """Tell whether this is the answer to an update, and not to an earlier one like it."""
        return (
            self.release == update.version
            and self.published_at == update.published_at
            and (self.state == "withdrawn") == update.deleted
        )


class Ledger:
    """A folder with one file for each model."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> dict[str, Entry]:
        """Return the entries by model; a file that cannot be read counts as none."""
        found = {}
        for path in sorted(self._folder.glob("*.json")):
            entry = _entry(path.read_bytes())
            if entry is not None and entry.model == path.stem:
                found[entry.model] = entry
        return found

    def write(self, entry: Entry) -> None:
        """Put an entry in the place of its model's last one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        text = orjson.dumps(asdict(entry), option=orjson.OPT_INDENT_2).decode()
        replace(self._folder / f"{entry.model}.json", text)


def _entry(text: bytes) -> Entry | None:
    try:
        values = orjson.loads(text)
        return Entry(**{field.name: values[field.name] for field in fields(Entry)})
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
