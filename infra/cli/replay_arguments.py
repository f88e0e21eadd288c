"""The command line of ``sightline replay``: options that follow a ``--camera`` belong to it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from schemas.ids import NAME_PATTERN

DEFAULT_START = "2000-01-01T00:00:00Z"


@dataclass(frozen=True)
class CameraRun:
    """One camera of a replay and what it is shown."""

    camera: str
    start_at: int | None = None
    """UTC ms of the first frame; None: the one given for all, or 2000-01-01."""
    video: Path | None = None
    detections: Path | None = None
    size: tuple[int, int] | None = None
    """Width and height in pixels that the detections refer to."""
    fps: Fraction | None = None
    frames: int | None = None


@dataclass(frozen=True)
class ReplayArguments:
    """A whole replay: the site, its cameras in the order given, and where the results go."""

    site: Path
    cameras: tuple[CameraRun, ...]
    model: str | None
    model_file: Path | None
    """For a model that is not named."""
    named_files: tuple[tuple[str, Path], ...]
    """(model, its file)."""
    data_dir: Path | None
    """Folder of an embedded stack, whose models stand in where no file is given."""
    triggers_out: Path | None
    events_out: Path | None
    verdicts_out: Path | None
    tracks_out: Path | None
    armed: tuple[str, ...] = ()
    """Modes that the site is armed in all the while."""


def parse(arguments: Sequence[str]) -> ReplayArguments:
    """Parse the command line; a wrong one prints what is allowed and exits with 2."""
    parser = _parser()
    found = parser.parse_args(arguments, argparse.Namespace(runs=[], start_for_all=None))
    runs: list[CameraRun] = found.runs
    if not runs:
        parser.error("--camera NAME is missing: say which camera of the site to replay")
    given = [run.start_at for run in runs if run.start_at is not None]
    only_start = given[0] if len(given) == 1 else found.start_for_all
    fallback = only_start if only_start is not None else _start(DEFAULT_START)
    cameras = tuple(
        replace(run, start_at=run.start_at if run.start_at is not None else fallback)
        for run in runs
    )
    for run in cameras:
        _complete(parser, run)
    names = [run.camera for run in cameras]
    if len(set(names)) < len(names):
        parser.error("a camera is named twice: each --camera takes one --video or --detections")
    files = _files(parser, found.model_files)
    return ReplayArguments(
        site=found.site,
        cameras=cameras,
        model=found.model,
        model_file=files.pop(None, None),
        named_files=tuple((name, path) for name, path in files.items() if name is not None),
        data_dir=found.data_dir,
        armed=tuple(found.armed),
        triggers_out=found.triggers_out,
        events_out=found.events_out,
        verdicts_out=found.verdicts_out,
        tracks_out=found.tracks_out,
    )


class _OfCamera(argparse.Action):
    """Stores an option in the camera named last."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        runs: list[CameraRun] = namespace.runs
        if self.dest == "camera":
            runs.append(CameraRun(camera=values))
        elif not runs and self.dest == "start_at":
            namespace.start_for_all = values
        elif not runs:
            parser.error(f"{option_string} belongs to a camera: name it first with --camera NAME")
        elif getattr(runs[-1], self.dest) is not None:
            parser.error(f"{option_string} is given twice for camera {runs[-1].camera}")
        else:
            runs[-1] = replace(runs[-1], **{self.dest: values})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sightline replay",
        description="Run the live core over footage or detections, without Kafka: the same "
        "inputs give the same bytes, and with --start at a live run's epoch the same ids.",
        allow_abbrev=False,
    )
    parser.add_argument("--site", required=True, type=Path, metavar="SITE.yaml")
    of_camera = parser.add_argument_group("for each camera")
    of_camera.add_argument("--camera", action=_OfCamera, metavar="NAME")
    of_camera.add_argument(
        "--start",
        dest="start_at",
        action=_OfCamera,
        type=_start,
        metavar="ISO",
        help=f"time of the first frame ({DEFAULT_START})",
    )
    of_camera.add_argument("--video", action=_OfCamera, type=Path, metavar="FILE")
    of_camera.add_argument(
        "--detections",
        action=_OfCamera,
        type=Path,
        metavar="DET.txt",
        help="MOTChallenge det.txt instead of a video",
    )
    of_camera.add_argument("--size", action=_OfCamera, type=_size, metavar="WxH")
    of_camera.add_argument("--fps", action=_OfCamera, type=_fps, metavar="F")
    of_camera.add_argument("--frames", action=_OfCamera, type=_count, metavar="N")
    parser.add_argument(
        "--model", metavar="NAME", help="overrides the camera's; the card that FILE is read by"
    )
    parser.add_argument(
        "--model-file",
        dest="model_files",
        action="append",
        default=[],
        type=_model_file,
        metavar="[NAME=]FILE.onnx",
        help="the weights; with NAME, those of one of several models",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="of an embedded stack: its models are asked where no file is given",
    )
    parser.add_argument(
        "--armed",
        action="append",
        default=[],
        metavar="MODE",
        help="a mode that the site is armed in all the while; rules with `armed` are silent else",
    )
    outputs = parser.add_argument_group("results")
    outputs.add_argument("--triggers-out", type=Path, metavar="T.jsonl")
    outputs.add_argument("--events-out", type=Path, metavar="E.jsonl")
    outputs.add_argument("--verdicts-out", type=Path, metavar="V.jsonl")
    outputs.add_argument("--tracks-out", type=Path, metavar="TRACKS.txt")
    return parser


def _complete(parser: argparse.ArgumentParser, run: CameraRun) -> None:
    if (run.video is None) == (run.detections is None):
        parser.error(f"camera {run.camera} needs either --video FILE or --detections DET.txt")
    if run.detections is not None and (run.size is None or run.fps is None):
        parser.error(f"--detections of camera {run.camera} needs --size WxH and --fps F")
    if run.video is not None and (run.size or run.fps or run.frames):
        parser.error(f"--size, --fps and --frames of camera {run.camera} belong to --detections")


def _files(
    parser: argparse.ArgumentParser, given: Sequence[tuple[str | None, Path]]
) -> dict[str | None, Path]:
    files = dict(given)
    if len(files) < len(given):
        parser.error("--model-file is given twice for one model: name the others with NAME=FILE")
    return files


def _model_file(text: str) -> tuple[str | None, Path]:
    name, named, path = text.partition("=")
    if named and NAME_PATTERN.fullmatch(name) and not Path(text).exists():
        return name, Path(path)
    return None, Path(text)


def _start(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an ISO time such as {DEFAULT_START}"
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 768x576")
    return int(width), int(height)


def _fps(text: str) -> Fraction:
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of frames a second") from error
    if not 0 < value <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} frames a second: between 0 and 1000")
    return value


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of frames")
    return int(text)
