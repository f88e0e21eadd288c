"""What operators say of events and candidates, put in order for the filter, and receipts for it.

The filter is pure and must give the same again when its input is read again. So a word does not go
to it directly: it is written as a remark into the topic of the candidates, behind those that the
filter has read, together with the decision that it is about (docs/adr/0014).
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, replace
from typing import TypeVar

from consumers.sync.publish import RECEIPTS_TOPIC, feedback_topic
from infra.runtime.kafka import (
    Message,
    RecordConsumer,
    RecordProducer,
    read_all,
    send_to_dead_letters,
)
from infra.runtime.metrics import DEAD_LETTERS
from infra.runtime.service import Service
from schemas.codec import decode, decode_as
from schemas.errors import Rejected
from schemas.records import Decision, Feedback, Judged, Receipt, Remark, Verdict
from schemas.site import Fault

GROUP = "sightline.agent.feedback"
CANDIDATES_TOPIC, JUDGED_TOPIC, VERDICTS_TOPIC = "candidates", "judged", "up.verdicts"
KIND = "feedback"
NEAR_MS = 600_000
"""A verdict is written so soon after its decision, unless grouping was held up."""
R = TypeVar("R", Judged, Verdict)


def document_of(feedback_id: str) -> str:
    """Return the document of a word's receipt."""
    return f"{KIND}/{feedback_id}"


def feedback_digest(feedback: Feedback) -> str:
    """Return the SHA-256 (hex) by which a receipt names the word it answers."""
    text = json.dumps([feedback.feedback_id, feedback.verdict])
    return hashlib.sha256(text.encode()).hexdigest()


class Opinions:
    """Operators' words that have come down, answered one by one."""

    def __init__(
        self, service: Service, bootstrap: str, site: str, producer: RecordProducer
    ) -> None:
        self._log = service.log
        self._bootstrap = bootstrap
        self._site = site
        self._producer = producer
        self._waiting: list[Message] = []
        self._consumer = RecordConsumer(
            bootstrap, GROUP, [feedback_topic(site)], instance=f"{GROUP}-{service.settings.worker}"
        )

    def turn(self, version: int) -> None:
        """Put what has come down in order; ``version`` is that of the configuration in force.

        Raises:
            Retryable: Kafka does not answer; the word is answered at the next turn.
        """
        self._waiting += self._consumer.read(limit=10, timeout_s=0.0)
        while self._waiting:
            message = self._waiting[0]
            if message.value is not None:
                self._answer(message, version)
            self._consumer.commit([message])
            del self._waiting[0]

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _answer(self, message: Message, version: int) -> None:
        try:
            feedback = decode_as(Feedback, message.value)
        except Rejected as error:
            send_to_dead_letters(self._producer, message, error)
            self._producer.flush()
            DEAD_LETTERS.labels(message.topic, error.reason).inc()
            return
        if feedback.deleted:
            return
        fault = None
        found = self._decision(feedback) if feedback.site == self._site else None
        if feedback.site != self._site:
            problem = f"the word is for site {feedback.site}, this is {self._site}"
            fault = Fault("site", problem, self._site)
        elif found is None:
            problem = "no candidate of this id is kept at the site"
            fault = Fault("candidate_id", problem, "what was decided within the last 7 days")
        else:
            key, decision = found
            remark = Remark(
                site=self._site,
                key=key,
                config_version=version,
                remark_id=feedback.feedback_id,
                verdict=feedback.verdict,
                author=feedback.author,
                said_at=feedback.at,
                camera=decision.candidate.camera,
                decision=decision,
            )
            self._producer.send(CANDIDATES_TOPIC, remark, key=key)
        self._acknowledge(feedback, fault, version)

    def _decision(self, feedback: Feedback) -> tuple[str, Decision] | None:
        """Return the key and the last decision of the candidate, of an event's the first."""
        verdict = self._verdict(feedback)
        if verdict is None:
            return None
        candidate, arrived_at, event_id = verdict
        for since in (arrived_at - NEAR_MS, 0):
            found: list[tuple[str, Decision]] = []
            for message in read_all(
                self._bootstrap, JUDGED_TOPIC, arrived=(max(0, since), arrived_at + 1)
            ):
                judged = _of(message, candidate, Judged)
                for decision in () if judged is None else judged.decisions:
                    if judged is not None and decision.candidate.candidate_id == candidate:
                        found.append((judged.key, decision))
            if found:
                key, last = max(found, key=lambda one: one[1].revision)
                return key, replace(last, event_id=event_id)
        return None

    def _verdict(self, feedback: Feedback) -> tuple[str, int, str | None] | None:
        """Return the candidate that is meant, when its last verdict was written, and its event."""
        wanted = feedback.candidate_id or feedback.event_id or ""
        if not wanted:
            return None
        found: list[tuple[int, Verdict]] = []
        for message in read_all(self._bootstrap, VERDICTS_TOPIC):
            verdict = _of(message, wanted, Verdict)
            if verdict is not None and wanted in (verdict.candidate_id, verdict.event_id):
                found.append((message.arrived_at, verdict))
        if not found:
            return None
        _, first = min(found, key=lambda one: (one[1].matched_at, one[1].candidate_id))
        candidate = first.candidate_id
        of_it = [(at, one) for at, one in found if one.candidate_id == candidate]
        events = [one.event_id for _, one in of_it if one.event_id is not None]
        return candidate, max(at for at, _ in of_it), events[-1] if events else None

    def _acknowledge(self, feedback: Feedback, fault: Fault | None, version: int) -> None:
        now_at = time.time_ns() // 1_000_000
        document = document_of(feedback.feedback_id)
        receipt = Receipt(
            receipt_id=f"{self._site}/{document}",
            site=self._site,
            document=document,
            kind=KIND,
            status="applied" if fault is None else "refused",
            config_version=version,
            sha256=feedback_digest(feedback),
            errors=json.dumps([] if fault is None else [asdict(fault)]),
            at=now_at,
            revision=now_at,
        )
        self._producer.send(RECEIPTS_TOPIC, receipt, key=receipt.receipt_id)
        self._producer.flush()
        self._log.info(KIND, status=receipt.status, feedback_id=feedback.feedback_id)


def _of(message: Message, wanted: str, kind: type[R]) -> R | None:
    """Return the record if it tells of an id; most do not, and are not decoded."""
    if message.value is None or wanted.encode() not in message.value:
        return None
    try:
        record = decode(message.value)
    except Rejected:
        # Another reader's business: it stands in the topic's dead letters.
        return None
    return record if isinstance(record, kind) else None
