"""Patience with Triton and with models that are not there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from schemas.errors import Rejected, Retryable
from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.asking import Asker, Question
from streams.inference.client import ModelDied, ModelFailing, ModelLoading, ModelMissing, Picture
from streams.inference.occupancy import Work
from streams.inference.servers import ModelResting
from streams.inference.troubles import Patience


@dataclass
class World:
    """A clock that moves by pauses, and a Triton that is away until it is not."""

    now_s: float = 1000.0
    back_at_s: float = 0.0
    served: set[str] = field(default_factory=lambda: {"foreground"})
    known: set[str] = field(default_factory=set)
    """Models that are not served yet."""
    asked: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Pictures of each request."""
    seconds: float = 0.0
    failing: set[bytes] = field(default_factory=set)
    """Pictures that the model fails on."""
    dead_until_s: float = 0.0
    """So long the model's process is gone."""
    resting: bool = False
    pauses: int = 0
    stop_after: int = 10_000
    wake: Callable[[], None] = lambda: None
    at_look: Callable[[], None] = lambda: None

    def largest_batch(self, model: str) -> int:
        return 16

    def picture_s(self, model: str) -> float:
        return self.seconds

    def look(self, model: str, pictures: Sequence[Picture]) -> list[Answer]:
        self.at_look()
        self.asked.append(model)
        self.sizes.append(len(pictures))
        if self.now_s < self.back_at_s:
            raise Retryable("away")
        if model not in self.served:
            raise (ModelLoading if model in self.known else ModelMissing)(f"no {model}")
        if self.resting:
            raise ModelResting(f"{model} rests")
        dead = self.now_s < self.dead_until_s
        if dead or any(one.jpeg in self.failing for one in pictures):
            raise (ModelDied if dead else ModelFailing)(f"{model} failed")
        if any(one.jpeg == b"bad" for one in pictures):
            raise Rejected("bad", reason="bad-jpeg")
        return [Answer((), (), (), model, str(len(one.jpeg))) for one in pictures]

    def pause(self, pause_s: float) -> bool:
        self.now_s += pause_s
        self.pauses += 1
        self.wake()
        return self.pauses < self.stop_after

    def asker(self) -> Asker:
        return Asker(
            self,
            depth=4,
            now_ms=lambda: round(1000 * self.now_s),
            now_s=lambda: self.now_s,
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


def test_pictures_that_wait_go_together_and_a_bad_one_still_fails_alone(world: World) -> None:
    world.seconds = 0.01
    asker = world.asker()
    asked = [question(seq, b"bad" if seq == 30 else b"") for seq in range(1, 65)]
    outcomes = asker.ask(asked)
    assert outcomes is not None and max(world.sizes) == 8
    refused = [index for index, one in enumerate(outcomes) if isinstance(one, Refusal)]
    assert refused == [29]
    assert [one.model_version for one in outcomes if isinstance(one, Answer)] == [
        str(seq) for seq in range(1, 65) if seq != 30
    ]


def test_models_do_not_share_requests(world: World) -> None:
    world.seconds = 0.01
    world.served.add("yolox")
    asked = [question(seq, model=("yolox", "foreground")[seq % 2]) for seq in range(1, 65)]
    outcomes = world.asker().ask(asked)
    assert outcomes is not None
    assert [one.model for one in outcomes] == [one.model for one in asked]


def test_a_picture_that_the_model_fails_on_is_tried_thrice_and_costs_no_other(
    world: World,
) -> None:
    world.seconds, world.failing = 0.01, {b"poison"}
    asker = world.asker()
    outcomes = asker.ask([question(s, b"poison" if s == 30 else b"") for s in range(1, 65)])
    assert outcomes is not None
    failed = [(index, one) for index, one in enumerate(outcomes) if isinstance(one, Refusal)]
    assert failed == [(29, Refusal("failed", "model-failed", "foreground"))]


def test_a_model_that_only_rests_loses_nothing(world: World) -> None:
    world.resting = True
    asker = world.asker()
    world.wake = lambda: setattr(world, "resting", world.now_s < 1002)
    outcomes = asker.ask([question(1), question(2, keep=True)])
    assert outcomes is not None and all(isinstance(one, Answer) for one in outcomes)
    assert asker.problem is None and not asker.troubles


def test_a_model_that_fails_at_everything_fails_at_once_after_a_while(world: World) -> None:
    world.failing = {b"x" * 7, b"x" * 8}
    asker = world.asker()
    for _ in range(4):
        outcomes = asker.ask([question(7), question(8)])
        assert outcomes == [Refusal("failed", "model-failed", "foreground")] * 2
    before = len(world.asked)
    assert asker.ask([question(7)]) == [Refusal("failed", "model-failed", "foreground")]
    assert len(world.asked) == before
    assert asker.problem == "foreground failed"
    world.now_s += 10
    answered = asker.ask([question(1)])
    assert answered and isinstance(answered[0], Answer) and asker.problem is None


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
    problems: list[str | None] = []
    world.wake = lambda: problems.append(asker.problem)
    assert asker.ask([question(1)]) is None
    assert problems == ["away"] * 3 and asker.problem is None
    assert asker.is_idle


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
    assert asker.problem == "no nobody"
    world.served.add("nobody")
    world.now_s += 6
    outcomes = asker.ask([question(seq, model="nobody") for seq in range(1, 6)])
    assert outcomes is not None and all(isinstance(one, Answer) for one in outcomes)


def test_a_model_that_the_server_knows_is_waited_for_as_if_it_had_answered_before(
    world: World,
) -> None:
    world.served.clear()
    world.known.add("foreground")
    world.wake = lambda: world.served.update({"foreground"} if world.now_s > 1025 else ())
    outcomes = world.asker().ask([question(1), question(2, keep=True)])
    assert outcomes is not None and all(isinstance(one, Answer) for one in outcomes)


def test_a_model_that_was_there_is_waited_for_as_long_as_a_server_may_take_to_load_it(
    world: World,
) -> None:
    asker = world.asker()
    asker.ask([question(1)])
    world.served.clear()
    world.wake = lambda: world.served.update({"foreground"} if world.now_s > 1025 else ())
    outcomes = asker.ask([question(2), question(3, keep=True)])
    assert outcomes is not None and all(isinstance(one, Answer) for one in outcomes)
    world.wake = world.served.clear
    world.served.clear()
    gone = Refusal("failed", "model-missing", "foreground")
    assert asker.ask([question(4), question(5, keep=True)]) == [gone, gone]


def test_while_questions_wait_for_a_server_there_is_room_for_few(world: World) -> None:
    world.back_at_s = world.now_s + 1
    asker = world.asker()
    rooms: list[tuple[bool, bool]] = []
    world.wake = lambda: rooms.append((asker.has_room(3, 0.0), asker.has_room(4, 0.0)))
    assert asker.ask([question(seq, keep=True) for seq in (1, 2, 3)])
    assert rooms and set(rooms) == {(False, True)}
    assert asker.is_idle


def test_there_is_room_while_more_requests_could_be_under_way(world: World) -> None:
    asker = world.asker()
    reached, go_on = threading.Semaphore(0), threading.Event()

    def wait() -> None:
        reached.release()
        go_on.wait(10)

    world.at_look = wait
    with ThreadPoolExecutor(1) as caller:
        for size, room in ((3, True), (1, False)):
            threading.Thread(target=asker.ask, args=([question(1) for _ in range(size)],)).start()
            for _ in range(size):
                assert reached.acquire(timeout=10)
            assert asker.has_room(1, 0.0) == room and not asker.is_idle
        assert asker.has_room(5, 0.0)
        waiting = caller.submit(asker.has_room, 1, 10.0)
        go_on.set()
        assert waiting.result()


def test_many_may_ask_at_once_and_each_gets_its_own_answers(world: World) -> None:
    world.seconds, world.failing = 0.001, {b"poison"}
    asker = world.asker()

    def ask(caller: int) -> list[Outcome] | None:
        seqs = range(1 + caller, 60 + caller)
        return asker.ask([question(seq, b"poison" if seq == 30 else b"") for seq in seqs])

    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(ask, range(8)))
    for caller, outcomes in enumerate(found):
        assert outcomes is not None
        told = [o.model_version if isinstance(o, Answer) else o.reason for o in outcomes]
        seqs = range(1 + caller, 60 + caller)
        assert told == [str(seq) if seq != 30 else "model-failed" for seq in seqs]
    assert not asker.waiting and asker.is_idle


def test_pauses_count_as_no_work(world: World) -> None:
    world.back_at_s = world.now_s + 50
    asker = world.asker()
    assert asker.ask([question(seq, keep=True) for seq in range(1, 9)])
    assert world.pauses and asker.work == Work()


def test_a_model_whose_process_died_is_waited_for_though_it_has_not_answered_yet(
    world: World,
) -> None:
    world.dead_until_s = world.now_s + 20
    outcomes = world.asker().ask([question(seq) for seq in range(1, 9)])
    assert outcomes is not None and all(isinstance(one, Answer) for one in outcomes)
