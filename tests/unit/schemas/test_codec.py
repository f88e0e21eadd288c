from __future__ import annotations

import dataclasses
import io
import math
import struct
import tracemalloc
import typing
from decimal import Decimal
from typing import Any, Literal

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import decode, decode_as, encode, schema_text
from schemas.errors import Rejected
from schemas.files import schema_names
from schemas.records import (
    SCHEMA_IDS,
    Beat,
    Command,
    Detections,
    Frame,
    FrameReference,
    PathPoint,
    Reading,
    Record,
    Sensed,
    Track,
    TrackReport,
    Trigger,
)
from tests.unit.schemas.records_strategies import KINDS, any_record, records

few_examples = settings(max_examples=25)

BEAT = Beat(site="s", camera="gate", beat_at=1, state="online", config_version=1)
FRAME = Frame(
    site="s",
    camera="gate",
    epoch_at=1,
    seq=0,
    captured_at=1,
    config_version=1,
    width=640,
    height=480,
    source_width=640,
    source_height=480,
    motion=0.5,
    jpeg=b"jpeg",
)
BEST = FrameReference(partition=1, offset=2, captured_at=3, box=(0.1, 0.2, 0.3, 0.4), score=0.5)
REPORT = TrackReport(
    track="t",
    at=1,
    class_name="person",
    score=0.5,
    observations=3,
    age_ms=400,
    displacement=0.2,
    box_height=0.3,
    best=BEST,
)
TRIGGER = Trigger(
    trigger_id="i",
    site="s",
    camera="gate",
    sensor="lawn",
    trigger="entered",
    anchor=(0.25, 0.5),
    triggered_at=1,
    since_at=1,
    known_at=1,
    model="m",
    model_version="1",
    config_version=1,
    report=REPORT,
)
SENSED = Sensed(
    site="s", key="gate", n=1, at=1, config_version=1, triggers=(TRIGGER,), reports=(REPORT,)
)
TRACK = Track(
    track_id="t",
    site="s",
    camera="gate",
    epoch_at=1,
    class_name="person",
    score_mean=0.5,
    score_max=0.6,
    observations=2,
    started_at=1,
    ended_at=2,
    path=(PathPoint(at=1, x=0.5, y=0.5),),
    zones=("lawn",),
    colours=(),
    config_version=1,
)


def rejected(value: bytes | None) -> str:
    with pytest.raises(Rejected) as caught:
        decode(value)
    assert str(caught.value)
    return caught.value.reason


def refused(record: Any) -> str:
    with pytest.raises(Rejected) as caught:
        encode(record)
    return caught.value.reason


def body(kind: type[Any], *parts: bytes) -> bytes:
    return struct.pack(">bI", 0, SCHEMA_IDS[kind]) + b"".join(parts)


def number(value: int) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, "long", value)
    return buffer.getvalue()


def text(value: str) -> bytes:
    return number(len(value)) + value.encode()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@few_examples
def test_every_record_comes_back_as_it_was(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(records(kind))
    message = encode(record)
    assert message[:5] == struct.pack(">bI", 0, SCHEMA_IDS[kind])
    assert decode(message) == record
    assert decode_as(kind, message) == record
    # Also what == passes over: the sign of a zero, an integer where a float belongs.
    assert encode(decode(message)) == message


def test_an_optional_array_of_numbers_comes_back() -> None:
    assert decode(encode(SENSED)) == SENSED


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"\x01\x00\x00\x00\x01", "wrong-magic"),
        (b"\xff", "wrong-magic"),
        (b"{}", "wrong-magic"),
        (b"\x00\x00\x00\x00", "truncated"),
        (b"\x00\x00\x00\x00\x00", "unknown-schema"),
        (b"\x00\x00\x00\x00\x63data", "unknown-schema"),
        (b"\x00\xff\xff\xff\xffdata", "unknown-schema"),
        (body(Beat), "truncated"),
        (encode(BEAT) + b"\x00", "trailing-bytes"),
        (body(Beat, number(1), b"\xff"), "damaged"),
    ],
)
def test_a_wrong_message_is_rejected_with_its_reason(message: bytes | None, reason: str) -> None:
    assert rejected(message) == reason


def test_a_record_of_another_kind_is_rejected() -> None:
    with pytest.raises(Rejected, match="Beat stands where a Frame") as caught:
        decode_as(Frame, encode(BEAT))
    assert caught.value.reason == "unexpected-record"


@given(st.binary(max_size=200), st.sampled_from(KINDS))
@settings(max_examples=300)
def test_random_bytes_give_a_record_or_rejected(noise: bytes, kind: type[Record]) -> None:
    for message in (noise, body(kind, noise)):
        try:
            record = decode(message)
        except Rejected as error:
            assert error.reason
        else:
            assert decode(encode(record)) == record


