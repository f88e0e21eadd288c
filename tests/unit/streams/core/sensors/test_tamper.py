"""``tamper``: what is done to a camera is told at its time; light, weather and people are not it."""

import math
from dataclasses import replace
from itertools import cycle

import msgspec
import numpy as np
import pytest

from streams.core.sensors.appearance import LEARNED_MS, appearance, learned
from streams.core.sensors.base import Fired, Shown
from streams.core.sensors.registry import SensorState
from tests.unit.streams.core.sensors.looks import NOBODY, brief, sensor
from tests.unit.streams.core.sensors.pictures import (
    Change,
    Image,
    blurred,
    dimmed,
    hand,
    shifted,
    views,
    yard,
)

FINE = [yard(n) for n in range(20)]
"""Four seconds at five a second."""


def told(images: list[Image], *, every_ms: int = 200, **keys: object) -> list[Fired]:
    """Return what fires; the state is stored and restored before each picture."""
    plan = sensor(kind="tamper", **keys)
    state, fired = plan.begin(), []
    for at, view in views(images, every_ms):
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=SensorState)
        fired += plan.show(state, Shown(at, 0.0, view))
    return fired


def changed(change: Change, count: int = 20) -> list[Image]:
    return [change(yard(100 + n)) for n in range(count)]


@pytest.mark.parametrize(
    ("trigger", "change"),
    [
        ("covered", hand),
        ("covered", np.zeros_like),
        ("defocused", blurred),
        ("defocused", lambda image: blurred(image, 2)),
        ("moved", lambda image: shifted(image, 0.15, 0)),
        ("moved", lambda image: shifted(image, -0.1, 0.12)),
        ("moved", lambda image: yard(int(image[0, 0, 0]), seed=99)),
    ],
)
def test_tampering_is_told_at_its_deadline_and_so_is_its_end(trigger: str, change: Change) -> None:
    fired = told([*FINE, *changed(change), *(yard(200 + n) for n in range(20))])
    assert brief(fired) == [(trigger, 6.0, 4.0, 6.0), ("restored", 10.0, 8.0, 10.0)]


@pytest.mark.parametrize("every_ms", [100, 300, 700])
def test_the_deadline_does_not_depend_on_the_rate_of_frames(every_ms: int) -> None:
    before = [yard(n) for n in range(4200 // every_ms)]
    after = changed(hand, 4200 // every_ms)
    ((name, at_s, since_s, known_s),) = brief(told([*before, *after], every_ms=every_ms))
    assert (name, at_s, since_s) == ("covered", 6.2, 4.2)
    assert round(known_s * 1000) == 4200 + math.ceil(2000 / every_ms) * every_ms


def test_a_picture_that_repeats_is_frozen_and_noise_is_not() -> None:
    images = [*FINE, *[yard(50)] * 20, *(yard(200 + n) for n in range(20))]
    assert brief(told(images)) == [("frozen", 6.0, 4.0, 6.0), ("restored", 10.0, 8.0, 10.0)]
    assert told([yard(n, level=0.5) for n in range(60)]) == []


def test_what_an_encoder_leaves_of_a_repeated_picture_is_the_same_picture() -> None:
    rippled = []
    for n in range(20):
        image = yard(50)
        image[n % 7 : n % 7 + 8, :40] += np.uint8(n % 3)
        rippled.append(image)
    assert [item.trigger for item in told([*FINE, *rippled])] == ["frozen"]


@pytest.mark.parametrize(
    "change",
    [
        lambda image: dimmed(image, 0.3),
        lambda image: dimmed(image, 0.12),
        lambda image: dimmed(image, 1.6),
        lambda image: 255 - image,
        lambda image: np.asarray(255 * (image / 255) ** 0.5, np.uint8),
    ],
)
def test_light_switched_on_or_off_is_no_tampering(change: Change) -> None:
    assert told([*FINE, *changed(change, 40), *FINE]) == []


def test_a_person_before_the_lens_for_a_second_is_no_tampering() -> None:
    assert told([*FINE, *changed(hand, 10), *FINE, *changed(hand, 10), *FINE]) == []


def test_half_the_view_behind_a_lorry_is_no_tampering() -> None:
    def lorry(image: Image) -> Image:
        image[:, 340:] = dimmed(np.full_like(image[:, 340:], 70), 1)
        return image

    assert told([*FINE, *changed(lorry, 40), *FINE]) == []


def test_dusk_is_learned_as_it_comes() -> None:
    dusk = [dimmed(yard(n % 20), max(0.05, 1 - n / 120)) for n in range(160)]
    assert told(dusk, every_ms=10_000, for_s=10.0) == []


def test_a_camera_that_starts_covered_is_told() -> None:
    assert brief(told([np.zeros_like(image) for image in FINE]))[0] == ("covered", 2.0, 0.0, 2.0)


def test_a_gap_begins_the_hold_anew() -> None:
    plan = sensor(kind="tamper")
    state, fired = plan.begin(), []
    for at, view in views([*FINE, *changed(hand, 16)]):
        late = 5000 if at >= 5000 else 0
        fired += plan.show(state, Shown(at + late, 0.0, view))
    assert brief(fired) == [("covered", 12.0, 10.0, 12.0)]


def test_the_hold_is_decided_within_a_still_stretch() -> None:
    plan = sensor(kind="tamper")
    state = plan.begin()
    for at, view in views([*FINE, hand(yard(1))]):
        assert plan.show(state, Shown(at, 0.0, view)) == []
    plan.hold(state, 2000)
    assert plan.deadline(state, NOBODY) is None
    plan.hold(state, 1)
    assert plan.deadline(state, NOBODY) == 6000
    fired = plan.due(state, 6000, 6000, NOBODY)
    assert brief(fired) == [("covered", 6.0, 4.0, 6.0)]
    assert plan.deadline(state, NOBODY) is None


def test_a_view_that_has_stayed_for_an_hour_is_the_view() -> None:
    plan = sensor(kind="tamper")
    state, fired = plan.begin(), []
    turned = cycle(views(changed(lambda image: shifted(image, 0.3, 0.1), 4)))
    looks = [view for _, view in views(FINE)] + [next(turned)[1] for _ in range(3700)]
    for second, view in enumerate(looks):
        fired += plan.show(state, Shown(1000 * second, 0.0, view))
    assert [item.trigger for item in fired] == ["moved", "restored"]
    assert fired[1].since_at - fired[0].since_at in range(3_600_000, 3_604_000)


def test_the_baseline_is_bounded_slow_and_not_judged_against_before_it_is_known() -> None:
    baseline = None
    for at, view in views([yard(n % 9) for n in range(40)], 1000):
        baseline = learned(baseline, view, at)
        assert len(msgspec.msgpack.encode(baseline)) < 1300
    assert baseline is not None and baseline.learned_ms == 39_000
    ((_, other),) = views([yard(seed=99)])
    assert appearance(other, baseline) == "moved"
    assert appearance(other, learned(baseline, other, baseline.at + 10_000)) == "moved"
    young = learned(None, views([yard(1)])[0][1], 0)
    assert young.learned_ms < LEARNED_MS and appearance(other, young) == "fine"


def test_a_camera_of_which_capture_tells_nothing_is_not_judged() -> None:
    plan = sensor(kind="tamper")
    state = plan.begin()
    assert [plan.show(state, Shown(at)) for at in range(0, 9000, 500)] == [[]] * 18
    ((_, view),) = views([np.zeros_like(yard())])
    coarser = replace(view, structure=b"")
    assert [plan.show(state, Shown(at, 0.0, coarser)) for at in range(9000, 19_000, 500)] == [
        []
    ] * 20
