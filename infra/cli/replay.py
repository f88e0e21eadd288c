"""``sightline replay``: the live core over footage or detections, without Kafka.

A frame takes the same way as live (sampling, JPEG, model, core); onnxruntime, OpenCV and av are
the very packages that Triton runs, so a replay that starts at a live run's epoch names the same
events the same.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from infra.cli import replay_results
from infra.cli.configuring import read_site
from infra.cli.motchallenge import presentation_ms, read_detections, readings
from infra.cli.pipeline import Pipeline
from infra.cli.replay_arguments import CameraRun, ReplayArguments, parse
from producers.frames import frames_of
from producers.sampler import Sampler
from schemas.errors import Rejected
from schemas.records import Frame, Reading
from schemas.site import Camera, SiteConfig
from streams.inference import thumbnails
from streams.inference.local import LocalModel
from streams.inference.readings import frame_reading


@dataclass(frozen=True)
class Replayed:
    """One camera's readings and the size of its source in pixels."""

    readings: Iterator[Reading]
    size: tuple[int, int]


def run(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    wanted = parse(arguments)
    _, config = read_site(wanted.site)
    try:
        _replay(wanted, config)
    except Rejected as error:
        print(f"sightline replay: {error}", file=sys.stderr)
        return 2
    return 0


def _replay(wanted: ReplayArguments, config: SiteConfig) -> None:
    pipeline = Pipeline(config)
    cameras = [_camera(wanted, config, run) for run in wanted.cameras]
    first_at: int | None = None
    # Merged by time, so that rules across cameras see their inputs as they happened.
    for reading in heapq.merge(*(camera.readings for camera in cameras), key=lambda r: r.at):
        first_at = reading.at if first_at is None else first_at
        pipeline.feed(reading)
    if first_at is None:
        raise Rejected("there is no frame in what was given: nothing was replayed")
    pipeline.finish()
    results = pipeline.results
    sizes = {run.camera: camera.size for run, camera in zip(wanted.cameras, cameras, strict=True)}
    replay_results.write(
        wanted.triggers_out, replay_results.trigger_lines(results.sensed, first_at)
    )
    replay_results.write(wanted.events_out, replay_results.event_lines(results.events, first_at))
    replay_results.write(
        wanted.verdicts_out, replay_results.verdict_lines(results.verdicts, first_at)
    )
    replay_results.write(wanted.tracks_out, replay_results.track_lines(results, sizes))
    opened = sum(event.state == "opened" for event in results.events)
    triggers = sum(len(message.triggers) for message in results.sensed)
    print(
        f"{triggers} triggers, {len(results.verdicts)} verdicts, {opened} events", file=sys.stderr
    )


def _camera(wanted: ReplayArguments, config: SiteConfig, run: CameraRun) -> Replayed:
    camera = config.cameras.get(run.camera)
    if camera is None:
        known = ", ".join(sorted(config.cameras)) or "none"
        raise Rejected(f"{wanted.site} has no camera {run.camera}: it has {known}")
    if run.detections is not None:
        return _from_detections(run, camera)
    return _from_video(wanted, config, run, camera)


def _from_detections(run: CameraRun, camera: Camera) -> Replayed:
    assert run.detections and run.size and run.fps and run.start_at is not None
    frames, clamped = read_detections(run.detections)
    if clamped:
        print(
            f"{run.detections}: {clamped} scores lay outside 0..1 and were clamped",
            file=sys.stderr,
        )
    count = run.frames if run.frames is not None else max(frames, default=0)
    sampler = Sampler(camera.fps_fraction)
    sample = [sampler.takes(presentation_ms(index, run.fps)) for index in range(count)]
    return Replayed(
        readings(
            frames,
            camera=run.camera,
            start_at=run.start_at,
            fps=run.fps,
            size=run.size,
            count=count,
            sample=sample,
        ),
        run.size,
    )


def _from_video(
    wanted: ReplayArguments, config: SiteConfig, run: CameraRun, camera: Camera
) -> Replayed:
    assert run.video and run.start_at is not None
    name = wanted.model or next(iter(camera.models))
    model = LocalModel(name, wanted.model_file)
    frames = frames_of(run.video, camera, site=config.site, name=run.camera, start_at=run.start_at)
    first = next(frames, None)
    if first is None:
        raise Rejected(f"{run.video} holds no picture that can be decoded")
    size = (first.source_width, first.source_height)
    return Replayed(_detected(_chain(first, frames), model), size)


def _detected(frames: Iterable[Frame], model: LocalModel) -> Iterator[Reading]:
    history = thumbnails.History()
    for offset, frame in enumerate(frames):
        background = b""
        if model.needs_background:
            history, background = thumbnails.step(history, frame, offset)
        yield frame_reading(frame, offset, [model.infer(frame.jpeg, background)])


def _chain(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest
