"""The background depends on the frames alone, and can be made again from a few of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Frame
from streams.inference import thumbnails
from streams.inference.thumbnails import COUNT, History, slot_of
from tests.unit.streams.inference.scenes import EPOCH_AT, frame, jpeg
from triton_models.kit.thumbnails import WIDTH, BadThumbnails, pack, unpack

PICTURES = [jpeg(np.full((24, 32, 3), level, np.uint8)) for level in range(0, 250, 10)]
GAPS_MS = st.lists(st.integers(1, 9000), min_size=1, max_size=60)


def frames(
    gaps_ms: Sequence[int], *, camera: str = "gate", epoch_at: int = EPOCH_AT
) -> list[Frame]:
    times = [0, *np.cumsum(gaps_ms).tolist()]
    return [
        frame(
            seq,
            PICTURES[seq % len(PICTURES)],
            camera=camera,
            epoch_at=epoch_at,
            captured_at=epoch_at + at,
        )
        for seq, at in enumerate(times)
    ]


def same(one: History, other: History) -> bool:
    return (one.epoch_at, one.block, one.offsets) == (other.epoch_at, other.block, other.offsets)


@settings(max_examples=40, deadline=None)
@given(GAPS_MS, st.integers(0, 60))
def test_a_history_is_made_again_from_the_frames_it_names(gaps_ms: list[int], cut: int) -> None:
    sent = frames(gaps_ms)
    cut = min(cut, len(sent))
    history = History()
    for offset, one in enumerate(sent[:cut]):
        history, _ = thumbnails.step(history, one, offset)
    again = History()
    for offset in history.offsets:
        again, _ = thumbnails.step(again, sent[offset], offset)
    for offset, one in enumerate(sent[cut:], start=cut):
        history, block = thumbnails.step(history, one, offset)
        again, block_again = thumbnails.step(again, one, offset)
        assert block == block_again
    assert same(history, again) or cut == 0


@settings(max_examples=40, deadline=None)
@given(GAPS_MS)
def test_it_is_bounded_and_never_shows_the_frames_own_slot(gaps_ms: list[int]) -> None:
    history = History()
    slots_shown: dict[int, bytes] = {}
    for offset, one in enumerate(frames(gaps_ms)):
        history, block = thumbnails.step(history, one, offset)
        slot = slot_of(one.captured_at - one.epoch_at)
        assert slots_shown.setdefault(slot, block) == block
        assert len(history.thumbnails) <= COUNT + 1
        assert len(unpack(block)) == len(history.thumbnails) - 1
        assert all(t.slot < slot for t in history.thumbnails[:-1])


def test_slots_never_go_back_and_settle() -> None:
    slots = [slot_of(ms) for ms in range(0, 60_000, 50)]
    assert slots == sorted(slots) and slots[0] == 0
    assert slot_of(60_000) - slot_of(54_000) == 1


def test_a_new_epoch_forgets_and_a_broken_frame_changes_nothing() -> None:
    history = History()
    for offset, one in enumerate(frames([1000] * 5)):
        history, _ = thumbnails.step(history, one, offset)
    broken = frame(9, b"no picture", captured_at=EPOCH_AT + 50_000)
    assert thumbnails.step(history, broken, 9) == (history, history.block)
    anew = frame(0, PICTURES[0], epoch_at=EPOCH_AT + 90_000)
    history, block = thumbnails.step(history, anew, 10)
    assert (block, history.offsets) == (b"", (10,))


def test_a_scene_left_alone_for_minutes_starts_afresh() -> None:
    history = History()
    for offset, one in enumerate(frames([1000] * 5 + [301_000])):
        history, block = thumbnails.step(history, one, offset)
    assert block == b"" and len(history.thumbnails) == 1


def test_pictures_are_packed_small_and_grey() -> None:
    wide = np.zeros((360, 640, 3), np.uint8)
    wide[:, 320:] = 200
    history, _ = thumbnails.step(History(), frame(0, jpeg(wide)), 0)
    assert history.thumbnails[0].picture.shape == (135, WIDTH)
    assert history.thumbnails[0].picture[60, [10, 230]].tolist() == pytest.approx([0, 200], abs=2)


@given(st.integers(0, 9), st.integers(1, 5), st.integers(1, 5))
def test_blocks_come_back_whole(count: int, rows: int, columns: int) -> None:
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (rows, columns), dtype=np.uint8) for _ in range(count)]
    unpacked = unpack(pack(pictures))
    assert len(unpacked) == count
    assert all((a == b).all() for a, b in zip(unpacked, pictures, strict=True))


@pytest.mark.parametrize("block", [b"12", b"\x01\x00\x02\x00\x02\x00123", b"\x00" * 7])
def test_a_damaged_block_is_refused(block: bytes) -> None:
    with pytest.raises(BadThumbnails):
        unpack(block)


def test_thumbnails_of_another_size_are_left_out() -> None:
    small, large = np.zeros((2, 2), np.uint8), np.zeros((3, 3), np.uint8)
    assert unpack(pack([small, large, large])).shape == (2, 3, 3)
