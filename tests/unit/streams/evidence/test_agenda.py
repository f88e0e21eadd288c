from __future__ import annotations

from schemas.records import FrameReference
from streams.evidence.agenda import PATIENCE_S, RETRY_LAST_S, Agenda, Clock
from tests.unit.streams.evidence.evidence_samples import OPENED_AT, sample_request

CLIP = sample_request()
FRAME = FrameReference(
    partition=0, offset=1, captured_at=OPENED_AT, box=(0.1, 0.1, 0.2, 0.2), score=0.9
)
SNAPSHOT = sample_request(kind="snapshot", frame=FRAME)


def at(time: int | None) -> Clock:
    return lambda camera: time


def test_a_clip_waits_until_its_cameras_time_has_passed() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add(CLIP, "m", 0.0)
    assert agenda.next(at(CLIP.to_at - 1), 0.0) is None
    task = agenda.next(at(CLIP.to_at), 0.0)
    assert task is not None and task.request is CLIP


def test_a_snapshot_of_a_known_frame_goes_first_and_waits_for_nothing() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add(CLIP, "a", 0.0)
    agenda.add(SNAPSHOT, "b", 0.0)
    for clock in (at(None), at(CLIP.to_at)):
        task = agenda.next(clock, 0.0)
        assert task is not None and task.request is SNAPSHOT


def test_a_clock_that_stands_still_ends_the_wait_and_one_that_moves_does_not() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add(CLIP, "m", 0.0)
    for second in range(0, 10 * int(PATIENCE_S), 10):
        assert agenda.next(at(CLIP.from_at + second), float(second)) is None
    last = 10 * PATIENCE_S - 10
    assert agenda.next(at(CLIP.from_at + int(last)), last + PATIENCE_S - 1) is None
    assert agenda.next(at(CLIP.from_at + int(last)), last + PATIENCE_S) is not None


def test_a_source_is_done_with_its_last_task() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add(SNAPSHOT, "m", 0.0)
    agenda.add(CLIP, "m", 0.0)
    first = agenda.next(at(None), 0.0)
    assert first is not None and not agenda.done(first)
    second = agenda.next(at(CLIP.to_at), 0.0)
    assert second is not None and agenda.done(second)
    assert len(agenda) == 0


def test_a_failed_task_rests_longer_each_time_and_blocks_no_other() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add(SNAPSHOT, "a", 0.0)
    other = sample_request(kind="snapshot", frame=FRAME, event_id="e-2")
    agenda.add(other, "b", 0.0)
    task = agenda.next(at(None), 0.0)
    assert task is not None
    waits = [agenda.postpone(task, 0.0) for _ in range(20)]
    assert waits == sorted(waits) and waits[0] < waits[1] and waits[-1] == RETRY_LAST_S
    following = agenda.next(at(None), 0.0)
    assert following is not None and following.request is other
    agenda.done(following)
    assert agenda.next(at(None), RETRY_LAST_S - 0.1) is None
    assert agenda.next(at(None), RETRY_LAST_S) is task


def test_tasks_of_lost_partitions_are_forgotten() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.add(SNAPSHOT, "mine", 0.0)
    agenda.add(SNAPSHOT, "theirs", 0.0)
    agenda.keep(lambda source: source == "mine")
    task = agenda.next(at(None), 0.0)
    assert task is not None and task.source == "mine" and len(agenda) == 1