@given(st.data())
@settings(max_examples=150)
def test_flipped_bits_give_a_record_or_rejected(data: st.DataObject) -> None:
    message = bytearray(encode(data.draw(any_record())))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        record = decode(bytes(message))
    except Rejected as error:
        assert error.reason
    else:
        assert decode(encode(record)) == record


@given(st.data())
@settings(max_examples=100)
def test_a_cut_message_is_rejected(data: st.DataObject) -> None:
    message = encode(data.draw(any_record()))
    cut = message[: data.draw(st.integers(0, len(message) - 1))]
    # A text that is cut within a letter is no UTF-8.
    assert rejected(cut) in ("empty", "truncated", "damaged")


@given(any_record(), st.binary(min_size=1, max_size=50))
@settings(max_examples=50)
def test_bytes_after_the_record_are_rejected(record: Record, extra: bytes) -> None:
    assert rejected(encode(record) + extra) == "trailing-bytes"


HEADS = {
    Detections: [text("s"), number(0)],
    Track: [*map(text, ("t", "s", "c")), number(1), text("person"), bytes(16), bytes(3)],
}


@pytest.mark.parametrize("count", [1, -1, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 62), -(1 << 63)])
@pytest.mark.parametrize("kind", HEADS, ids=lambda kind: kind.__name__)
def test_a_false_count_of_an_array_is_rejected_without_memory(
    kind: type[Record], count: int
) -> None:
    message = body(kind, *HEADS[kind], number(count), b"\x00" * 3)
    tracemalloc.start()
    try:
        assert rejected(message) in ("truncated", "damaged", "trailing-bytes")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", HEADS, ids=lambda kind: kind.__name__)
def test_elements_that_are_all_there_cost_memory_in_proportion(kind: type[Record]) -> None:
    # Zeros are the smallest elements there are; the count says that 2^62 of them follow.
    peaks = [peak_bytes(body(kind, *HEADS[kind], number(1 << 62), bytes(n))) for n in SIZES]
    small, large = SIZES
    assert peaks[1] < peaks[0] * 1.5 * large / small
    assert peaks[1] < 100 * large


SIZES = (16 << 10, 64 << 10)


def peak_bytes(message: bytes) -> int:
    tracemalloc.start()
    try:
        assert rejected(message) == "truncated"
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("length", [-1, -(1 << 63), 1 << 40, (1 << 63) - 1])
def test_a_false_length_of_a_text_is_rejected(length: int) -> None:
    assert rejected(body(Beat, number(length), b"abc")) == "truncated"


def test_blocks_that_say_their_size_in_bytes_are_read() -> None:
    point = number(7) + struct.pack("<dd", 0.25, 0.75)
    blocks = [number(-1), number(len(point)), point, number(2), point, point, number(0)]
    message = body(Track, *HEADS[Track], *blocks, *[number(0)] * 5)
    assert decode_as(Track, message).path == (PathPoint(at=7, x=0.25, y=0.75),) * 3


def test_a_number_wider_than_its_type_is_rejected_on_reading() -> None:
    message = encode(dataclasses.replace(FRAME, width=1, height=1))
    wide = message.replace(number(1) * 2 + number(640), number(1 << 40) + number(1) + number(640))
    assert len(wide) > len(message)
    assert rejected(wide) == "out-of-range"


