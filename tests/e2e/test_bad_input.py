"""Bad input to a command: one clear message that says what to do, and an exit code that is not 0.

Nothing runs here; what a bad camera does to the running product is in ``test_bad_cameras.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from infra.cli.main import build
from tests.e2e.refusals import refused, refused_in_one_line
from tests.fixtures import fixture
from tests.product import run_cli

SITE = """\
version: 1
site: depot
cameras:
  gate: {source: gate.mp4}
sensors:
  lawn: {camera: gate, kind: zone, points: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}
rules:
  intrusion: {when: {sensor: lawn, trigger: entered}}
"""
FIVE_MISTAKES = """\
version: 1
site: Depot_7
timezone: Mars/Olympus
cameras:
  gate: {source: "rtsp://viewer:hunter2@10.0.3.21/stream2", fps: -3}
sensors:
  lawn: {camera: gaet, kind: zone, points: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}
rules:
  intrusion: {when: {sensor: lawn, trigger: entered}}
"""
PLACES = (
    "line 2: site:",
    "line 3: timezone:",
    "line 5: cameras.gate.source:",
    "line 5: cameras.gate.fps:",
    "line 7: sensors.lawn.camera:",
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE)
    return path


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "faulty.yaml"
    path.write_text(FIVE_MISTAKES)
    return path


@pytest.fixture
def no_model(tmp_path: Path) -> Path:
    path = tmp_path / "weights.onnx"
    path.write_text("these are no weights")
    return path


def test_every_command_has_help() -> None:
    app, runner = build(), CliRunner()

    def ask(*words: str) -> list[str]:
        answer = runner.invoke(app, [*words, "--help"])
        assert answer.exit_code == 0, (words, answer.output)
        assert "usage:" in answer.output.lower()
        command = get_command(app)
        for word in words:
            command = command.commands[word]  # type: ignore[attr-defined]
        return list(getattr(command, "commands", ()))

    groups = {name: ask(name) for name in ask() if name != "replay"}
    assert {"up", "demo", "migrate", "config", "events"} <= set(groups)
    for group, names in groups.items():
        for name in names:
            ask(group, name)


@pytest.mark.parametrize("words", [("--help",), ("replay", "--help"), ("config", "--help")])
def test_help_is_shown_by_the_program(words: tuple[str, ...]) -> None:
    done = run_cli(*words)
    assert done.returncode == 0 and "usage:" in done.stdout.lower()


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    assert "No such command" in refused("evnets", code=2, home=tmp_path)


@pytest.mark.parametrize(
    "command",
    [("config", "check"), ("config", "apply"), ("replay", "--camera", "gate", "--site")],
)
def test_five_mistakes_are_told_at_once(
    faulty: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    video = ("--video", "gate.mp4") if command[0] == "replay" else ()
    lines = refused(*command, faulty, *video, code=2, home=tmp_path).splitlines()
    assert len(lines) == len(PLACES)
    for place, line in zip(PLACES, lines, strict=True):
        assert line.startswith(f"{faulty}: {place}") and "(allowed: " in line
        assert "hunter2" not in line


def test_a_demo_of_a_faulty_site_starts_nothing(faulty: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = refused("demo", "--site", faulty, code=1, home=home)
    assert all(place in said for place in PLACES) and "hunter2" not in said
    assert not home.exists()


def test_a_site_file_that_is_missing_or_no_text(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, why in ((tmp_path / "none.yaml", "No such file"), (binary, "it is not text")):
        said = refused_in_one_line("config", "check", path, code=2, home=tmp_path)
        assert said.startswith(f"{path} cannot be read: {why}") and "give the path" in said


@pytest.mark.parametrize(
    ("video", "says"),
    [
        ("missing.mp4", "there is no file"),
        ("robustness/zero_byte.mp4", "it is not a video file"),
        ("robustness/text_as_video.mp4", "it is not a video file"),
        ("robustness/moov_missing.mp4", "its index is missing"),
        ("robustness/audio_only.m4a", "it holds no video stream"),
        ("robustness/annexb_no_sps_pps.h264", "not one picture in it can be decoded"),
    ],
)
def test_replay_of_what_is_no_video(site: Path, tmp_path: Path, video: str, says: str) -> None:
    path = tmp_path / video if "/" not in video else fixture(video)
    said = refused_in_one_line(
        *("replay", "--site", site, "--camera", "gate", "--video", path), code=2, home=tmp_path
    )
    assert str(path) in said and says in said


def test_replay_of_a_damaged_video_uses_what_can_be_decoded(site: Path) -> None:
    path = fixture("robustness/zeroed_64k_hole.mp4")
    done = run_cli("replay", "--site", str(site), "--camera", "gate", "--video", str(path))
    assert done.returncode == 0, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.endswith("events")


def test_replay_with_weights_that_are_not_onnx(site: Path, no_model: Path, tmp_path: Path) -> None:
    said = refused_in_one_line(
        *("replay", "--site", site, "--camera", "gate"),
        *("--video", fixture("robustness/one_fps.mp4")),
        *("--model", "yolox", "--model-file", no_model),
        code=2,
        home=tmp_path,
    )
    assert no_model.name in said and "give the ONNX file" in said


def test_replay_that_cannot_write(site: Path, tmp_path: Path) -> None:
    said = refused_in_one_line(
        *("replay", "--site", site, "--camera", "gate"),
        *("--video", fixture("robustness/one_fps.mp4")),
        *("--events-out", tmp_path / "none" / "events.jsonl"),
        code=2,
        home=tmp_path,
    )
    assert "events.jsonl cannot be written" in said


@pytest.mark.parametrize(
    ("option", "path", "says"),
    [
        ("--video", "missing.mp4", "there is no file"),
        ("--video", "robustness/random_64k.mp4", "cannot be read as video"),
        ("--model-file", "missing.onnx", "is not there"),
    ],
)
def test_a_demo_of_what_is_no_video_or_no_model_starts_nothing(
    tmp_path: Path, option: str, path: str, says: str
) -> None:
    home = tmp_path / "home"
    file = tmp_path / path if "/" not in path else fixture(path)
    said = refused_in_one_line(
        "demo", option, file, "--model", "yolox", "--seconds", "1", code=1, home=home
    )
    assert "nothing was started" in said and file.name in said and says in said
    assert not home.exists()


@pytest.mark.parametrize(
    "command",
    [
        ("events", "list"),
        ("events", "explain", "b0b8c0e6"),
        ("models", "list"),
        ("topics", "tail", "up.events"),
        ("migrate",),
    ],
)
def test_with_no_stack_running_a_command_says_how_to_start_one(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    said = refused_in_one_line(*command, code=1, home=tmp_path)
    assert f"no stack is running under {tmp_path}" in said and "sightline up" in said


@pytest.mark.parametrize(
    ("variable", "address", "command"),
    [
        ("POSTGRES_DSN", "postgresql://me:hunter2@127.0.0.1:1/x", ("events", "list")),
        ("POSTGRES_DSN", "hunter2", ("events", "list")),
        ("POSTGRES_DSN", "hunter2", ("migrate",)),
        ("EDGE_KAFKA", "127.0.0.1:1", ("topics", "tail", "up.events")),
    ],
)
def test_a_part_that_is_not_at_its_address(
    tmp_path: Path, variable: str, address: str, command: tuple[str, ...]
) -> None:
    env = {f"SIGHTLINE_{variable}": address, "SIGHTLINE_SITE": "depot"}
    said = refused_in_one_line(*command, code=1, home=tmp_path, env=env)
    assert f"SIGHTLINE_{variable}" in said and "hunter2" not in said


def test_an_error_of_the_system_is_one_line(site: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "site").mkdir(parents=True)
    said = refused_in_one_line("demo", "--site", site, code=1, home=home)
    assert f"{home / 'site'}: Is a directory" in said
