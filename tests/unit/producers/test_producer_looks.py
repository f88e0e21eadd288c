from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from producers.looks import COLUMNS, ROWS, LookState, step, structure_of
from producers.privacy import Image
from producers.sources.source import Packet, Picture
from producers.writer import CameraWriter, Clocks
from tests.unit.producers.parts import Outbox, ScriptedSource, Ticking, noise, picture
from tests.unit.producers.test_producer_frames import START, read

NUDGED = np.bitwise_xor(noise(1), np.uint8(1))
FLAT = np.full((90, 160), 100, np.uint8)


def codes(grey: Image) -> Image:
    return np.frombuffer(structure_of(grey), np.uint8).reshape(ROWS, COLUMNS)


def test_a_flat_picture_has_no_structure_and_an_edge_has_its_direction_and_place() -> None:
    assert not codes(FLAT).any()
    upright, level = FLAT.copy(), FLAT.copy()
    upright[:, 85:] = 200
    level[45:, :] = 200
    there = codes(upright)
    assert (there[:, 8] >> 4 == 0).all() and (there[:, 8] & 15 > 8).all()
    assert not there[:, :8].any() and not there[:, 10:].any()
    assert (codes(level)[4] >> 4 == 8).all()


@given(st.integers(0, 1000))
def test_light_and_shade_exchanged_leave_the_structure(seed: int) -> None:
    grey = noise(seed, 160, 88)[:, :, 0]
    one, other = codes(grey).astype(int), codes(np.invert(grey)).astype(int)
    assert (abs((one & 15) - (other & 15)) <= 1).all()
    turned = abs((one >> 4) - (other >> 4))[one & 15 > 8]
    assert (np.minimum(turned, 16 - turned) <= 1).all()


def test_a_view_tells_how_bright_contrasted_and_sharp_the_picture_is() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 255
    _, view = step(LookState(), image, 0)
    assert (view.brightness, view.contrast) == (0.5, 0.5)
    soft = np.repeat(np.linspace(0, 255, 40).astype(np.uint8)[None, :, None], 3, 2)
    _, softer = step(LookState(), np.ascontiguousarray(np.repeat(soft, 40, 0)), 0)
    assert softer.sharpness < view.sharpness / 10


def unchanged(images: list[Image]) -> list[int]:
    state, told = LookState(), []
    for index, image in enumerate(images):
        state, view = step(state, image, 200 * index)
        told.append(view.unchanged_ms)
    return told


def test_how_long_a_picture_has_been_the_same_counts_from_its_first() -> None:
    assert unchanged([noise(seed) for seed in (1, 1, 1, 2, 2, 1)]) == [0, 200, 400, 0, 200, 0]
    assert unchanged([noise(1), noise(1, 80, 48)]) == [0, 0]


def test_a_key_frame_disturbs_a_repeated_picture_and_noise_is_none() -> None:
    pulse = noise(1) // 64 * 64 + noise(1) % 64 // 2
    repeated = [noise(1), noise(1), NUDGED, NUDGED, noise(1), noise(1)]
    assert unchanged(repeated) == [0, 200, 0, 600, 0, 1000]
    assert unchanged([noise(1), noise(1), pulse, noise(1)])[2] == 0
    restless = np.random.default_rng(0)
    noisy = [noise(1) // 2 + restless.integers(0, 3, (48, 64, 3), np.uint8) for _ in range(20)]
    assert max(unchanged(noisy)) < 500


def test_a_picture_that_is_not_the_same_claims_nothing_however_rare_pictures_are() -> None:
    state, told = LookState(), []
    for index, image in enumerate([noise(1), NUDGED, noise(1), noise(1), NUDGED]):
        state, view = step(state, image, 5000 * index)
        told.append(view.unchanged_ms)
    assert told == [0, 0, 0, 5000, 0]


def test_drawn_pictures_are_not_said_to_repeat_and_the_gate_hides_no_repetition() -> None:
    still: list[Packet | Picture] = [picture(100 * n) for n in range(40)]
    frames = read(ScriptedSource(still), fps=10, motion_gate=True)
    assert [one.view and one.view.unchanged_ms for one in frames] == [0, 2000, 3900]
    state = LookState()
    for at in (0, 100):
        state, view = step(state, noise(1), at, drawn=True)
        assert view.unchanged_ms == 0


def test_a_view_is_written_where_a_sensor_asks_for_it() -> None:
    outbox, ticking = Outbox(), Ticking()
    clocks = Clocks(ticking.monotonic_ms, ticking.host_at)
    writer = CameraWriter(
        outbox,  # type: ignore[arg-type]
        site="depot",
        name="gate",
        config_version=1,
        clocks=clocks,
        tells_view=False,
    )
    writer.resume(None, 0, live=False)
    writer.opening(live=False)
    writer.begin_epoch(START)
    for index, frame in enumerate(read(ScriptedSource([picture(0), picture(200)]))):
        writer.follow(index + 1, tells_view=index == 1)
        writer.frame(frame)
    assert [(one.config_version, one.view is None) for one in outbox.frames] == [
        (1, True),
        (2, False),
    ]
