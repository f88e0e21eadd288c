"""Looks are left out only when they must be, never those to keep, and the same for every camera."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.inference.occupancy import Work
from streams.inference.overload import Load, OverloadConfig, Waiting, answered, step

CONFIG = OverloadConfig(backlog_s=5.0, calm_s=30.0, turn_s=1.0)
ALL_BUSY = Work(1.0, 1.0)
AHEAD_S = 0.1
"""So much work the models have left when the next turn is read."""


def looks(text: str) -> list[Waiting]:
    """One look a letter: its camera, a capital one to keep."""
    return [Waiting(letter.lower(), letter.isupper()) for letter in text]


def test_a_backlog_that_can_be_worked_off_is_worked_off() -> None:
    fast = Load(looks_per_s=100)
    load, left_out = step(fast, looks("ab" * 30), 400, 0.0, CONFIG)
    assert not left_out and not load.overloaded


def test_nothing_is_left_out_before_the_speed_is_known() -> None:
    _, left_out = step(Load(), looks("a" * 500), 100_000, 0.0, CONFIG)
    assert not left_out


def test_in_overload_the_newest_of_each_camera_and_all_to_keep_stay() -> None:
    load, left_out = step(Load(looks_per_s=4), looks("abCaCba"), 100, 0.0, CONFIG)
    assert load.overloaded
    assert sorted(left_out) == [0, 1, 3]


def test_where_even_the_newest_are_too_many_cameras_take_turns() -> None:
    load = Load(looks_per_s=2, overloaded=True)
    taken: Counter[str] = Counter()
    for turn in range(30):
        waiting = looks("abcaaad")
        load, left_out = step(load, waiting, 0, float(turn), CONFIG)
        chosen = [one.camera for i, one in enumerate(waiting) if i not in left_out]
        assert len(chosen) == 2
        taken.update(chosen)
    assert set(taken.values()) == {15}


def test_what_a_camera_gets_beyond_its_newest_frame_is_spread_over_the_others() -> None:
    _, left_out = step(Load(looks_per_s=5, overloaded=True), looks("aaaaaaaab"), 0, 0.0, CONFIG)
    assert sorted(set(range(9)) - left_out) == [1, 3, 5, 7, 8]


def test_what_must_be_kept_does_not_take_the_share_of_the_others() -> None:
    _, left_out = step(Load(looks_per_s=4, overloaded=True), looks("AAAAAAbcd"), 0, 0.0, CONFIG)
    assert len(left_out) == 1


def test_overload_is_over_when_nothing_had_to_be_left_out_for_a_while() -> None:
    load, _ = step(Load(looks_per_s=2), looks("aaa"), 100, 0.0, CONFIG)
    load, left_out = step(load, looks("aaa"), 0, 10.0, CONFIG)
    assert left_out
    load, left_out = step(load, looks("ab"), 0, 39.0, CONFIG)
    assert load.overloaded and not left_out
    load, _ = step(load, looks("ab"), 0, 40.0, CONFIG)
    assert not load.overloaded and not load.served


@given(st.text("abcABC", max_size=40), st.integers(0, 10_000), st.booleans())
def test_every_camera_keeps_its_newest_frame(text: str, behind: int, overloaded: bool) -> None:
    waiting = looks(text)
    load = Load(looks_per_s=20, overloaded=overloaded)
    _, left_out = step(load, waiting, behind, 100.0, CONFIG)
    for camera in {one.camera for one in waiting}:
        newest = max(i for i, one in enumerate(waiting) if one.camera == camera)
        assert newest not in left_out
    assert not any(waiting[index].keep for index in left_out)


def test_models_that_had_nothing_to_do_take_on_more_at_once() -> None:
    config = OverloadConfig(turn_s=0.25, burst_s=1.0)
    load = Load(looks_per_s=8, overloaded=True)
    for idle, asked in ((True, 8), (False, 2)):
        _, left_out = step(load, looks("a" * 20), 0, 1.0, config, idle=idle)
        assert 20 - len(left_out) == asked


def test_what_one_got_while_the_others_were_silent_is_set_off_but_not_for_long() -> None:
    load, taken = Load(looks_per_s=10, overloaded=True), Counter[str]()
    for turn in range(50):
        load, _ = step(load, looks("ab" if turn == 0 else "a" * 20), 0, float(turn), CONFIG)
    for turn in range(50, 54):
        waiting = looks("ab" * 20)
        load, left_out = step(load, waiting, 0, float(turn), CONFIG)
        taken.update(one.camera for i, one in enumerate(waiting) if i not in left_out)
    assert taken == {"a": 15, "b": 25}


def test_the_speed_is_smoothed() -> None:
    load = answered(Load(), 10, ALL_BUSY)
    assert load.looks_per_s == 10
    assert answered(load, 20, ALL_BUSY).looks_per_s == 12
    assert answered(load, 0, Work()) == load


def test_of_a_few_looks_or_a_moment_nothing_is_concluded() -> None:
    load = answered(Load(), 4, ALL_BUSY)
    assert load.looks_per_s is None
    assert answered(load, 6, ALL_BUSY).looks_per_s == 5
    load = answered(Load(), 100, Work(0.2, 0.2))
    assert load.looks_per_s is None
    assert answered(load, 0, Work(0.3, 0.3)).looks_per_s == 200


def test_models_that_wait_for_frames_show_only_that_they_are_at_least_so_fast() -> None:
    idle = Work(1.0, 0.5)
    assert answered(Load(), 10, idle).looks_per_s is None
    load = answered(Load(), 10, ALL_BUSY)
    assert answered(load, 9, idle).looks_per_s == 10
    assert (answered(load, 20, idle).looks_per_s or 0) > 10


@dataclass
class Site:
    """Cameras that send at their rates, and a model that looks at ``speed`` frames a second."""

    rates: Mapping[str, float]
    speed: float
    config: OverloadConfig = CONFIG
    now_s: float = 0.0
    free_s: float = 0.0
    """When the model has answered what it was asked so far."""
    load: Load = field(default_factory=Load)
    queue: deque[tuple[str, float]] = field(default_factory=deque)
    """Frames that have arrived and have not been read: camera and time."""
    sent: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    delays_s: list[float] = field(default_factory=list)
    longest_queue: int = 0

    def arrive(self, until_s: float) -> None:
        coming = []
        for camera, rate in self.rates.items():
            while (at := self.sent[camera] / rate) <= until_s:
                coming.append((at, camera))
                self.sent[camera] += 1
        self.queue.extend((camera, at) for at, camera in sorted(coming))
        self.longest_queue = max(self.longest_queue, len(self.queue))

    def turn(self, at_once: int = 64) -> None:
        """Read as detect does, when the models have little left to do, and ask."""
        self.now_s = max(self.now_s + 0.01, self.free_s - AHEAD_S)
        idle = self.now_s >= self.free_s
        self.arrive(self.now_s)
        count = len(self.queue) if self.load.overloaded else min(at_once, len(self.queue))
        read = [self.queue.popleft() for _ in range(count)]
        waiting = [Waiting(camera, False) for camera, _ in read]
        self.load, left_out = step(
            self.load, waiting, len(self.queue), self.now_s, self.config, idle=idle
        )
        asked = len(read) - len(left_out)
        began_s, busy_s = max(self.free_s, self.now_s), asked / self.speed
        self.free_s = began_s + busy_s
        self.load = answered(self.load, asked, Work(busy_s, busy_s))
        for index, (camera, at) in enumerate(read):
            if index in left_out:
                self.dropped[camera] += 1
            else:
                self.answered[camera] += 1
                self.delays_s.append(self.free_s - at)


EVEN = {f"c{number}": 5.0 for number in range(24)}
ONE_SENDS_MOST = {**dict.fromkeys(("a", "b", "c", "d", "e"), 4.0), "flood": 40.0}


@pytest.mark.parametrize(
    ("rates", "speed"),
    [(EVEN, 40.0), (ONE_SENDS_MOST, 20.0), ({f"c{n}": 5.0 for n in range(200)}, 100.0)],
)
@pytest.mark.parametrize("config", [CONFIG, OverloadConfig()])
def test_at_several_times_overload_the_queue_ends_and_all_cameras_get_the_same(
    rates: dict[str, float], speed: float, config: OverloadConfig
) -> None:
    site = Site(rates, speed, config)
    while site.now_s < 300:
        site.turn()
    total = sum(rates.values())
    assert site.longest_queue <= total * (CONFIG.backlog_s + 4)
    late = sorted(site.delays_s[len(site.delays_s) // 5 :])
    assert late[-1] <= AHEAD_S + 2 * config.turn_s + 1 / min(rates.values())
    shares = [site.answered[camera] for camera in rates]
    assert max(shares) <= 1.25 * min(shares)
    assert sum(shares) >= 0.9 * speed * site.now_s
    left = len(site.queue)
    assert sum(shares) + sum(site.dropped.values()) + left == sum(site.sent.values())


def test_below_capacity_nothing_is_ever_dropped() -> None:
    site = Site(EVEN, 130.0)
    while site.now_s < 60:
        site.turn()
    assert not site.dropped
