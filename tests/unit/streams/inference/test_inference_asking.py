"""Patience with Triton, with models and with configurations that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from schemas.errors import Rejected, Retryable
from schemas.records import Beat, Reading
from schemas.site import SiteConfig, parse
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.asking import Asker, Patience, Question
from streams.inference.choosing import ModelChoice
from streams.inference.client import ModelMissing, Stage
from streams.inference.readings import (
    MAX_OBJECTS,
    MAX_READINGS,
    OVERLOAD,
    beat_reading,
    detections_of,
    frame_reading,
)
from tests.unit.streams.inference.scenes import frame

SITE = """
version: 1
site: depot-7
cameras:
  gate: {source: a.mp4, model: yolox}
  yard: {source: b.mp4, models: {fire: {fps: 1}, foreground: {}}}
  door: {source: c.mp4}
"""


@dataclass
class World:
    """A clock that moves by pauses, and a Triton that is away until it is not."""

    now_s: float = 1000.0
    back_at_s: float = 0.0
    served: set[str] = field(default_factory=lambda: {"foreground"})
    asked: list[str] = field(default_factory=list)
    pauses: int = 0
    stop_after: int = 10_000

    def infer(
        self, model: str, jpeg: bytes, background: bytes = b"", stage: Stage | None = None
    ) -> Answer:
        self.asked.append(model)
        if self.now_s < self.back_at_s:
            raise Retryable("away")
        if model not in self.served:
            raise ModelMissing(f"no {model}")
        if jpeg == b"bad":
            raise Rejected("bad", reason="bad-jpeg")
        return Answer((), (), (), model, str(len(jpeg)))

    def pause(self, pause_s: float) -> bool:
        self.now_s += pause_s
        self.pauses += 1
        return self.pauses < self.stop_after

    def asker(self) -> Asker:
        return Asker(
            self,
            depth=4,
            now_ms=lambda: round(1000 * self.now_s),
            pause=self.pause,
            patience=Patience(unavailable_s=30, missing_s=5),
        )


def question(
    seq: int, jpeg: bytes = b"", model: str = "foreground", keep: bool = False
) -> Question:
    return Question(
        model=model, camera="gate", jpeg=jpeg or b"x" * seq, arrived_at=1_000_000, keep=keep
    )


@pytest.fixture
def world() -> Iterator[World]:
    yield World()


def test_answers_come_in_the_order_of_the_questions(world: World) -> None:
    outcomes = world.asker().ask([question(seq) for seq in range(1, 40)])
    assert outcomes is not None
    assert [one.model_version for one in outcomes if isinstance(one, Answer)] == [
        str(seq) for seq in range(1, 40)
    ]


def test_one_bad_frame_fails_alone(world: World) -> None:
    outcomes = world.asker().ask([question(1), question(2, b"bad"), question(3)])
    assert outcomes is not None
    assert [type(one) for one in outcomes] == [Answer, Refusal, Answer]
    assert outcomes[1] == Refusal("failed", "bad-jpeg", "foreground")


def test_a_short_absence_of_triton_costs_nothing(world: World) -> None:
    world.back_at_s = world.now_s + 20
    asker = world.asker()
    outcomes = asker.ask([question(1), question(2)])
    assert outcomes is not None and all(isinstance(one, Answer) for one in outcomes)
    assert asker.problem is None


def test_in_a_long_absence_only_frames_to_keep_are_waited_for(world: World) -> None:
    world.back_at_s = world.now_s + 100
    outcomes = world.asker().ask([question(1), question(2, keep=True)])
    assert outcomes is not None
    assert outcomes[0] == Refusal("dropped", "model-unavailable", "foreground")
    assert isinstance(outcomes[1], Answer) and world.now_s >= world.back_at_s


def test_it_stops_when_told_to(world: World) -> None:
    world.back_at_s, world.stop_after = world.now_s + 100, 3
    asker = world.asker()
    assert asker.ask([question(1)]) is None
    assert asker.problem == "away"


def test_a_model_that_is_not_served_delays_the_others_once(world: World) -> None:
    asker = world.asker()
    both = [question(1, model="nobody", keep=True), question(2)]
    missing = Refusal("failed", "model-missing", "nobody")
    outcomes = asker.ask(both)
    assert outcomes is not None
    assert outcomes[0] == missing and isinstance(outcomes[1], Answer)
    pauses, asked = world.pauses, world.asked.count("nobody")
    for _ in range(5):
        outcomes = asker.ask(both)
        assert outcomes is not None and outcomes[0] == missing
    assert (world.pauses, world.asked.count("nobody")) == (pauses, asked)


def test_a_model_that_is_served_later_is_found(world: World) -> None:
    asker = world.asker()
    asker.ask([question(1, model="nobody")])
    world.served.add("nobody")
    world.now_s += 6
    outcomes = asker.ask([question(1, model="nobody")])
    assert outcomes is not None and isinstance(outcomes[0], Answer)


@dataclass
class Configs:
    known: dict[int, SiteConfig] = field(default_factory=dict)

    def get(self, version: int, wait_s: float) -> SiteConfig:
        if version not in self.known:
            raise Retryable(f"no {version}")
        return self.known[version]


def test_the_model_is_chosen_by_the_version_in_the_frame(world: World) -> None:
    configs = Configs({1: parse(SITE), 2: parse(SITE.replace("yolox", "fastest"))})
    choice = ModelChoice(configs, lambda: world.now_s)
    models = {
        (camera, version): choice.model_of(frame(0, b"", camera=camera, config_version=version))
        for camera in ("gate", "yard", "door")
        for version in (1, 2)
    }
    assert models == {
        ("gate", 1): "yolox",
        ("gate", 2): "fastest",
        **{("yard", version): "fire" for version in (1, 2)},
        **{("door", version): "foreground" for version in (1, 2)},
    }
    assert choice.model_of(frame(0, b"", config_version=0)) == "foreground"
    with pytest.raises(Rejected) as refused:
        choice.model_of(frame(0, b"", camera="attic", config_version=1))
    assert refused.value.reason == "unknown-camera"


def test_a_configuration_is_waited_for_but_not_for_ever(world: World) -> None:
    configs = Configs()
    choice = ModelChoice(configs, lambda: world.now_s)
    late = frame(0, b"", config_version=3)
    with pytest.raises(Retryable):
        choice.model_of(late)
    world.now_s += 11
    with pytest.raises(Rejected) as refused:
        choice.model_of(late)
    assert refused.value.reason == "unknown-config"
    configs.known[3] = parse(SITE)
    assert choice.model_of(late) == "yolox"


def test_a_reading_says_what_became_of_the_frame() -> None:
    one = frame(4, b"", still=True, config_version=2)
    seen = Answer((0.0, 0.1, 0.2, 0.3), (0.5,), ("object",), "foreground", "3")
    cases: list[tuple[Outcome, tuple[object, ...]]] = [
        (seen, ("ok", None, "foreground", "3", (0.5,))),
        (OVERLOAD, ("dropped", "overload", "", "", ())),
        (Refusal("failed", "bad-jpeg", "yolox"), ("failed", "bad-jpeg", "yolox", "", ())),
    ]
    for outcome, said in cases:
        r = frame_reading(one, 17, [outcome])
        assert (r.outcome, r.reason, r.model, r.model_version, r.scores) == said
        assert (r.kind, r.camera, r.offset, r.seq, r.at) == (
            "frame",
            "gate",
            17,
            4,
            one.captured_at,
        )
        assert (r.still, r.config_version, r.width) == (True, 2, one.width)


def test_readings_share_a_record_until_it_gets_too_big() -> None:
    beat = Beat(site="s", camera="gate", beat_at=5, state="stalled", config_version=1)
    small: list[Reading] = [beat_reading(beat, offset) for offset in range(2 * MAX_READINGS + 1)]
    records = list(detections_of("s", 3, small))
    assert [len(r.readings) for r in records] == [MAX_READINGS, MAX_READINGS, 1]
    assert [one for r in records for one in r.readings] == small
    assert {(r.site, r.partition) for r in records} == {("s", 3)}
    crowd = Answer((0.0,) * 4 * 3000, (0.5,) * 3000, ("object",) * 3000, "m", "1")
    large = [frame_reading(frame(seq, b""), seq, [crowd]) for seq in range(5)]
    sizes = [[len(one.scores) for one in r.readings] for r in detections_of("s", 3, large)]
    assert all(sum(size) <= MAX_OBJECTS for size in sizes) and sum(map(len, sizes)) == 5
