"""The replay command line: options belong to the camera named last."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from infra.cli.replay_arguments import parse

Y2K = 946_684_800_000
ONE = ["--site", "s.yaml", "--camera", "gate"]


def test_one_camera_with_a_video_starts_in_2000() -> None:
    wanted = parse([*ONE, "--video", "a.mp4", "--triggers-out", "t.jsonl"])
    (run,) = wanted.cameras
    assert (run.camera, run.video, run.start_at) == ("gate", Path("a.mp4"), Y2K)
    assert wanted.triggers_out == Path("t.jsonl") and wanted.events_out is None


def test_a_model_file_alone_is_the_cameras_model() -> None:
    wanted = parse([*ONE, "--video", "a.mp4", "--model-file", "m.onnx"])
    assert (wanted.model, wanted.model_file) == (None, Path("m.onnx"))


def test_detections_carry_size_rate_and_length() -> None:
    tail = ["--detections", "d.txt", "--size", "768x576", "--fps", "7.5", "--frames", "12"]
    (run,) = parse([*ONE, *tail]).cameras
    assert (run.size, run.fps, run.frames) == ((768, 576), Fraction(15, 2), 12)


@pytest.mark.parametrize("before", [True, False])
def test_a_single_start_holds_for_all(before: bool) -> None:
    start = ["--start", "2000-01-01T00:00:01Z"]
    two = ["--camera", "a", "--video", "a.mp4", "--camera", "b", "--video", "b.mp4"]
    wanted = parse(["--site", "s.yaml", *(start + two if before else two + start)])
    assert [run.start_at for run in wanted.cameras] == [Y2K + 1000] * 2


def test_a_start_may_follow_each_camera() -> None:
    wanted = parse(
        [
            "--site",
            "s.yaml",
            "--camera",
            "a",
            "--video",
            "a.mp4",
            "--start",
            "2000-01-01T00:00:00.500Z",
            "--camera",
            "b",
            "--video",
            "b.mp4",
            "--start",
            "2000-01-01T01:00:00+01:00",
        ]
    )
    assert [run.start_at for run in wanted.cameras] == [Y2K + 500, Y2K]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--site", "s.yaml"], "--camera NAME is missing"),
        (ONE, "needs either --video FILE or --detections"),
        ([*ONE, "--video", "a", "--detections", "d"], "needs either"),
        ([*ONE, "--detections", "d", "--fps", "5"], "needs --size WxH and --fps F"),
        ([*ONE, "--video", "a", "--fps", "5"], "belong to --detections"),
        ([*ONE, "--detections", "d", "--fps", "5", "--size", "7by5"], "not a size"),
        ([*ONE, "--detections", "d", "--fps", "0", "--size", "7x5"], "between 0 and 1000"),
        ([*ONE, "--video", "a", "--start", "noon"], "not an ISO time"),
        (["--site", "s", "--video", "a", "--camera", "gate"], "name it first"),
        ([*ONE, "--video", "a", "--video", "b"], "given twice"),
        ([*ONE, "--video", "a", "--camera", "gate", "--video", "b"], "named twice"),
    ],
)
def test_a_wrong_line_says_what_is_allowed(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(arguments)
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
