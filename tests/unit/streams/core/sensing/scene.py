"""Readings as a test likes to write them, and what sensing makes of them."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from schemas.records import Look, Reading, Trigger
from schemas.site import parse
from streams.core.geometry import Box
from streams.core.sense import CameraPlan, CameraState, Sensing, new_state, step

SITE, CAMERA = "depot-7", "gate"
EPOCH = 946_684_800_000
WIDTH, HEIGHT = 640, 480
PARTITION = 3


def plan(
    sensors: dict[str, dict[str, Any]] | None = None, *, version: int = 1, **camera: Any
) -> CameraPlan:
    """Compile a camera's plan as it is written in a site's file."""
    document = {
        "version": 1,
        "site": SITE,
        "cameras": {CAMERA: {"source": "synthetic:walkers", **camera}},
        "sensors": {name: {"camera": CAMERA, **keys} for name, keys in (sensors or {}).items()},
    }
    text = msgspec.json.encode(document).decode()
    return CameraPlan.compile(parse(text), CAMERA, version)


def standing(x: float, bottom: float, *, height: float = 0.3, width: float = 0.1) -> Box:
    """Return the box of an object whose bottom anchor is at (x, bottom)."""
    return (x - width / 2, bottom - height, x + width / 2, bottom)


def frame(
    at_ms: int,
    boxes: Sequence[Box] = (),
    *,
    scores: Sequence[float] | None = None,
    labels: Sequence[str] | None = None,
    **keys: Any,
) -> Reading:
    """Return a frame ``at_ms`` after ``EPOCH``; offset and seq are numbered later."""
    values: dict[str, Any] = {
        "kind": "frame",
        "camera": CAMERA,
        "offset": -1,
        "epoch_at": EPOCH,
        "seq": 0,
        "at": EPOCH + at_ms,
        "config_version": 1,
        "state": "online",
        "still": False,
        "outcome": "ok",
        "width": WIDTH,
        "height": HEIGHT,
        "source_width": WIDTH,
        "source_height": HEIGHT,
        "model": "yolox",
        "model_version": "1",
        "boxes": tuple(value for box in boxes for value in box),
        "scores": tuple(scores if scores is not None else [0.9] * len(boxes)),
        "labels": tuple(labels if labels is not None else ["person"] * len(boxes)),
    }
    return Reading(**(values | keys))


Found = tuple[Box, float, str]


def looked(*found: tuple[str, list[Found]], at_ms: int = 0, **keys: Any) -> Reading:
    """Return a frame in which each model, by name, found these objects: box, score, label."""
    objects = [one for _, objects in found for one in objects]
    return frame(
        at_ms,
        [box for box, _, _ in objects],
        scores=[score for _, score, _ in objects],
        labels=[label for _, _, label in objects],
        looks=tuple(
            Look(model=model, model_version="1", outcome="ok", objects=len(objects))
            for model, objects in found
        ),
        model=found[0][0],
        **keys,
    )


def beat(
    at_ms: int, state: Literal["online", "stalled", "offline"] = "online", **keys: Any
) -> Reading:
    """Return a beat ``at_ms`` after ``EPOCH``."""
    empty: dict[str, Any] = {
        "kind": "beat",
        "seq": -1,
        "model": "",
        "model_version": "",
        "width": 0,
        "height": 0,
    }
    return frame(at_ms, **(empty | {"state": state} | keys))


def numbered(readings: Iterable[Reading]) -> list[Reading]:
    """Give offsets in order, and sequence numbers to the frames of each epoch."""
    found: list[Reading] = []
    seqs: dict[int | None, int] = {}
    for offset, reading in enumerate(readings):
        keys: dict[str, Any] = {"offset": offset}
        if reading.kind == "frame":
            keys["seq"] = seqs.get(reading.epoch_at, 0)
            seqs[reading.epoch_at] = keys["seq"] + 1
        found.append(dataclasses.replace(reading, **keys))
    return found


def sense(
    readings: Iterable[Reading], compiled: CameraPlan, *, restart_at: frozenset[int] = frozenset()
) -> tuple[CameraState, list[Sensing]]:
    """Run readings through the core; before those named, store and restore the state."""
    state = new_state(SITE, CAMERA)
    found: list[Sensing] = []
    for index, reading in enumerate(readings):
        if index in restart_at:
            stored = msgspec.msgpack.encode(state)
            state = msgspec.msgpack.decode(stored, type=CameraState)
            assert msgspec.msgpack.encode(state) == stored
        state, sensing = step(state, reading, PARTITION, compiled)
        found.append(sensing)
    return state, found


def triggers(found: Iterable[Sensing]) -> list[Trigger]:
    """Return all triggers in the order in which they were told."""
    return [item for sensing in found if sensing.sensed for item in sensing.sensed.triggers]


def brief(found: Iterable[Trigger]) -> list[tuple[str, str, int, int, int]]:
    """Return (sensor, trigger, t, since_t, known_t) in ms since ``EPOCH``."""
    return [
        (
            item.sensor,
            item.trigger,
            item.triggered_at - EPOCH,
            item.since_at - EPOCH,
            item.known_at - EPOCH,
        )
        for item in found
    ]
