"""What an operator's remark changes: what is learned, and the verdict on the candidate itself."""

from __future__ import annotations

from dataclasses import replace

from msgspec import Struct

from schemas.records import Decision, Reason, Remark
from streams.core.learning.learn import of_camera
from streams.core.learning.place import Learned
from streams.core.learning.told import hear, kind_of

OPERATOR = "operator"
"""The name of the reason that a decision carries which an operator made."""
REMARK_LIMIT = 1024
"""Remarks remembered, so that the same one counts once."""
REVISION_LIMIT = 1024
"""Candidates decided anew whose last revision is remembered."""


class Heard(Struct):
    """Remarks taken in, the latest last."""

    remarks: dict[str, int] = {}
    """By id: when they were taken in, UTC ms."""
    revisions: dict[str, int] = {}
    """Last revision by candidate."""
    verdicts: dict[str, str] = {}
    """Last verdict by candidate, of the same candidates."""


def take_remark(
    heard: Heard, known: dict[str, Learned], remark: Remark, at: int
) -> Decision | None:
    """Take in a remark at ``at``, in place; return a new decision on its candidate, if it changes it.

    A confirmed candidate that was suppressed is accepted after all; an accepted one that is
    dismissed, or told to be ignored here, is suppressed.
    """
    heard.remarks[remark.remark_id] = at
    while len(heard.remarks) > REMARK_LIMIT:
        del heard.remarks[next(iter(heard.remarks))]
    if remark.verdict == "reset":
        known.pop(remark.camera, None)
        return None
    if remark.decision is None:
        return None
    kind = kind_of(remark.decision.candidate)
    if kind is not None:
        hear(of_camera(known, remark.camera).words, kind, remark.verdict, at)
    return _decide(heard, remark.decision, remark.verdict == "confirmed", at)


def _decide(heard: Heard, before: Decision, confirmed: bool, at: int) -> Decision | None:
    candidate = before.candidate.candidate_id
    verdict = heard.verdicts.get(candidate, before.verdict)
    if (verdict == "accepted") == confirmed:
        return None
    revision = max(before.revision, heard.revisions.pop(candidate, 0)) + 1
    heard.verdicts.pop(candidate, None)
    heard.revisions[candidate] = revision
    heard.verdicts[candidate] = "accepted" if confirmed else "suppressed"
    while len(heard.revisions) > REVISION_LIMIT:
        oldest = next(iter(heard.revisions))
        del heard.revisions[oldest], heard.verdicts[oldest]
    reason = Reason(check=OPERATOR, favours=confirmed, value=1.0 if confirmed else 0.0)
    return replace(
        before,
        verdict="accepted" if confirmed else "suppressed",
        decided_at=max(at, before.decided_at),
        reasons=(*(r for r in before.reasons if r.check != OPERATOR), reason),
        revision=revision,
    )
