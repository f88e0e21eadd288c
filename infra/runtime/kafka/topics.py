"""Topics, made from the catalogue alone."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from infra.runtime.kafka.clients import admin_client
from infra.runtime.kafka.message import no_answer
from schemas.errors import Fatal, Retryable
from schemas.topics import Topic

_ASK_S = 5.0
_POLL_S = 0.1
_TOPIC_EXISTS = KafkaError.TOPIC_ALREADY_EXISTS


def create_topics(bootstrap: str, topics: Iterable[Topic], timeout_s: float = 90) -> None:
    """Create the topics that are missing and set the catalogue's settings on those that exist.

    Raises:
        Fatal: the broker is not there, or refuses a topic.
    """
    admin = admin_client(bootstrap)
    wanted = {topic.name: topic for topic in topics}
    try:
        present = admin.list_topics(timeout=timeout_s).topics
    except KafkaException as error:
        raise Fatal(no_answer(bootstrap, error)) from error
    missing = [
        NewTopic(t.name, num_partitions=t.partitions, replication_factor=-1, config=t.config())
        for name, t in wanted.items()
        if name not in present
    ]
    if missing:
        _wait_for(admin.create_topics(missing, operation_timeout=timeout_s), _TOPIC_EXISTS)
        _wait_for_leaders(bootstrap, missing, timeout_s)
    settled = [_set(name, topic.config()) for name, topic in wanted.items() if name in present]
    if settled:
        _wait_for(admin.incremental_alter_configs(settled))


def set_topic_settings(bootstrap: str, name: str, settings: Mapping[str, str]) -> None:
    """Change these of a topic's settings; the others stay.

    Raises:
        Retryable: the broker does not answer, or there is no such topic yet.
    """
    admin = admin_client(bootstrap)
    asked = admin.incremental_alter_configs([_set(name, settings)], request_timeout=_ASK_S)
    for future in asked.values():
        try:
            future.result()
        except KafkaException as error:
            raise Retryable(f"the settings of {name} cannot be changed: {error}") from error


def low_offsets(bootstrap: str, name: str) -> dict[int, int]:
    """Return the lowest offset that each partition of a topic still holds.

    Raises:
        Retryable: the broker does not answer, or there is no such topic.
    """
    admin = admin_client(bootstrap)
    try:
        described = admin.list_topics(name, timeout=_ASK_S).topics[name]
        places = {
            TopicPartition(name, partition): OffsetSpec.earliest()  # type: ignore[no-untyped-call]
            for partition in described.partitions
        }
        asked = admin.list_offsets(places, request_timeout=_ASK_S) if places else {}
        return {place.partition: future.result().offset for place, future in asked.items()}
    except KafkaException as error:
        raise Retryable(f"{name} does not say where it begins: {error}") from error


def _set(name: str, settings: Mapping[str, str]) -> ConfigResource:
    return ConfigResource(
        ResourceType.TOPIC,
        name,
        incremental_configs=[
            ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
            for key, value in settings.items()
        ],
    )


def _wait_for_leaders(bootstrap: str, topics: Iterable[NewTopic], timeout_s: float) -> None:
    """Ask every partition where it ends until each answers: a new one has no leader at first.

    A client that has met one without a leader may go on saying so for ever; each try has its own.
    """
    places = {
        TopicPartition(topic.topic, partition): OffsetSpec.latest()  # type: ignore[no-untyped-call]
        for topic in topics
        for partition in range(topic.num_partitions)
    }
    until = time.monotonic() + timeout_s
    while True:
        unanswered: list[str] = []
        admin = admin_client(bootstrap)
        for place, future in admin.list_offsets(places, request_timeout=_ASK_S).items():
            try:
                future.result()
            except KafkaException as error:
                unanswered.append(f"{place.topic}/{place.partition}: {error}")
        if not unanswered:
            return
        if time.monotonic() > until:
            raise Fatal(f"Kafka made topics that do not answer: {unanswered[0]}; start it again")
        time.sleep(_POLL_S)


def _wait_for(futures: dict[Any, Any], *harmless: int) -> None:
    for what, future in futures.items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() not in harmless:
                raise Fatal(f"Kafka refuses {what}: {error}") from error
