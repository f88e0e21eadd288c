from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.errors import Rejected
from schemas.records import Candidate, Decision, FrameReference, Verdict
from schemas.site import Rule
from streams.core.grouping.provenance import decision_json
from streams.core.grouping.verdicts import verdict_on
from streams.evidence.chunks import found
from streams.evidence.requests import best_frame, plan_requests, plan_suppressed
from tests.unit.streams.evidence.evidence_samples import (
    OPENED_AT,
    SITE,
    frame_provenance,
    opened_event,
)

WHEN = {"sensor": "lawn", "trigger": "entered"}


def rule(evidence: dict[str, object] | None = None) -> Rule:
    return Rule.model_validate({"when": WHEN, "evidence": evidence or {}})


def test_a_snapshot_is_wanted_unless_the_rule_says_otherwise() -> None:
    event = opened_event([frame_provenance(OPENED_AT - 200, 0.7)])
    (request,) = plan_requests(event, rule())
    assert (request.kind, request.from_at, request.to_at) == (
        *("snapshot", OPENED_AT - 200, OPENED_AT - 200),
    )
    assert request.frame is not None and request.frame.offset == 7
    assert plan_requests(event, rule({"snapshot": False})) == ()


def test_a_clip_reaches_around_the_opening_in_whole_milliseconds() -> None:
    clip = {"before_s": 1.5, "after_s": 0.1}
    (request,) = plan_requests(opened_event(), rule({"snapshot": False, "clip": clip}))
    assert (request.kind, request.from_at, request.to_at) == (
        *("clip", OPENED_AT - 1500, OPENED_AT + 100),
    )


@pytest.mark.parametrize("state", ["updated", "closed"])
def test_only_the_opening_asks_for_evidence(state: str) -> None:
    assert plan_requests(opened_event(state=state), rule()) == ()


def test_without_a_frame_the_snapshot_is_that_of_the_opening() -> None:
    (request,) = plan_requests(opened_event(class_name=None), rule())
    assert request.frame is None
    assert (request.to_at, request.label) == (OPENED_AT, "intrusion")


def test_the_best_frame_has_the_highest_score_and_is_the_earliest_of_equals() -> None:
    frames = [
        frame_provenance(OPENED_AT + 1, 0.9, offset=3),
        frame_provenance(OPENED_AT, 0.9, offset=2),
        frame_provenance(OPENED_AT - 1, 0.5, offset=1),
    ]
    best = best_frame(opened_event(frames))
    assert best is not None and best.offset == 2


@pytest.mark.parametrize("text", ["", "{}", "[{}]", '[{"frame": {}}]', '[{"frame"'])
def test_unreadable_provenance_is_rejected(text: str) -> None:
    with pytest.raises(Rejected) as refused:
        plan_requests(opened_event(provenance=text), rule())
    assert refused.value.reason == "bad-provenance"


def test_what_the_group_stage_writes_is_what_is_read_here() -> None:
    reference = FrameReference(
        partition=3, offset=70, captured_at=OPENED_AT - 5, box=(0.1, 0.2, 0.3, 0.4), score=0.9
    )
    candidate = Candidate(
        candidate_id="c",
        site=SITE,
        rule="intrusion",
        camera="gate",
        sensor="lawn",
        matched_at=OPENED_AT,
        known_at=OPENED_AT,
        score=0.9,
        shadow=False,
        best=reference,
        config_version=1,
        triggers=(),
    )
    found = []
    for best in (reference, None):
        decision = Decision(
            candidate=replace(candidate, best=best),
            verdict="accepted",
            decided_at=OPENED_AT,
            score=1.0,
            reasons=(),
        )
        found.append(best_frame(opened_event(provenance=f"[{decision_json(decision)}]")))
    assert found == [reference, None]


def suppressed(**changes: object) -> Verdict:
    decided = Decision(
        candidate=Candidate(
            candidate_id="c-1",
            site=SITE,
            rule="intrusion",
            camera="gate",
            sensor="lawn",
            matched_at=OPENED_AT,
            known_at=OPENED_AT,
            class_name="person",
            score=0.4,
            shadow=False,
            best=FrameReference(
                partition=3,
                offset=7,
                captured_at=OPENED_AT - 200,
                box=(0.2, 0.3, 0.4, 0.9),
                score=0.5,
            ),
            config_version=1,
            triggers=(),
        ),
        verdict="suppressed",
        decided_at=OPENED_AT + 10_000,
        score=0.1,
        reasons=(),
    )
    return replace(verdict_on(decided, "suppressed", None), **changes)  # type: ignore[arg-type]


def test_a_suppressed_candidate_keeps_its_snapshot() -> None:
    (request,) = plan_suppressed(suppressed(), rule())
    assert (request.kind, request.event_id, request.subject) == ("snapshot", None, "c-1")
    assert request.frame is not None and request.frame.offset == 7
    assert request.from_at == OPENED_AT - 200
    (record,) = found(request, "image/jpeg", b"x", request.from_at, request.to_at)
    assert (record.event_id, record.candidate_id) == (None, "c-1")


def test_of_other_verdicts_nothing_is_kept() -> None:
    assert plan_suppressed(suppressed(verdict="cooling"), rule()) == ()
    assert plan_suppressed(suppressed(revision=2), rule()) == ()
    assert plan_suppressed(suppressed(), rule({"snapshot": False})) == ()
    without = suppressed(provenance='{"frame":null}')
    assert plan_suppressed(without, rule()) == ()
    with pytest.raises(Rejected, match="cannot be read"):
        plan_suppressed(suppressed(provenance="nonsense"), rule())
