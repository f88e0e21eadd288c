from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal

from consumers.sync.agent import run_agent
from consumers.sync.opinions import document_of, feedback_digest
from consumers.sync.publish import await_receipt, receipts_end, send_feedback
from infra.runtime.kafka import RecordProducer, read_all
from infra.runtime.service import Service
from infra.runtime.settings import Settings
from schemas.codec import decode
from schemas.records import Candidate, Decision, Feedback, Judged, Receipt, Remark, Verdict
from tests.contract.consumers.consumer_parts import SITE, Running

Start = Callable[..., Running]
AT = 946_684_800_000


def agent(service: Service) -> None:
    run_agent(service, lambda _: None)


def decision(name: str, revision: int = 1) -> Decision:
    candidate = Candidate(
        candidate_id=name,
        site=SITE,
        rule="rule",
        camera="gate",
        sensor="door",
        matched_at=AT,
        known_at=AT,
        score=1.0,
        shadow=False,
        config_version=1,
        triggers=(),
    )
    return Decision(
        candidate=candidate,
        verdict="suppressed",
        decided_at=AT,
        score=0.2,
        reasons=(),
        revision=revision,
    )


def written(settings: Settings, *decisions: Decision, event_id: str | None = None) -> None:
    """Write what filter and group say of candidates."""
    producer = RecordProducer(settings.edge_kafka, "test")
    for n, one in enumerate(decisions):
        judged = Judged(site=SITE, key="gate", n=n, at=AT, config_version=1, decisions=(one,))
        producer.send("judged", judged, key="gate")
        verdict = Verdict(
            candidate_id=one.candidate.candidate_id,
            site=SITE,
            camera="gate",
            rule="rule",
            sensor="door",
            matched_at=AT,
            decided_at=AT,
            verdict="suppressed",
            event_id=event_id,
            score=0.2,
            reasons="[]",
            revision=one.revision,
            config_version=1,
            provenance="{}",
        )
        producer.flush()
        producer.send("up.verdicts", verdict, key=verdict.candidate_id)
        producer.flush()


def said(
    settings: Settings,
    number: int,
    *,
    candidate_id: str | None = None,
    event_id: str | None = None,
    verdict: Literal["confirmed", "dismissed", "ignored_here"] = "confirmed",
) -> Receipt:
    feedback = Feedback(
        feedback_id=f"f{number}",
        site=SITE,
        candidate_id=candidate_id,
        event_id=event_id,
        verdict=verdict,
        author="ana",
        at=AT,
    )
    before = receipts_end(settings.edge_kafka)
    send_feedback(settings.edge_kafka, feedback)
    document = document_of(feedback.feedback_id)
    return await_receipt(
        settings.edge_kafka, SITE, feedback_digest(feedback), document, wait_s=60, start=before
    )


def remarks(settings: Settings) -> dict[str, Remark]:
    found = (decode(message.value) for message in read_all(settings.edge_kafka, "candidates"))
    return {one.remark_id: one for one in found if isinstance(one, Remark)}


def test_a_word_on_a_candidate_stands_among_the_candidates_with_its_last_decision(
    settings: Settings, start: Start
) -> None:
    start(agent)
    written(settings, decision("one"), decision("one", revision=2), decision("other"))
    assert said(settings, 1, candidate_id="one").status == "applied"
    remark = remarks(settings)["f1"]
    assert (remark.key, remark.verdict, remark.camera) == ("gate", "confirmed", "gate")
    assert remark.decision == decision("one", revision=2)


def test_a_word_on_an_event_is_on_its_first_candidate(settings: Settings, start: Start) -> None:
    start(agent)
    written(settings, decision("c-1"), decision("c-2"), event_id="e-1")
    assert said(settings, 2, event_id="e-1", verdict="dismissed").status == "applied"
    remark = remarks(settings)["f2"]
    assert remark.decision is not None
    assert (remark.decision.candidate.candidate_id, remark.decision.event_id) == ("c-1", "e-1")


def test_a_word_on_what_is_not_there_is_refused_with_the_reason(
    settings: Settings, start: Start
) -> None:
    start(agent)
    receipt = said(settings, 3, candidate_id="nobody")
    (fault,) = json.loads(receipt.errors)
    assert (receipt.status, fault["path"]) == ("refused", "candidate_id")
    assert "f3" not in remarks(settings)
