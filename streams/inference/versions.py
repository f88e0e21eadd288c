"""The versions of a model in Triton's repository, and which of them is in force.

The file ``order`` in a model's folder lists the versions in the order in which they came into force;
the last is served, the one before it is what a rollback returns to. ``config.pbtxt`` follows it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import Rejected
from streams.inference.cards import CARD_FILE, read_card
from streams.inference.configs import config_from, embedded_config

KEPT_VERSIONS = 3
_ORDER, _CONFIG, _LOCK = "order", "config.pbtxt", ".lock"


@contextmanager
def alone(repository: Path) -> Iterator[None]:
    """Keep other processes and threads from changing the order of versions meanwhile.

    The operating system lets go of it when the process dies.
    """
    repository.mkdir(parents=True, exist_ok=True)
    with (repository / _LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def versions_in(folder: Path) -> list[str]:
    """Return the versions in a model's folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted((entry.name for entry in folder.iterdir() if entry.name.isdigit()), key=int)


def order_of(folder: Path) -> list[str]:
    """Return the versions in the order in which they came into force; the last one is served."""
    there = versions_in(folder)
    path = folder / _ORDER
    written = path.read_text(encoding="utf-8").split() if path.is_file() else []
    return [version for version in written if version in there] or there


def put_in_force(folder: Path, order: Sequence[str], instances: int | None = None) -> None:
    """Make the last version of ``order`` the one that Triton serves at its next load.

    Args:
        folder: the model's.
        order: the versions as they came into force.
        instances: how many requests it answers at once; None: as before.

    Raises:
        Rejected: the version has no card that can be read; nothing has changed.
    """
    version = order[-1]
    path = folder / version / CARD_FILE
    if not path.is_file():
        raise Rejected(
            f"version {version} of {folder.name} has no {CARD_FILE}: put it in with "
            "`sightline models import`",
            reason="bad-card",
        )
    text = path.read_text(encoding="utf-8")
    card = read_card(text, folder.name)
    count = instances or _instances(folder)
    replace(folder / _ORDER, "".join(f"{one}\n" for one in order))
    replace(folder / CARD_FILE, text)
    replace(folder / _CONFIG, embedded_config(folder.name, card, count, version))


def outlived(folder: Path) -> list[str]:
    """Return the versions that nobody needs: neither new, nor among the last that were served."""
    needed = {*versions_in(folder)[-KEPT_VERSIONS:], *order_of(folder)[-KEPT_VERSIONS:]}
    return [version for version in versions_in(folder) if version not in needed]


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _instances(folder: Path) -> int:
    path = folder / _CONFIG
    if not path.is_file():
        return 1
    groups = config_from(path.read_text(encoding="utf-8")).instance_group
    return groups[0].count if groups else 1
