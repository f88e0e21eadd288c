from __future__ import annotations

from collections import Counter

import pytest

from schemas.records import SCHEMA_IDS
from schemas.topics import (
    LARGE_RECORD_BYTES,
    PARTITIONS,
    STAGES,
    Topic,
    cloud_topics,
    dead_letter_topic,
    site_topics,
)

MIB = 1 << 20
MINUTE_MS, DAY_MS = 60_000, 86_400_000
SITE = site_topics("depot-7")
CLOUD = cloud_topics("depot-7", "depot-8")
BY_NAME = {topic.name: topic for topic in (*CLOUD, *SITE)}
OWN = [topic for topic in BY_NAME.values() if not topic.name.startswith("dlq.")]
DEAD = [topic for topic in BY_NAME.values() if topic.name.startswith("dlq.")]

KEPT_MS = {
    "frames": 10 * MINUTE_MS,
    "video": 10 * MINUTE_MS,
    "detections": 7 * DAY_MS,
    "triggers": 7 * DAY_MS,
    "site-triggers": 7 * DAY_MS,
    "candidates": 7 * DAY_MS,
    "judged": 7 * DAY_MS,
    "up.events": 30 * DAY_MS,
    "up.verdicts": 30 * DAY_MS,
    "up.evidence": -1,
    "up.tracks": 7 * DAY_MS,
    "up.counts": 30 * DAY_MS,
    "up.health": 7 * DAY_MS,
    "up.live": MINUTE_MS,
    "down.depot-7.commands": DAY_MS,
    "down.depot-8.commands": DAY_MS,
    **{f"checkpoints.{stage}": 7 * DAY_MS for stage in STAGES},
}
AS_CONFIGURED = {"recording"}
COMPACTED = {
    "config",
    "up.receipts",
    "down.depot-7.config",
    "down.depot-7.feedback",
    "down.depot-8.config",
    "down.depot-8.feedback",
    "down.global.models",
    *(f"state.{stage}" for stage in STAGES),
}
CAPPED = {"frames", "video", "detections", "up.evidence", "up.live"}
LARGE = {"frames", "video", "recording", "up.evidence", "up.live"}
KNOWN_SETTINGS = {
    "message.timestamp.type",
    "cleanup.policy",
    "max.message.bytes",
    "retention.ms",
    "retention.bytes",
    "segment.bytes",
    "segment.ms",
    "min.cleanable.dirty.ratio",
    "min.compaction.lag.ms",
}


def names(topics: tuple[Topic, ...]) -> list[str]:
    return [topic.name for topic in topics]


