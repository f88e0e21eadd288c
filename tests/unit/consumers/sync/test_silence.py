from __future__ import annotations

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from consumers.sync.silence import OFFLINE_AFTER_S, SILENT_AFTER_S, SilentCameras
from schemas.records import Beat, Frame

SITE = "depot-7"
START = 946_684_800_000
"""A camera's scale need not be the host's: this one lives in the year 2000."""


def frame(at: int, version: int = 3) -> Frame:
    return Frame(
        site=SITE,
        camera="gate",
        epoch_at=START,
        seq=0,
        captured_at=at,
        config_version=version,
        width=1,
        height=1,
        source_width=1,
        source_height=1,
        jpeg=b"",
    )


def beat(at: int, state: Literal["online", "stalled", "offline"] = "online") -> Beat:
    return Beat(site=SITE, camera="gate", beat_at=at, state=state, epoch_at=START, config_version=3)


def due(silence: SilentCameras, now_s: float, version: int = 3) -> list[Beat]:
    return list(silence.due(SITE, {"gate"}, version, now_s))


def test_a_camera_that_is_heard_gets_no_beats() -> None:
    silence = SilentCameras()
    for second in range(20):
        silence.hear(beat(START + 1000 * second), float(second))
        assert due(silence, second + SILENT_AFTER_S - 0.1) == []


def test_a_silent_one_gets_a_beat_each_second_on_its_own_scale() -> None:
    silence = SilentCameras()
    silence.hear(frame(START), 100.0)
    beats = [b for tenth in range(151) for b in due(silence, 100 + tenth / 10)]
    assert [b.beat_at for b in beats] == [START + 1000 * second for second in range(3, 16)]
    assert [b.state for b in beats] == ["stalled"] * 7 + ["offline"] * 6
    assert {(b.site, b.camera, b.epoch_at, b.still) for b in beats} == {
        (SITE, "gate", START, False)
    }


def test_stalled_beats_of_the_producer_count_as_heard_but_not_as_alive() -> None:
    silence = SilentCameras()
    silence.hear(frame(START), 0.0)
    for second in range(1, 9):
        silence.hear(beat(START + 1000 * second, "stalled"), float(second))
    (first,) = due(silence, 8.0 + SILENT_AFTER_S)
    assert (first.beat_at, first.state) == (START + 11_000, "offline")
    silence.hear(beat(START + 12_000), 12.0)
    (later,) = due(silence, 12.0 + SILENT_AFTER_S)
    assert later.state == "stalled"


def test_one_that_was_never_heard_or_is_not_configured_gets_none() -> None:
    silence = SilentCameras()
    assert list(silence.due(SITE, {"gate"}, 1, 1000.0)) == []
    silence.hear(frame(START), 0.0)
    assert list(silence.due(SITE, {"yard"}, 1, 1000.0)) == []
    silence.keep({"yard"}, OFFLINE_AFTER_S + 1)
    assert due(silence, 1000.0) == []


@given(st.lists(st.tuples(st.sampled_from(["own", "agent", "look"]), st.integers(1, 4000))))
def test_the_agents_beats_always_rise_above_everything_written(
    happened: list[tuple[str, int]],
) -> None:
    silence = SilentCameras()
    now_ms, written = 0, START
    silence.hear(frame(START), 0.0)
    for what, after_ms in happened:
        now_ms += after_ms
        if what == "own":
            written = max(written, START + now_ms)
            silence.hear(beat(START + now_ms), now_ms / 1000)
        elif what == "agent":
            written = max(written, START + now_ms + 500)
            silence.recall(beat(START + now_ms + 500))
        else:
            for found in due(silence, now_ms / 1000):
                assert found.beat_at > written
                written = found.beat_at


def test_the_version_is_that_in_force_and_never_goes_back() -> None:
    silence = SilentCameras()
    silence.hear(frame(START, version=5), 0.0)
    versions = [
        due(silence, 3.0 + n, version)[0].config_version for n, version in enumerate((4, 6, 5))
    ]
    assert versions == [5, 6, 6]


def test_who_is_silent_is_told_with_its_state() -> None:
    silence = SilentCameras()
    silence.hear(frame(START), 0.0)
    assert silence.silent({"gate"}, 2.9) == {}
    assert silence.silent({"gate"}, 3.0) == {"gate": "stalled"}
    assert silence.silent({"gate"}, 10.0) == {"gate": "offline"}
    assert silence.silent({"yard"}, 10.0) == {}


def test_silence_while_kafka_was_away_is_not_the_cameras() -> None:
    silence = SilentCameras()
    silence.hear(frame(START), 0.0)
    silence.excuse(60.0)
    assert silence.silent({"gate"}, 60 + SILENT_AFTER_S - 0.1) == {}
    assert due(silence, 60 + SILENT_AFTER_S - 0.1) == []
    # Of the time of which nothing is known nothing is claimed.
    assert [b.beat_at for b in due(silence, 60 + SILENT_AFTER_S)] == [
        START + round(1000 * SILENT_AFTER_S)
    ]
    silence.hear(frame(START + 40_000), 64.0)
    assert due(silence, 64 + SILENT_AFTER_S - 0.1) == []
