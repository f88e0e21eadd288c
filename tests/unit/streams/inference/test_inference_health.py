"""A camera whose pictures nobody looks at does not claim to be well."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.records import Health, Look
from streams.inference.health import EVERY_S, HealthBook

START_AT = 946_684_800_000


def look(outcome: str, reason: str | None = None, model: str = "m") -> Look:
    return Look(model=model, model_version="1", outcome=outcome, reason=reason, objects=0)  # type: ignore[arg-type]


OK, MISSING = look("ok"), look("failed", "model-missing", "fire")
LEFT_OUT = look("dropped", "overload")


@dataclass
class World:
    book: HealthBook = field(default_factory=lambda: HealthBook("depot-7", "detect-w1"))
    now_s: float = 0.0

    def due(self, problem: str | None = None, overloaded: bool = False) -> dict[str, Health]:
        now_at = START_AT + round(1000 * self.now_s)
        found = self.book.due(problem, overloaded, self.now_s, now_at)
        return {record.health_id: record for record in found}

    def frames(self, camera: str, *looks: Look, count: int = 1) -> None:
        for _ in range(count):
            self.now_s += 0.2
            self.book.looked(camera, looks, self.now_s)

    def camera(self, name: str = "gate") -> tuple[str, str | None] | None:
        record = self.due().get(f"depot-7/{name}/detect")
        return None if record is None else (record.state, record.reason)


def test_a_change_is_told_at_once_and_the_rest_each_minute() -> None:
    world = World()
    world.frames("gate", OK)
    assert set(world.due()) == {"depot-7/process/detect-w1", "depot-7/gate/detect"}
    assert not world.due()
    world.now_s += EVERY_S - 1
    world.frames("gate", OK, count=10)
    (process, camera) = world.due().values()
    assert (process.state, process.kind, process.frames) == ("running", "process", 11)
    assert (camera.state, camera.kind, camera.name, camera.frames) == (
        *("analysed", "camera", "gate"),
        11,
    )
    assert camera.frames_per_s is not None and camera.revision > START_AT


def test_a_model_that_is_missing_shows_though_another_answers() -> None:
    world = World()
    world.frames("gate", OK, MISSING, count=2)
    assert world.camera() == ("analysed", None), "two failures are not yet a failing model"
    world.frames("gate", OK, MISSING)
    assert world.camera() == ("failing", "fire: model-missing")
    world.frames("gate", OK, look("ok", model="fire"))
    assert world.camera() == ("analysed", None)


def test_a_frame_without_a_model_shows_too() -> None:
    world = World()
    world.frames("gate", look("failed", "unknown-config", ""), count=3)
    assert world.camera() == ("failing", "frame: unknown-config")


def test_frames_left_out_show_for_a_while() -> None:
    world = World()
    world.frames("gate", LEFT_OUT)
    assert world.due(overloaded=True)["depot-7/process/detect-w1"].state == "overloaded"
    world.frames("gate", OK, count=10)
    assert world.camera() is None, "it is overloaded still"
    world.frames("gate", OK, count=60)
    assert world.camera() == ("analysed", None)


def test_who_waits_for_a_server_says_so_and_nobody_is_called_idle_meanwhile() -> None:
    world = World()
    world.frames("gate", OK)
    world.frames("yard", OK)
    world.due()
    world.book.waits({"gate": "Triton does not answer"}, world.now_s)
    assert not world.due("Triton does not answer"), "a moment is not worth a word"
    world.now_s += 60
    world.book.waits({"gate": "Triton does not answer"}, world.now_s)
    found = {key: one.state for key, one in world.due("Triton does not answer").items()}
    assert found == {
        "depot-7/process/detect-w1": "waiting",
        "depot-7/gate/detect": "waiting",
    }
    world.book.waits({}, world.now_s)
    world.frames("gate", OK)
    found = {key: one.state for key, one in world.due().items()}
    assert found["depot-7/gate/detect"] == "analysed"
    assert found["depot-7/process/detect-w1"] == "running"
    assert found.get("depot-7/yard/detect", "analysed") == "analysed"


def test_a_camera_never_answered_for_is_known_while_it_waits() -> None:
    world = World()
    world.book.waits({"gate": "no server"}, 0.0)
    world.now_s = 3.0
    world.book.waits({"gate": "no server"}, 3.0)
    assert world.camera() == ("waiting", "no server")


def test_a_camera_that_sends_nothing_is_idle_and_forgotten() -> None:
    world = World()
    world.frames("gate", OK)
    world.due()
    world.now_s += 31
    assert world.camera() == ("idle", None)
    world.now_s += 1000
    assert world.camera() is None
    world.frames("gate", OK)
    assert world.camera() == ("analysed", None)


def test_a_server_of_several_that_is_away_is_remarked_on() -> None:
    book = HealthBook("depot-7", "detect-w1")
    (record,) = book.due(None, False, 0.0, START_AT, remark="b is away")
    assert (record.state, record.reason) == ("running", "b is away")


def test_counts_of_a_frame_go_by_the_best_of_its_looks() -> None:
    world = World()
    world.frames("gate", OK, MISSING)
    world.frames("gate", MISSING)
    world.frames("gate", LEFT_OUT, LEFT_OUT)
    world.frames("gate")
    record = world.due()["depot-7/gate/detect"]
    assert (record.frames, record.dropped) == (1, 1)
    assert '"failed": 1' in record.details
