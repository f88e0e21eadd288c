from __future__ import annotations

import hashlib
import io

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import evidence_id
from schemas.records import FrameReference
from streams.evidence.chunks import REVISION, found
from streams.evidence.making import make_evidence
from streams.evidence.snapshot import decode_jpeg
from tests.unit.streams.evidence.evidence_samples import (
    OPENED_AT,
    KeptFrames,
    sample_frame,
    sample_request,
)

BOX = (0.2, 0.2, 0.6, 0.8)
CLIP = sample_request()


def reference(offset: int, at: int) -> FrameReference:
    return FrameReference(partition=0, offset=offset, captured_at=at, box=BOX, score=0.9)


def every_200_ms(first: int, last: int, camera: str = "gate") -> KeptFrames:
    return KeptFrames([sample_frame(at, camera) for at in range(first, last + 1, 200)])


def test_a_snapshot_shows_the_frame_it_names() -> None:
    frames = every_200_ms(OPENED_AT, OPENED_AT + 600)
    request = sample_request(kind="snapshot", frame=reference(2, OPENED_AT + 400))
    (record,) = make_evidence(request, frames.index(), frames)
    assert (record.status, record.content_type) == ("ok", "image/jpeg")
    assert record.from_at == record.to_at == OPENED_AT + 400
    assert decode_jpeg(record.data).shape == (48, 64, 3)
    assert record.evidence_id == evidence_id("e-1", "snapshot")


def test_a_snapshot_without_a_frame_takes_the_cameras_last_one() -> None:
    frames = every_200_ms(OPENED_AT - 500, OPENED_AT + 500)
    request = sample_request(kind="snapshot", from_at=OPENED_AT, to_at=OPENED_AT)
    (record,) = make_evidence(request, frames.index(), frames)
    assert (record.status, record.from_at) == ("ok", OPENED_AT - 100)


@pytest.mark.parametrize("frame", [reference(0, OPENED_AT), reference(2, OPENED_AT + 1)])
def test_a_frame_that_is_gone_or_replaced_gives_the_word_expired(frame: FrameReference) -> None:
    frames = every_200_ms(OPENED_AT, OPENED_AT + 600)
    frames.expired_below = 1
    (record,) = make_evidence(sample_request(kind="snapshot", frame=frame), frames.index(), frames)
    assert record.status == "expired" and record.reason
    assert (record.data, record.size, record.revision) == (b"", 0, REVISION["expired"])


def test_a_damaged_frame_gives_the_word_failed() -> None:
    frames = KeptFrames([sample_frame(OPENED_AT, jpeg=b"damaged")])
    request = sample_request(kind="snapshot", frame=reference(0, OPENED_AT))
    (record,) = make_evidence(request, frames.index(), frames)
    assert record.status == "failed" and "JPEG" in (record.reason or "")


def test_a_clip_holds_the_frames_of_its_time_and_of_no_other_camera() -> None:
    mine = [sample_frame(at) for at in range(OPENED_AT - 2000, OPENED_AT + 4000, 200)]
    others = [sample_frame(at + 50, "yard") for at in range(OPENED_AT, OPENED_AT + 1000, 200)]
    frames = KeptFrames(sorted([*mine, *others], key=lambda frame: frame.captured_at))
    (record,) = make_evidence(CLIP, frames.index(), frames)
    assert (record.status, record.content_type) == ("ok", "video/mp4")
    assert (record.from_at, record.to_at) == (CLIP.from_at, CLIP.to_at)
    with av.open(io.BytesIO(record.data), mode="r") as container:
        assert len(list(container.decode(video=0))) == 16


def test_a_clip_begins_where_frames_are_left_and_says_so() -> None:
    frames = every_200_ms(OPENED_AT - 1000, OPENED_AT + 2000)
    index = frames.index()
    frames.expired_below = 6
    (record,) = make_evidence(CLIP, index, frames)
    assert (record.status, record.from_at) == ("ok", OPENED_AT + 200)


@pytest.mark.parametrize(
    ("first", "expired_below", "status"),
    [
        (OPENED_AT - 1000, 10**6, "expired"),  # gone while the index still knew them
        (OPENED_AT + 60_000, 0, "expired"),  # gone before the index was built
        (OPENED_AT - 60_000, 0, "failed"),  # the camera gave none
    ],
)
def test_a_clip_without_frames_says_why(first: int, expired_below: int, status: str) -> None:
    frames = every_200_ms(first, first + 3000)
    frames.expired_below = expired_below
    (record,) = make_evidence(CLIP, frames.index(), frames)
    assert record.status == status and record.reason
    assert (record.from_at, record.to_at) == (CLIP.from_at, CLIP.to_at)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_chunks_put_together_are_the_object(data: bytes, chunk_bytes: int) -> None:
    records = found(CLIP, "video/mp4", data, 1, 2, chunk_bytes)
    assert b"".join(record.data for record in records) == data
    assert [record.chunk for record in records] == list(range(len(records)))
    assert {record.chunks for record in records} == {len(records)}
    assert all(len(record.data) <= chunk_bytes for record in records)
    assert {(r.size, r.sha256) for r in records} == {(len(data), hashlib.sha256(data).hexdigest())}


def test_a_picture_outranks_the_word_that_there_is_none() -> None:
    assert REVISION["ok"] > REVISION["expired"] and REVISION["ok"] > REVISION["failed"]