@pytest.mark.parametrize("number_", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(number_: float) -> None:
    assert refused(dataclasses.replace(FRAME, motion=number_)) == "forbidden-value"
    assert refused(dataclasses.replace(TRACK, score_mean=number_)) == "forbidden-value"
    anchored = dataclasses.replace(TRIGGER, anchor=(0.5, number_))
    assert refused(dataclasses.replace(SENSED, triggers=(anchored,))) == "forbidden-value"

    half, bad = struct.pack("<d", 0.5), struct.pack("<d", number_)
    message = encode(FRAME)
    assert message.count(half) == 1
    assert rejected(message.replace(half, bad)) == "forbidden-value"
    quarter = struct.pack("<d", 0.25)
    message = encode(SENSED)
    assert message.count(quarter) == 1
    assert rejected(message.replace(quarter, bad)) == "forbidden-value"


def test_nul_characters_are_refused() -> None:
    assert refused(dataclasses.replace(BEAT, camera="ga\x00te")) == "forbidden-value"
    assert refused(dataclasses.replace(TRACK, zones=("a", "\x00"))) == "forbidden-value"
    assert rejected(encode(BEAT).replace(b"gate", b"ga\x00e")) == "forbidden-value"
    assert rejected(encode(TRACK).replace(b"lawn", b"la\x00n")) == "forbidden-value"


def test_bytes_may_hold_anything() -> None:
    picture = dataclasses.replace(FRAME, jpeg=bytes(range(256)))
    assert decode(encode(picture)) == picture


@pytest.mark.parametrize(
    ("record", "field", "value"),
    [
        (FRAME, "site", 5),
        (FRAME, "site", b"s"),
        (FRAME, "site", ["s"]),
        (FRAME, "site", None),
        (FRAME, "seq", "1"),
        (FRAME, "seq", 1.5),
        (FRAME, "seq", True),
        (FRAME, "seq", None),
        (FRAME, "motion", "0.5"),
        (FRAME, "motion", True),
        (FRAME, "motion", Decimal("sNaN")),
        (FRAME, "still", "false"),
        (FRAME, "still", 1),
        (FRAME, "still", None),
        (FRAME, "jpeg", "jpeg"),
        (FRAME, "jpeg", None),
        (BEAT, "state", 1),
        (BEAT, "epoch_at", "1"),
        (TRACK, "zones", "lawn"),
        (TRACK, "zones", None),
        (TRACK, "zones", (1,)),
        (TRACK, "path", (BEAT,)),
        (TRACK, "path", ({"at": 1, "x": 0.5, "y": 0.5},)),
        (SENSED, "triggers", (dataclasses.replace(TRIGGER, anchor="ab"),)),  # type: ignore[arg-type]
        (SENSED, "triggers", (dataclasses.replace(TRIGGER, anchor=(True, 1)),)),
        (SENSED, "triggers", (dataclasses.replace(TRIGGER, anchor=(Decimal("sNaN"), 1)),)),  # type: ignore[arg-type]
        (SENSED, "triggers", (dataclasses.replace(TRIGGER, report=BEAT),)),  # type: ignore[arg-type]
        (SENSED, "triggers", iter([TRIGGER])),
    ],
)
def test_a_wrong_python_type_is_refused(record: Any, field: str, value: object) -> None:
    assert refused(dataclasses.replace(record, **{field: value})) == "wrong-type"


@pytest.mark.parametrize(
    ("record", "field", "value", "reason"),
    [
        (FRAME, "width", 1 << 31, "out-of-range"),
        (FRAME, "width", -(1 << 31) - 1, "out-of-range"),
        (FRAME, "seq", 1 << 63, "out-of-range"),
        (BEAT, "epoch_at", -(1 << 63) - 1, "out-of-range"),
        (TRACK, "score_mean", 10**400, "out-of-range"),
        (BEAT, "state", "asleep", "unencodable"),
        (FRAME, "site", "\ud800", "unencodable"),
    ],
)
def test_a_value_that_avro_cannot_say_is_refused(
    record: Any, field: str, value: object, reason: str
) -> None:
    assert refused(dataclasses.replace(record, **{field: value})) == reason


@pytest.mark.parametrize("thing", [None, 5, {"site": "s"}, object(), REPORT, Beat])
def test_what_is_no_record_is_refused(thing: object) -> None:
    assert refused(thing) == "wrong-type"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
@few_examples
def test_an_unknown_symbol_is_refused(kind: type[Any], data: st.DataObject) -> None:
    enums = [
        name
        for name, hint in typing.get_type_hints(kind).items()
        if typing.get_origin(hint) is Literal
    ]
    record = data.draw(records(kind))
    for name in enums:
        assert refused(dataclasses.replace(record, **{name: "?"})) == "unencodable"


def test_an_unknown_index_of_a_symbol_is_rejected() -> None:
    head = [text("s"), text("gate"), number(1)]
    assert rejected(body(Beat, *head, number(3), number(0), number(1), b"\x00")) == "damaged"


def test_readings_keep_their_order() -> None:
    readings = tuple(
        Reading(
            kind="beat",
            camera="gate",
            offset=offset,
            seq=-1,
            at=offset,
            config_version=1,
            state="online",
            still=False,
            outcome="ok",
            width=0,
            height=0,
            source_width=0,
            source_height=0,
            model="",
            model_version="",
            boxes=(),
            scores=(),
            labels=(),
        )
        for offset in range(100)
    )
    batch = Detections(site="s", partition=3, readings=readings)
    assert decode(encode(batch)) == batch


def test_an_older_id_of_a_record_is_read_with_its_own_schema(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = {**schema_names(), 900: "command", 901: "gone"}
    older = schema_text(SCHEMA_IDS[Command]).replace('"name": "deleted"', '"name": "withdrawn"')
    assert "withdrawn" in older
    monkeypatch.setattr("schemas.codec.schema_names", lambda: names)
    monkeypatch.setattr(
        codec,
        "schema_text",
        lambda schema_id: older if schema_id == 900 else schema_text(schema_id),
    )
    command = Command(
        command_id="c",
        site="s",
        name="arm",
        arguments="{}",
        issued_at=1,
        expires_at=2,
        deleted=True,
    )
    message = encode(command)
    try:
        old = struct.pack(">bI", 0, 900) + message[5:]
        assert decode(old) == dataclasses.replace(command, deleted=False)
        assert rejected(struct.pack(">bI", 0, 901) + message[5:]) == "unknown-schema"
    finally:
        codec._parsed.cache_clear()


def test_the_text_of_an_unknown_schema_is_refused() -> None:
    with pytest.raises(Rejected) as caught:
        schema_text(99)
    assert caught.value.reason == "unknown-schema"
