"""What is remembered of a partition's cameras: bounded, noted, and made again from the note."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.records import Beat, Frame
from streams.inference import histories, thumbnails
from streams.inference.histories import (
    MAX_CAMERAS,
    NOTE_BYTES,
    Before,
    Histories,
    Memory,
    note_of,
    offsets_in,
)
from streams.inference.thumbnails import History
from tests.unit.streams.inference.scenes import EPOCH_AT, frame, jpeg

PICTURES = [jpeg(np.full((24, 32, 3), level, np.uint8)) for level in range(0, 250, 10)]


@st.composite
def runs(draw: st.DrawFn) -> list[Frame]:
    """Frames of two cameras in the order of one partition: epochs change, times may not rise."""
    found = []
    at = {"gate": EPOCH_AT, "yard": EPOCH_AT}
    epoch = dict(at)
    for seq in range(draw(st.integers(1, 60))):
        camera = draw(st.sampled_from(("gate", "yard")))
        at[camera] += draw(st.integers(0, 9000))
        if draw(st.integers(0, 19)) == 0:
            epoch[camera] = at[camera] = at[camera] + 1
        picture = PICTURES[seq % len(PICTURES)]
        found.append(
            frame(seq, picture, camera=camera, epoch_at=epoch[camera], captured_at=at[camera])
        )
    return found


@settings(max_examples=60, deadline=None)
@given(runs(), st.integers(0, 60))
def test_a_note_is_enough_to_judge_all_further_frames_alike(sent: list[Frame], cut: int) -> None:
    state = Histories()
    for offset, one in enumerate(sent[:cut]):
        state, _ = histories.step(state, one, offset)
    noted = offsets_in(note_of(state))
    again = histories.restored((offset, encode(sent[offset])) for offset in noted)
    for offset, one in enumerate(sent[cut:], start=cut):
        state, before = histories.step(state, one, offset)
        again, before_again = histories.step(again, one, offset)
        assert before == before_again


def test_the_frame_before_is_that_of_the_same_epoch_and_camera() -> None:
    state, seen = Histories(), []
    times = [("gate", 0, 0), ("yard", 0, 100), ("gate", 0, 200), ("gate", 0, 150), ("gate", 0, 400)]
    for offset, (camera, epoch, ms) in enumerate([*times, ("gate", 500, 500)]):
        one = frame(
            offset,
            PICTURES[0],
            camera=camera,
            epoch_at=EPOCH_AT + epoch,
            captured_at=EPOCH_AT + ms,
        )
        state, before = histories.step(state, one, offset)
        seen.append(None if before.previous_at is None else before.previous_at - EPOCH_AT)
    assert seen == [None, None, 0, 200, 200, None]


@given(st.lists(st.integers(0, 2**40), unique=True, min_size=1, max_size=60))
def test_a_note_gives_its_offsets_back(offsets: list[int]) -> None:
    picture = np.zeros((1, 1), np.uint8)
    made = tuple(thumbnails.Thumbnail(0, 0, offset, picture) for offset in offsets[1:])
    memory = Memory(History(EPOCH_AT, made), EPOCH_AT, EPOCH_AT, offsets[0])
    assert offsets_in(note_of(Histories({"gate": memory}))) == sorted(offsets)


def test_a_note_of_too_many_cameras_names_those_that_spoke_last() -> None:
    picture = np.zeros((1, 1), np.uint8)
    cameras = {
        f"camera-{c}": Memory(
            History(
                EPOCH_AT,
                tuple(thumbnails.Thumbnail(i, i, 10**6 * i + c, picture) for i in range(10)),
            ),
            EPOCH_AT,
            EPOCH_AT,
            10**7 + c,
        )
        for c in range(MAX_CAMERAS)
    }
    note = note_of(Histories(cameras))
    assert len(note) <= NOTE_BYTES
    kept = offsets_in(note)
    assert set(cameras[f"camera-{MAX_CAMERAS - 1}"].offsets) <= set(kept)
    assert not set(cameras["camera-0"].offsets) & set(kept)
    assert offsets_in("") == offsets_in("0:5") == []


@pytest.mark.parametrize(("beat_state", "left"), [("stalled", True), ("offline", False)])
def test_histories_of_a_partition_are_bounded_and_forget_who_is_offline(
    beat_state: Literal["stalled", "offline"], left: bool
) -> None:
    state = Histories()
    for number in range(MAX_CAMERAS + 3):
        one = frame(0, PICTURES[0], camera=f"camera-{number}")
        state, _ = histories.step(state, one, number)
    assert len(state.cameras) == MAX_CAMERAS and "camera-2" not in state.cameras
    gone = Beat(site="depot-7", camera="camera-9", beat_at=0, state=beat_state, config_version=0)
    state, before = histories.step(state, gone, 999)
    assert ("camera-9" in state.cameras) is left and before == Before()


def test_what_cannot_be_read_again_costs_only_itself() -> None:
    first, second = frame(0, PICTURES[0]), frame(1, PICTURES[1])
    state = histories.restored([(0, b"?"), (1, encode(second)), (2, None)])
    assert state.cameras["gate"].offsets == (1,)
    assert histories.step(state, replace(first, seq=9), 5)[1].previous_at == second.captured_at
