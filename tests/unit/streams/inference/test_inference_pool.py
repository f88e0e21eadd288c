"""Where requests go: to servers that hold the model and are well, the least busy of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.inference.circuit import CLOSED, Circuit, CircuitConfig, began, failed, lets_through
from streams.inference.pool import (
    End,
    Pick,
    Pool,
    PoolConfig,
    Server,
    ended,
    holds,
    is_missing,
    pick,
)

CONFIG = PoolConfig(CircuitConfig(failures=3, open_s=1.0, longest_open_s=4.0), known_s=5.0)
NONE = frozenset[str]()


@dataclass
class Drive:
    """A pool, and a clock that the test moves."""

    pool: Pool = field(default_factory=lambda: {"a": Server(), "b": Server()})
    now_s: float = 100.0

    def pick(
        self, model: str = "m", tried: frozenset[str] = NONE, pictures: int = 1
    ) -> Pick | None:
        self.pool, picked = pick(self.pool, model, pictures, tried, self.now_s, CONFIG)
        return picked

    def end(self, picked: Pick | None, end: End, took_s: float = 0.1) -> None:
        assert picked is not None
        self.now_s += took_s
        if end in ("answered", "refused", "model-failed"):
            self.pool = holds(self.pool, picked, self.now_s)
        self.pool = ended(self.pool, picked, end, self.now_s, CONFIG)

    def fail(self, server: str, end: End, times: int, model: str = "m") -> None:
        others = frozenset(self.pool) - {server}
        for _ in range(times):
            self.end(self.pick(model, others), end)

    def where(self, model: str = "m") -> str | None:
        picked = self.pick(model)
        if picked is not None:
            self.end(picked, "answered")
        return None if picked is None else picked.server


def test_the_least_busy_server_is_chosen() -> None:
    drive = Drive()
    sizes = [4, 1, 1, 1, 1, 1]
    chosen = [drive.pick(pictures=size) for size in sizes]
    assert [one.server for one in chosen if one] == ["a", "b", "b", "b", "b", "a"]


def test_the_quicker_one_of_two_idle_servers_is_chosen() -> None:
    drive = Drive()
    drive.end(drive.pick(), "answered", 0.5)
    drive.end(drive.pick(), "answered", 0.1)
    assert [drive.where() for _ in range(5)] == ["b"] * 5


def test_a_model_goes_to_the_servers_that_hold_it() -> None:
    drive = Drive()
    drive.fail("a", "missing", 1)
    first, second = drive.pick(), drive.pick()
    assert first and second and first.server == second.server == "b"
    other = drive.pick("other")
    assert other and other.server == "a"


def test_a_server_is_asked_again_whether_it_holds_a_model() -> None:
    drive = Drive(pool={"a": Server()})
    drive.fail("a", "missing", 1)
    assert drive.pick() is None and is_missing(drive.pool, "m")
    drive.now_s += 5
    again = drive.pick()
    assert again and again.ask
    drive.end(again, "answered")
    known = drive.pick()
    assert known and not known.ask and not is_missing(drive.pool, "m")


def test_a_server_that_fails_is_left_alone_and_comes_back_when_well() -> None:
    drive = Drive()
    drive.fail("a", "server-failed", 3)
    assert drive.pool["a"].circuit.is_open
    assert {drive.where() for _ in range(4)} == {"b"}
    drive.now_s += 1
    probe = drive.pick(tried=frozenset("b"))
    assert probe and probe.ask and probe.probes_server
    assert drive.pick(tried=frozenset("b")) is None, "one request tries, the others wait"
    drive.end(probe, "answered")
    assert not drive.pool["a"].circuit.is_open
    assert drive.pick(tried=frozenset("b"))


def test_a_server_that_goes_on_failing_is_tried_ever_less_often() -> None:
    drive = Drive(pool={"a": Server()})
    drive.fail("a", "server-failed", 3)
    gaps = []
    for _ in range(4):
        since_s = drive.now_s
        while (probe := drive.pick()) is None:
            drive.now_s += 0.25
        gaps.append(drive.now_s - since_s)
        drive.end(probe, "server-failed", 0.0)
    assert gaps == [1.0, 2.0, 4.0, 4.0]


def test_a_model_that_fails_does_not_take_its_server_away_from_others() -> None:
    drive = Drive(pool={"a": Server()})
    drive.fail("a", "model-failed", 3, "broken")
    assert drive.pick("broken") is None and not is_missing(drive.pool, "broken")
    assert drive.where("m") == "a"
    drive.now_s += 1
    assert drive.where("broken") == "a"
    assert drive.where("broken") == "a"


def test_a_bad_picture_is_nobodys_fault() -> None:
    drive = Drive()
    drive.fail("a", "refused", 10)
    assert not drive.pool["a"].circuit.is_open
    assert not drive.pool["a"].place("m").circuit.is_open


def test_failures_of_requests_that_began_earlier_do_not_prolong_an_open_circuit() -> None:
    config = CONFIG.circuit
    circuit = CLOSED
    for _ in range(5):
        circuit = failed(circuit, 10.0, config, probe=False)
    assert circuit.open_until_s == 11.0
    assert failed(circuit, 10.9, config, probe=False).open_until_s == 11.0
    assert lets_through(circuit, 11.0) and not lets_through(began(circuit), 11.0)
    assert failed(began(circuit), 11.5, config, probe=True).open_until_s == 13.5


@given(st.lists(st.booleans(), max_size=30))
def test_a_circuit_is_open_for_bounded_times_only(probes_succeed: list[bool]) -> None:
    circuit, now_s = Circuit(failures=2), 0.0
    for succeeds in probes_succeed:
        circuit = CLOSED if succeeds else failed(began(circuit), now_s, CONFIG.circuit, probe=True)
        if circuit.open_until_s is not None:
            assert now_s < circuit.open_until_s <= now_s + CONFIG.circuit.longest_open_s
            now_s = circuit.open_until_s
        assert lets_through(circuit, now_s)


class Requests(RuleBasedStateMachine):
    """Any requests, in any order, ending in any way."""

    def __init__(self) -> None:
        super().__init__()
        self.drive = Drive(pool={name: Server() for name in "abc"})
        self.under_way: list[Pick] = []

    @rule(
        model=st.sampled_from("mn"),
        pictures=st.integers(1, 16),
        tried=st.sets(st.sampled_from("abc")),
    )
    def begin(self, model: str, pictures: int, tried: set[str]) -> None:
        picked = self.drive.pick(model, frozenset(tried), pictures)
        if picked is not None:
            assert picked.server not in tried
            self.under_way.append(picked)

    @precondition(lambda self: self.under_way)
    @rule(
        data=st.data(),
        end=st.sampled_from(["answered", "refused", "missing", "model-failed", "server-failed"]),
    )
    def end(self, data: st.DataObject, end: End) -> None:
        index = data.draw(st.integers(0, len(self.under_way) - 1))
        self.drive.end(self.under_way.pop(index), end)

    @rule(passed_s=st.floats(0, 10))
    def wait(self, passed_s: float) -> None:
        self.drive.now_s += passed_s

    @invariant()
    def work_is_counted_and_trials_are_single(self) -> None:
        for name, server in self.drive.pool.items():
            here = [one for one in self.under_way if one.server == name]
            assert server.outstanding == sum(one.pictures for one in here)
            if not server.circuit.is_open:
                assert not server.circuit.probing

    @invariant()
    def nobody_is_left_alone_for_ever(self) -> None:
        later_s = self.drive.now_s + 10
        if not self.under_way:
            for name in self.drive.pool:
                others = frozenset(self.drive.pool) - {name}
                assert pick(self.drive.pool, "m", 1, others, later_s, CONFIG)[1]


TestRequests = Requests.TestCase