def each(topics: list[Topic]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("topic", topics, ids=lambda topic: topic.name)


def test_the_catalogue_is_that_of_the_architecture() -> None:
    assert {topic.name for topic in OWN} == KEPT_MS.keys() | COMPACTED | AS_CONFIGURED
    assert max(Counter(names(SITE)).values()) == max(Counter(names(CLOUD)).values()) == 1


@each(list(BY_NAME.values()))
def test_settings_are_legal(topic: Topic) -> None:
    config = topic.config()
    assert config.keys() <= KNOWN_SETTINGS
    assert config["message.timestamp.type"] == "LogAppendTime"
    # Kafka refuses a segment below 1 MiB (since 4.0, KIP-1030) and a batch above a segment.
    segment = int(config.get("segment.bytes", 1 << 30))
    assert MIB <= segment < 1 << 31
    assert int(config["max.message.bytes"]) <= segment
    for name in ("retention.ms", "retention.bytes"):
        assert name not in config or int(config[name]) == -1 or int(config[name]) > 0
    assert int(config.get("segment.ms", 1)) > 0
    assert len(topic.name) <= 249 and set(topic.name) <= set(
        "abcdefghijklmnopqrstuvwxyz0123456789-."
    )


@each(OWN)
def test_retention_is_that_of_the_architecture(topic: Topic) -> None:
    config = topic.config()
    if topic.name in COMPACTED:
        assert config["cleanup.policy"] == "compact"
        assert not config.keys() & {"retention.ms", "retention.bytes", "segment.ms"}
        return
    assert config["cleanup.policy"] == "delete"
    if topic.name in AS_CONFIGURED:
        # Whoever creates topics again leaves what capture has set.
        assert not config.keys() & {"retention.ms", "retention.bytes"}
        return
    kept_ms = KEPT_MS[topic.name]
    assert int(config["retention.ms"]) == kept_ms
    assert (int(config["retention.bytes"]) > 0) == (topic.name in CAPPED)
    assert ("segment.ms" in config) == (kept_ms > 0)
    if kept_ms > 0:
        assert int(config["segment.ms"]) == kept_ms // 4


@pytest.mark.parametrize("name", sorted(CAPPED))
def test_a_byte_cap_holds_for_the_topic_and_its_segments_are_an_eighth(name: str) -> None:
    topic, config = BY_NAME[name], BY_NAME[name].config()
    cap = int(config["retention.bytes"])
    assert topic.retention_bytes is not None
    assert cap * topic.partitions <= topic.retention_bytes < (cap + 1) * topic.partitions
    assert int(config["segment.bytes"]) == max(MIB, cap // 8)


def test_small_caps_keep_segments_that_a_broker_takes() -> None:
    tiny = Topic("t", "k", (), "tiny", "site", retention_bytes=12 * MIB)
    assert tiny.config()["segment.bytes"] == str(MIB)
    large = Topic(
        "t", "k", (), "", "site", retention_bytes=12 * MIB, max_message_bytes=LARGE_RECORD_BYTES
    )
    assert large.config()["segment.bytes"] == str(LARGE_RECORD_BYTES)


@each(OWN)
def test_partitions_are_twelve_where_order_per_key_is_mirrored_up(topic: Topic) -> None:
    single = topic.direction == "down" or topic.name == "config"
    assert topic.partitions == (1 if single else 12)
    assert PARTITIONS == 12


@each(OWN)
def test_records_of_10_mib_fit_where_pictures_travel(topic: Topic) -> None:
    assert LARGE_RECORD_BYTES == 10 * MIB
    if topic.name in LARGE:
        assert topic.max_message_bytes == LARGE_RECORD_BYTES


@pytest.mark.parametrize("stage", STAGES)
def test_state_is_compacted_in_small_segments(stage: str) -> None:
    config = BY_NAME[f"state.{stage}"].config()
    assert config["segment.bytes"] == str(8 * MIB)
    assert config["min.cleanable.dirty.ratio"] == "0.1"
    assert config["min.compaction.lag.ms"] == "600000"


def test_a_stage_keeps_its_state_beside_its_input() -> None:
    # Co-partitioned: who is assigned a partition of the input finds its state in the same number.
    inputs = {"sense": "detections", "match": "triggers", "filter": "candidates", "group": "judged"}
    assert tuple(inputs) == STAGES
    for stage, source in inputs.items():
        assert BY_NAME[f"state.{stage}"].partitions == BY_NAME[source].partitions
        assert BY_NAME[f"checkpoints.{stage}"].partitions == BY_NAME[source].partitions


@pytest.mark.parametrize("side", [SITE, CLOUD], ids=["site", "cloud"])
def test_every_topic_of_the_flow_has_its_dead_letters(side: tuple[Topic, ...]) -> None:
    flow = [
        topic for topic in side if not topic.name.startswith(("dlq.", "state.", "checkpoints."))
    ]
    assert {dead_letter_topic(topic.name) for topic in flow} == {
        topic.name for topic in side if topic.name.startswith("dlq.")
    }


@each(DEAD)
def test_dead_letters_stay_where_they_failed_for_30_days(topic: Topic) -> None:
    source = BY_NAME[topic.name.removeprefix("dlq.")]
    assert topic.direction == "site" and topic.records == ()
    assert topic.config()["retention.ms"] == str(30 * DAY_MS)
    assert topic.partitions == source.partitions
    # The record as it was, and the headers that say what was wrong with it.
    assert topic.max_message_bytes > source.max_message_bytes


@each(OWN)
def test_the_prefix_tells_the_direction(topic: Topic) -> None:
    prefix = topic.name.split(".")[0]
    assert topic.direction == (prefix if prefix in ("up", "down") else "site")


def test_both_sides_have_the_mirrored_topics_and_only_those() -> None:
    here = {topic.name: topic for topic in SITE if topic.direction != "site"}
    there = {topic.name: topic for topic in cloud_topics("depot-7") if topic.direction != "site"}
    assert here == there
    assert all(name.startswith(("up.", "down.", "dlq.")) for name in names(CLOUD))
    assert not any("depot-8" in name for name in names(SITE))


def test_every_kind_of_record_has_a_topic() -> None:
    carried = Counter(
        kind for topic in SITE for kind in topic.records if topic.name.split(".")[0] != "dlq"
    )
    assert carried.keys() == SCHEMA_IDS.keys()
