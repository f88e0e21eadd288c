"""Publishing a site's configuration, and waiting for what the site says to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, TopicPartition

from consumers.sync.applying import SITE_DOCUMENT
from infra.runtime.kafka import RecordProducer, no_answer, reading_client, to_message
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import Command, ConfigDocument, Feedback, Receipt
from schemas.site import digest

RECEIPTS_TOPIC = "up.receipts"
TIMEOUT_S = 10.0
Ends = Mapping[int, int]
"""By partition the offset from which to read."""


def config_topic(site: str) -> str:
    """Return the topic in which a site's desired configuration stands."""
    return f"down.{site}.config"


def publish(
    bootstrap: str, site: str, text: str, document: str = SITE_DOCUMENT, *, author: str = ""
) -> str:
    """Write the desired configuration, at the site's own Kafka or the cloud's; return its SHA-256.

    The text is judged at the site: see :func:`await_receipt`.

    Raises:
        Rejected: the text cannot travel (a NUL character, too long).
        Retryable: Kafka did not acknowledge it.
    """
    record = config_document(site, text, document, author=author)
    producer = RecordProducer(bootstrap, "sightline.publish")
    producer.send(config_topic(site), record, key=document)
    producer.flush(30)
    return record.sha256


def config_document(
    site: str, text: str, document: str = SITE_DOCUMENT, *, author: str = ""
) -> ConfigDocument:
    """Return the record that publishes a configuration; its key is the document."""
    return ConfigDocument(
        document=document,
        site=site,
        body=text,
        sha256=digest(text),
        published_at=time.time_ns() // 1_000_000,
        author=author,
    )


def commands_topic(site: str) -> str:
    """Return the topic in which orders to a site stand."""
    return f"down.{site}.commands"


def send_command(
    bootstrap: str, site: str, name: str, arguments: Mapping[str, object], *, valid_s: float = 60.0
) -> Command:
    """Write an order to a site, at its own Kafka or the cloud's; return it.

    It is obeyed only if it arrives within ``valid_s`` seconds: see :func:`await_receipt`, with
    ``commanding.command_digest`` and ``commanding.document_of``.

    Raises:
        Retryable: Kafka did not acknowledge it.
    """
    command = new_command(site, name, arguments, valid_s=valid_s)
    producer = RecordProducer(bootstrap, "sightline.command")
    producer.send(commands_topic(site), command, key=command.command_id)
    producer.flush(30)
    return command


def new_command(
    site: str, name: str, arguments: Mapping[str, object], *, valid_s: float = 60.0
) -> Command:
    """Return the record of an order that is issued now; its key is its id."""
    now_at = time.time_ns() // 1_000_000
    return Command(
        command_id=str(uuid4()),
        site=site,
        name=name,
        arguments=json.dumps(arguments),
        issued_at=now_at,
        expires_at=now_at + round(valid_s * 1000),
    )


def feedback_topic(site: str) -> str:
    """Return the topic in which operators' words to a site stand."""
    return f"down.{site}.feedback"


def send_feedback(bootstrap: str, feedback: Feedback) -> None:
    """Write an operator's word, at the site's own Kafka or the cloud's.

    Raises:
        Retryable: Kafka did not acknowledge it.
    """
    producer = RecordProducer(bootstrap, "sightline.feedback")
    producer.send(feedback_topic(feedback.site), feedback, key=feedback.feedback_id)
    producer.flush(30)


def receipts_end(bootstrap: str) -> Ends:
    """Return where the receipts end now: taken before publishing, it tells new from old.

    Raises:
        Retryable: Kafka does not answer.
    """
    consumer = _consumer(bootstrap)
    try:
        return {part: _range(consumer, part)[1] for part in _partitions(consumer)}
    except KafkaException as error:
        raise Retryable(no_answer(bootstrap, error)) from error
    finally:
        consumer.close()


def await_receipt(
    bootstrap: str,
    site: str,
    sha256: str,
    document: str = SITE_DOCUMENT,
    *,
    wait_s: float = 30.0,
    start: Ends | None = None,
    stopping: threading.Event | None = None,
) -> Receipt:
    """Return the site's receipt for the text with this hash, waiting for it.

    Without ``start`` an older receipt for the same text counts too.

    Raises:
        Retryable: it has not come within ``wait_s`` seconds.
    """
    deadline_s = time.monotonic() + wait_s
    consumer = _consumer(bootstrap)
    try:
        places = []
        for part in _partitions(consumer):
            low = _range(consumer, part)[0]
            places.append(
                TopicPartition(RECEIPTS_TOPIC, part, max(low, (start or {}).get(part, low)))
            )
        consumer.assign(places)
        while (left_s := deadline_s - time.monotonic()) > 0:
            if stopping is not None and stopping.is_set():
                break
            raw = consumer.poll(min(left_s, 0.5))
            if raw is None or raw.error() is not None:
                continue
            try:
                receipt = decode_as(Receipt, to_message(raw).value)
            except Rejected:
                # Whoever stores receipts puts it into the dead letters.
                continue
            if receipt.receipt_id == f"{site}/{document}" and receipt.sha256 == sha256:
                return receipt
    except KafkaException as error:
        raise Retryable(no_answer(bootstrap, error)) from error
    finally:
        consumer.close()
    raise Retryable(
        f"site {site} has not answered within {wait_s:g} s: is its edge agent running, and the "
        "mirror between site and cloud?"
    )


def _consumer(bootstrap: str) -> Consumer:
    return reading_client(
        bootstrap,
        "receipts",
        {
            "auto.offset.reset": "earliest",
        },
    )


def _partitions(consumer: Consumer) -> list[int]:
    return sorted(
        consumer.list_topics(RECEIPTS_TOPIC, timeout=TIMEOUT_S).topics[RECEIPTS_TOPIC].partitions
    )


def _range(consumer: Consumer, partition: int) -> tuple[int, int]:
    deadline_s = time.monotonic() + TIMEOUT_S
    while True:
        try:
            place = TopicPartition(RECEIPTS_TOPIC, partition)
            found = consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
        except KafkaException:
            # A topic that has just been created has no leader for a moment.
            if time.monotonic() >= deadline_s:
                raise
            time.sleep(0.2)
            continue
        low, high = found or (0, 0)
        return low or 0, high or 0
