"""Checking the audit trail: each entry's hash is computed anew, apart from the database that made it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain; nothing is before the first entry."""

    n: int = 0
    hash: bytes = b""

    def __str__(self) -> str:
        """Return what an operator writes down and gives to ``--expect`` later."""
        return f"{self.n}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place at which a chain does not hold, and what is wrong there."""

    n: int
    what: str


def entry_hash(entry: Mapping[str, Any]) -> bytes:
    """Return the hash over all other fields of an entry (``sightline_audit_hash`` in Postgres)."""
    at_us = (entry["at"] - _EPOCH) // timedelta(microseconds=1)
    session_id = entry["session_id"]
    fields = (
        str(entry["organisation_id"]),
        str(entry["n"]),
        str(at_us),
        entry["actor_kind"],
        str(entry["actor_id"]),
        entry["actor_name"],
        None if session_id is None else str(session_id),
        entry["source"],
        entry["action"],
        entry["subject"],
        entry["details"],
        bytes(entry["previous"]).hex(),
    )
    return hashlib.sha256("".join(_field(one) for one in fields).encode()).digest()


def follow(
    entries: Iterable[Mapping[str, Any]], expected: Head | None = None
) -> tuple[Head, Broken | None]:
    """Follow a chain from its first entry; returns how far it holds, and where it breaks.

    ``expected`` is an end that was written down earlier: whoever rewrites a whole chain in the
    database cannot rewrite that.
    """
    head = Head()
    for entry in entries:
        broken = _fault(head, entry)
        if broken is not None:
            return head, broken
        head = Head(entry["n"], bytes(entry["hash"]))
        if expected is not None and expected.n == head.n and expected.hash != head.hash:
            return head, Broken(head.n, "it is not the entry that was written down")
    if expected is not None and expected.n > head.n:
        return head, Broken(head.n + 1, "it is missing, and was written down")
    return head, None


def ends_well(head: Head, recorded: Head) -> Broken | None:
    """Compare where a chain ends with where the database says that it does."""
    if head.n < recorded.n:
        return Broken(head.n + 1, "it is missing at the end")
    if head != recorded:
        return Broken(recorded.n + 1, "it was added past the end of the chain")
    return None


def _fault(head: Head, entry: Mapping[str, Any]) -> Broken | None:
    if entry["n"] != head.n + 1:
        return Broken(head.n + 1, f"it is missing, entry {entry['n']} follows")
    if bytes(entry["previous"]) != head.hash:
        return Broken(entry["n"], "it does not follow the entry before")
    if bytes(entry["hash"]) != entry_hash(entry):
        return Broken(entry["n"], "it was changed")
    return None


def _field(text: str | None) -> str:
    return "-" if text is None else f"{len(text.encode())}:{text}"
