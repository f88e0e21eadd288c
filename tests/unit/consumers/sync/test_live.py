from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.sync.applying import Answer
from consumers.sync.commanding import command_digest
from consumers.sync.live import MAX_CAMERAS, MAX_FPS, STALE_MS, LiveViews
from schemas.records import Command, Frame

SITE = "depot-7"
NOW = 1_700_000_000_000
CAMERAS = ("gate", "yard", "hall", "roof", "dock")


def asked(camera: Any = "gate", fps: Any = 5, seconds: Any = 60, **changes: Any) -> Command:
    fields: dict[str, Any] = {
        "command_id": "c1",
        "site": SITE,
        "name": "live",
        "arguments": json.dumps({"camera": camera, "fps": fps, "seconds": seconds}),
        "issued_at": NOW - 5,
        "expires_at": NOW + 30_000,
    }
    return Command(**{**fields, **changes})


def obeyed(live: LiveViews, command: Command, at: int = NOW) -> Answer:
    found = live.obey(command, SITE, CAMERAS, 3, at, at)
    assert found is not None and found.applied is None
    return found


def fault(found: Answer) -> dict[str, Any]:
    assert found.receipt.status == "refused"
    (one,) = json.loads(found.receipt.errors)
    return dict(one)


def frame(camera: str = "gate") -> Frame:
    return Frame(
        site=SITE,
        camera=camera,
        epoch_at=NOW,
        seq=0,
        captured_at=NOW,
        config_version=3,
        width=2,
        height=2,
        source_width=2,
        source_height=2,
        jpeg=b"",
    )


def shown(live: LiveViews, times: list[int], camera: str = "gate") -> list[int]:
    return [at for at in times if live.is_due(frame(camera), at, at)]


def test_nothing_is_shown_that_nobody_asked_for() -> None:
    live = LiveViews()
    assert shown(live, [NOW, NOW + 1000]) == []
    obeyed(live, asked("yard"))
    assert shown(live, [NOW, NOW + 1000]) == []


def test_a_camera_is_shown_from_the_command_on_and_ends_by_itself() -> None:
    live = LiveViews()
    receipt = obeyed(live, asked(seconds=10)).receipt
    assert (receipt.receipt_id, receipt.status) == ("depot-7/command/live/gate", "applied")
    assert (receipt.sha256, receipt.config_version) == (command_digest(asked(seconds=10)), 3)
    assert json.loads(receipt.details)["until_at"] == NOW + 10_000
    assert not live.is_due(frame(), NOW - 1, NOW), "it came before it was asked for"
    seconds = [NOW + 1000 * number for number in range(20)]
    assert shown(live, seconds) == seconds[:10]


def test_asked_again_it_lasts_longer_and_never_shorter() -> None:
    live = LiveViews()
    obeyed(live, asked(seconds=60))
    obeyed(live, asked(seconds=1, command_id="c2"), NOW + 10_000)
    assert live.is_due(frame(), NOW + 59_999, NOW + 59_999)
    obeyed(live, asked(seconds=60, command_id="c3", expires_at=NOW + 70_000), NOW + 59_999)
    assert live.is_due(frame(), NOW + 100_000, NOW + 100_000)
    assert not live.is_due(frame(), NOW + 119_999, NOW + 119_999)


def test_who_wants_more_gets_more_and_only_so_long() -> None:
    live = LiveViews()
    obeyed(live, asked(fps=1, seconds=60))
    obeyed(live, asked(fps=5, seconds=2, command_id="c2"))
    found = shown(live, [NOW + 200 * number for number in range(40)])
    assert [at for at in found if at < NOW + 2000] == [NOW + 200 * number for number in range(10)]
    assert 5 <= len([at for at in found if at >= NOW + 2000]) <= 8, "one a second, and two"


def test_what_lies_about_is_not_live() -> None:
    live = LiveViews()
    obeyed(live, asked())
    assert not live.is_due(frame(), NOW + 1000, NOW + 1000 + STALE_MS + 1)
    assert live.is_due(frame(), NOW + 1000, NOW + 1000 + STALE_MS)


def test_frames_of_the_agent_before_are_not_shown_again() -> None:
    live = LiveViews(NOW + 3000)
    obeyed(live, asked())
    assert shown(live, [NOW + 1000, NOW + 2000, NOW + 3000]) == [NOW + 3000]


def test_only_so_many_cameras_at_once() -> None:
    live = LiveViews()
    for camera in CAMERAS[:MAX_CAMERAS]:
        assert obeyed(live, asked(camera, seconds=10)).receipt.status == "applied"
    told = fault(obeyed(live, asked("dock")))
    assert "dock, gate" not in told["problem"] and "gate" in told["problem"]
    assert obeyed(live, asked("gate")).receipt.status == "applied", "it is shown already"
    later = asked("dock", expires_at=NOW + 20_000)
    assert obeyed(live, later, NOW + 10_000).receipt.status == "applied", "the others have ended"


def test_the_same_command_again_changes_nothing() -> None:
    once, twice = LiveViews(), LiveViews()
    obeyed(once, asked(seconds=10))
    obeyed(twice, asked(seconds=10))
    obeyed(twice, asked(seconds=10))
    times = [NOW + 137 * number for number in range(100)]
    assert shown(once, times) == shown(twice, times)


@pytest.mark.parametrize(
    ("command", "path"),
    [
        (asked("attic"), "camera"),
        (asked(None), "camera"),
        (asked(["gate"]), "camera"),
        (asked(fps=6), "fps"),
        (asked(fps=0), "fps"),
        (asked(fps=True), "fps"),
        (asked(fps=1.5), "fps"),
        (asked(seconds=61), "seconds"),
        (asked(seconds=10**30), "seconds"),
        (asked(site="elsewhere"), "site"),
        (asked(expires_at=NOW), "expires_at"),
        (asked(arguments="{"), "camera"),
        (asked(arguments="[]"), "camera"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_reason(command: Command, path: str) -> None:
    live = LiveViews()
    assert fault(obeyed(live, command))["path"] == path
    assert shown(live, [NOW]) == []


def test_names_from_outside_make_no_receipts_of_their_own() -> None:
    assert obeyed(LiveViews(), asked("attic")).receipt.document == "command"


def test_a_command_that_was_taken_back_is_not_answered() -> None:
    assert LiveViews().obey(asked(deleted=True), SITE, CAMERAS, 3, NOW, NOW) is None


@given(
    st.integers(1, MAX_FPS),
    st.lists(st.integers(0, 400), min_size=1, max_size=200),
    st.integers(1, 10_000),
)
def test_never_more_than_was_asked_for(fps: int, gaps: list[int], span_ms: int) -> None:
    live = LiveViews()
    obeyed(live, asked(fps=fps))
    times = [NOW + sum(gaps[: number + 1]) for number in range(len(gaps))]
    found = shown(live, times)
    assert found[0] == times[0] if times[0] < NOW + 60_000 else not found
    for start in found:
        within = [at for at in found if start <= at < start + span_ms]
        assert len(within) <= span_ms * fps / 1000 + 2
