"""``sightline replay``: the live core over footage or detections, without Kafka.

A frame takes the same way as live (sampling, JPEG, model, core); onnxruntime, OpenCV and av are
the very packages that Triton runs, so a replay that starts at a live run's epoch names the same
events the same.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infra.cli import replay_results
from infra.cli.configuring import read_site
from infra.cli.motchallenge import presentation_ms, read_detections, readings
from infra.cli.pipeline import Pipeline
from infra.cli.replay_arguments import CameraRun, ReplayArguments, parse
from infra.cli.replay_models import Troubles, models_for, uses_for
from producers.frames import frames_of
from producers.sampler import Sampler
from schemas.errors import Rejected
from schemas.records import Frame, Reading
from schemas.site import Camera, SiteConfig
from streams.inference.choosing import Use
from streams.inference.local import LocalModel
from streams.inference.offline import readings_of


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
    strange = [mode for mode in wanted.armed if mode not in config.known_modes()]
    if strange:
        known = ", ".join(sorted(config.known_modes())) or "none"
        raise Rejected(f"--armed {strange[0]}: no rule is armed in that mode; there is {known}")
    pipeline = Pipeline(config.armed_in(wanted.armed))
    shown = [run.camera for run in wanted.cameras if run.video is not None]
    uses = {
        name: uses_for(wanted, config.cameras[name]) for name in shown if name in config.cameras
    }
    models = models_for(wanted, [use.model for found in uses.values() for use in found])
    cameras = [
        _camera(wanted, config, run, uses.get(run.camera, ()), models) for run in wanted.cameras
    ]
    troubles = Troubles()
    first_at: int | None = None
    # Merged by time, so that rules across cameras see their inputs as they happened.
    for reading in heapq.merge(*(camera.readings for camera in cameras), key=lambda r: r.at):
        first_at = reading.at if first_at is None else first_at
        troubles.add(reading)
        pipeline.feed(reading)
    if first_at is None:
        raise Rejected("there is no frame in what was given: nothing was replayed")
    troubles.tell()
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


def _camera(
    wanted: ReplayArguments,
    config: SiteConfig,
    run: CameraRun,
    uses: Sequence[Use],
    models: Mapping[str, LocalModel],
) -> Replayed:
    camera = config.cameras.get(run.camera)
    if camera is None:
        known = ", ".join(sorted(config.cameras)) or "none"
        raise Rejected(f"{wanted.site} has no camera {run.camera}: it has {known}")
    if run.detections is not None:
        return _from_detections(run, camera)
    frames, size = _frames(config, run, camera)
    return Replayed(readings_of(frames, uses, models), size)


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


def _frames(
    config: SiteConfig, run: CameraRun, camera: Camera
) -> tuple[Iterator[Frame], tuple[int, int]]:
    assert run.video and run.start_at is not None
    frames = frames_of(run.video, camera, site=config.site, name=run.camera, start_at=run.start_at)
    first = next(frames, None)
    if first is None:
        raise Rejected(f"{run.video} holds no picture that can be decoded")
    return _chain(first, frames), (first.source_width, first.source_height)


def _chain(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest
