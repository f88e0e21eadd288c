"""Several servers as one: a request that fails at one is answered by another."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from schemas.errors import Rejected, Retryable
from streams.inference.answer import Answer
from streams.inference.client import ModelDied, ModelFailing, ModelMissing, Picture
from streams.inference.servers import ModelResting, Servers


@dataclass
class Fake:
    """A server that can be away, lack models, or have some that fail."""

    name: str
    models: set[str] = field(default_factory=lambda: {"m"})
    away: bool = False
    hanging: set[str] = field(default_factory=set)
    """Models that never answer in time."""
    failing: set[str] = field(default_factory=set)
    batch: int = 8
    dead: set[str] = field(default_factory=set)
    """Models whose process is gone until they are started anew."""
    loads: int = 0
    looks: int = 0
    closed: bool = False

    def ready(self) -> bool:
        return not self.away

    def refresh(self, model: str) -> None:
        self._reach()
        if model not in self.models:
            raise ModelMissing(f"{self.name} has no {model}")

    def largest_batch(self, model: str) -> int:
        return self.batch

    def look(self, model: str, pictures: Sequence[Picture]) -> list[Answer]:
        self.looks += 1
        self._reach()
        if model not in self.models:
            raise ModelMissing(f"{self.name} has no {model}")
        if model in self.hanging:
            raise Retryable(f"{self.name} is too slow")
        if model in self.dead:
            raise ModelDied(f"the process of {model} is gone")
        if model in self.failing:
            raise ModelFailing(f"{model} failed at {self.name}")
        if any(one.jpeg == b"bad" for one in pictures):
            raise Rejected("bad", reason="bad-jpeg")
        return [Answer((), (), (), model, self.name) for _ in pictures]

    def revive(self, model: str) -> None:
        self.loads += 1
        if model not in self.models:
            raise Rejected("not ours to load", reason="cannot-load")
        self.dead.discard(model)

    def close(self) -> None:
        self.closed = True

    def _reach(self) -> None:
        if self.away:
            raise Retryable(f"{self.name} is away")


@dataclass
class World:
    a: Fake = field(default_factory=lambda: Fake("a"))
    b: Fake = field(default_factory=lambda: Fake("b"))
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.servers = Servers({"a": self.a, "b": self.b}, lambda: self.now_s)

    def where(self, model: str = "m", jpeg: bytes = b"") -> str:
        return self.servers.look(model, [Picture(jpeg)])[0].model_version


def figure(name: str, server: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"server": server})


def test_a_request_that_fails_at_one_server_is_answered_by_another() -> None:
    world = World()
    world.a.away = True
    assert [world.where() for _ in range(10)] == ["b"] * 10
    assert world.a.looks == 0, "whoever cannot be asked for the model is not sent pictures"
    assert world.servers.problems == ("a is away",)
    assert figure("sightline_server_circuit_open", "a") == 1
    world.a.away, world.now_s = False, 100.0
    world.b.away = True
    assert world.where() == "a"
    assert figure("sightline_server_circuit_open", "a") == 0
    assert figure("sightline_server_outstanding", "a") == 0


def test_each_model_goes_to_the_servers_that_hold_it() -> None:
    world = World()
    world.a.models, world.b.models = {"m", "x"}, {"m", "y"}
    assert (world.where("x"), world.where("y")) == ("a", "b")
    for message in ("a has no z", "none serves z"):
        with pytest.raises(ModelMissing, match=message):
            world.where("z")


def test_a_model_may_be_at_a_server_that_is_away() -> None:
    world = World()
    world.a.away, world.b.models = True, set()
    for _ in range(10):
        with pytest.raises(Retryable) as caught:
            world.where()
        assert not isinstance(caught.value, ModelMissing)
        world.now_s += 1.3


def test_a_slow_model_does_not_take_its_server_away_from_the_others() -> None:
    world = World()
    world.a.models, world.b.models = {"m", "slow"}, set()
    world.a.hanging = {"slow"}
    for _ in range(5):
        with pytest.raises(Retryable):
            world.where("slow")
    assert world.where("m") == "a"


def test_a_model_that_fails_everywhere_rests_and_comes_back() -> None:
    world = World()
    world.a.failing = world.b.failing = {"m"}
    kinds = []
    for _ in range(6):
        with pytest.raises(Retryable) as caught:
            world.where()
        kinds.append(type(caught.value))
    assert kinds[:3] == [ModelFailing] * 3 and kinds[-1] is ModelResting
    world.a.failing = world.b.failing = set()
    world.now_s = 60.0
    assert world.where() in "ab"


def test_a_model_whose_process_died_is_started_anew() -> None:
    world = World()
    world.a.dead, world.b.models = {"m"}, set()
    with pytest.raises(ModelDied):
        world.where()
    assert world.where() == "a" and world.a.loads == 1
    world.a.dead = {"m"}
    with pytest.raises(ModelDied):
        world.where()
    assert world.a.loads == 1, "not over and over"


def test_a_bad_picture_is_not_tried_elsewhere() -> None:
    world = World()
    with pytest.raises(Rejected):
        world.where(jpeg=b"bad")
    assert world.a.looks + world.b.looks == 1


def test_a_request_fits_all_servers_that_hold_the_model() -> None:
    world = World()
    world.b.batch = 2
    assert world.servers.largest_batch("m") == 1, "nobody has been asked yet"
    world.where()
    world.a.away = True
    world.where()
    assert world.servers.largest_batch("m") == 2


def test_many_threads_share_it() -> None:
    world = World()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: world.where(), range(400)))
    assert set(found) <= {"a", "b"} and len(found) == 400
    assert figure("sightline_server_outstanding", "a") == 0
    world.servers.close()
    assert world.a.closed and world.b.closed
