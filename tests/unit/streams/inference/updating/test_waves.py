"""Waves: every site once, on only while all is well, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Rejected
from schemas.records import ModelUpdate
from streams.inference.updating.receipts import Running, Told
from streams.inference.updating.rollout import Rollout
from streams.inference.updating.waves import steps_of, waves
from tests.unit.streams.inference.updating.updates import update

SITES = ("a", "b", "c", "d", "e")
steps = st.lists(st.one_of(st.integers(1, 50), st.floats(0.01, 1.0, exclude_min=False)), max_size=6)


@given(st.lists(st.text("abc", min_size=1, max_size=3), max_size=30), steps)
def test_every_site_is_in_one_wave_and_in_order(
    sites: list[str], given_steps: list[int | float]
) -> None:
    found = waves(sites, given_steps)
    assert [site for wave in found for site in wave] == list(dict.fromkeys(sites))
    assert all(found), "no wave is empty"


@given(st.integers(1, 500), st.floats(0.001, 1.0))
def test_a_share_reaches_at_least_one_site_and_no_fewer_than_it_says(
    count: int, share: float
) -> None:
    first = waves([str(number) for number in range(count)], [share])[0]
    assert len(first) >= max(1, share * count - 1e-3 * count)
    assert len(first) <= share * count + 1


def test_waves_as_one_writes_them() -> None:
    sites = [f"s{number}" for number in range(30)]
    assert [len(wave) for wave in waves(sites, steps_of("1, 10%,100%"))] == [1, 2, 27]


@pytest.mark.parametrize("text", ["", "0", "1.5", "101%", "-1", "ten", "10%%", "1,,2", "0%"])
def test_what_is_no_wave_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="1,10%,100%"):
        steps_of(text)


class Cloud:
    """A topic, and sites that answer at once as they are told to."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.log: list[tuple[str | None, ModelUpdate]] = []
        self.told: dict[str, Told] = {}
        self.now_s = 0.0
        self.later: dict[str, str] = {}

    def wish_of(self, site: str, model: str) -> ModelUpdate | None:
        own = [one for to, one in self.log if to == site]
        return own[-1] if own and not own[-1].deleted else None

    def send(self, wish: ModelUpdate, sites: Sequence[str | None]) -> dict[str, ModelUpdate]:
        sent = {}
        for site in sites:
            record = replace(wish, published_at=1000 + len(self.log))
            self.log.append((site, record))
            if site is not None:
                sent[site] = record
                self.answer(site, record, self.answers.get(site, "applied"))
        return sent

    def answer(self, site: str, record: ModelUpdate, state: str) -> None:
        if state == "silent":
            return
        state = "withdrawn" if record.deleted else state
        runs = record.version if state == "applied" else "old"
        self.told[site] = Told(
            site, "yolox", state, record.version, record.published_at, Running("1", runs), "why", 1
        )

    def read(self) -> None:
        self.now_s += 1.0
        for site, state in self.later.items():
            self.answer(site, self.log[0][1], state)

    def of(self, model: str) -> Mapping[str, Told]:
        return self.told


def rollout(cloud: Cloud, said: list[str], **values: float) -> Rollout:
    return Rollout(update(), cloud, cloud, said.append, now_s=lambda: cloud.now_s, **values)  # type: ignore[arg-type]


def reached(cloud: Cloud) -> list[str | None]:
    return [site for site, _ in cloud.log]


def test_all_waves_and_then_everybody() -> None:
    cloud, said = Cloud(), list[str]()
    assert rollout(cloud, said).run(waves(SITES, [1, 0.5]), for_all=True)
    assert reached(cloud) == [*SITES, None]
    assert said[-1].endswith("runs at a, b, c, d, e")


@pytest.mark.parametrize("state", ["refused", "rolled-back", "waiting", "silent"])
def test_a_site_that_does_not_take_it_ends_the_rollout(state: str) -> None:
    cloud, said = Cloud(b=state), list[str]()
    assert not rollout(cloud, said, wait_s=3.0).run(waves(SITES, [1, 3]), for_all=True)
    assert reached(cloud) == ["a", "b", "c"], "nothing went further"
    assert any(line.startswith("b: ") for line in said)


def test_a_site_that_rolls_back_in_the_pause_ends_the_rollout() -> None:
    cloud, said = Cloud(), list[str]()
    cloud.later = {"a": "rolled-back"}
    assert not rollout(cloud, said, pause_s=60.0).run(waves(SITES, [1]))
    assert reached(cloud) == ["a"]


def test_all_sites_reached_get_back_what_they_had() -> None:
    cloud, said = Cloud(c="refused"), list[str]()
    earlier = replace(update(b"earlier"), published_at=1)
    cloud.log.append(("a", earlier))
    going = rollout(cloud, said)
    assert not going.run(waves(SITES, [1, 3]))
    assert going.put_back()
    assert cloud.wish_of("a", "yolox") == replace(earlier, published_at=1004)
    assert cloud.wish_of("b", "yolox") is None and cloud.told["b"].state == "withdrawn"
    assert cloud.wish_of("c", "yolox") is None, "it would take it up later otherwise"
    assert "d" not in reached(cloud)


def test_who_does_not_go_back_is_named() -> None:
    cloud, said = Cloud(b="refused"), list[str]()
    going = rollout(cloud, said, wait_s=2.0)
    assert not going.run(waves(SITES, [2]))
    cloud.answers = dict.fromkeys(SITES, "silent")
    assert not going.put_back()
    assert said[-1] == "a: no receipt"
