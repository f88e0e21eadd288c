"""To which sites a release goes first, and whether it goes on to the next. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.errors import Rejected
from schemas.records import ModelUpdate
from streams.inference.updating.receipts import WAITING, Told

Step = int | float
"""Sites that have the release after a wave: a number, or a share above 0 and up to 1."""
_STEP = re.compile(r"(?P<number>[0-9]+(\.[0-9]+)?)(?P<share>%?)")


def steps_of(text: str) -> tuple[Step, ...]:
    """Read what each wave reaches.

    >>> steps_of("1,10%,100%")
    (1, 0.1, 1.0)

    Raises:
        Rejected: it is no list of numbers and shares.
    """
    steps: list[Step] = []
    for part in text.split(","):
        found = _STEP.fullmatch(part.strip())
        number = float(found["number"]) if found else 0.0
        share = bool(found and found["share"])
        if number <= 0 or (share and number > 100) or (not share and number % 1):
            raise Rejected(
                f"{part.strip()!r} is no wave: give numbers of sites or shares, as 1,10%,100%",
                reason="bad-waves",
            )
        steps.append(number / 100 if share else int(number))
    return tuple(steps)


def waves(sites: Sequence[str], steps: Iterable[Step]) -> list[tuple[str, ...]]:
    """Divide sites among waves; every site is in exactly one.

    Args:
        sites: in the order in which they get the release.
        steps: how many sites, or what share of them, have it after each wave. A step that adds
            none makes no wave; what the last one leaves is a wave of its own.
    """
    ordered = list(dict.fromkeys(sites))
    found = []
    done = 0
    for step in (*steps, 1.0):
        reach = step if isinstance(step, int) else -(-round(step * len(ordered) * 1000) // 1000)
        reach = min(reach, len(ordered))
        if reach > done:
            found.append(tuple(ordered[done:reach]))
            done = reach
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """How an update stands at the sites that it went to."""

    applied: tuple[str, ...]
    failed: Mapping[str, str]
    """By site what it says."""
    missing: Mapping[str, str]
    """By site why there is no answer yet, as far as it says."""


def standing(sent: Mapping[str, ModelUpdate], receipts: Mapping[str, Told]) -> Standing:
    """Compare what was sent with what sites say.

    Args:
        sent: the update by site.
        receipts: the last receipt of the model by site.
    """
    applied, failed, missing = [], {}, {}
    for site, update in sent.items():
        told = receipts.get(site)
        if told is None or not _of(told, update):
            missing[site] = "no receipt"
        elif told.state == WAITING:
            missing[site] = told.message
        elif told.state == "applied" and told.running.release == update.version:
            applied.append(site)
        else:
            failed[site] = f"{told.state}: {told.message}"
    return Standing(tuple(applied), failed, missing)


def returned(sent: Mapping[str, ModelUpdate], receipts: Mapping[str, Told]) -> dict[str, str]:
    """Return the sites that have not gone back to what was sent, and why as far as they say.

    Args:
        sent: the wish from before by site, or the withdrawal where there was none.
        receipts: the last receipt of the model by site.
    """
    found = {}
    for site, update in sent.items():
        told = receipts.get(site)
        if told is None or not _of(told, update):
            found[site] = "no receipt"
        elif told.state not in ("applied", "withdrawn"):
            found[site] = f"{told.state}: {told.message}"
    return found


def _of(told: Told, update: ModelUpdate) -> bool:
    return told.release == update.version and told.published_at >= update.published_at
