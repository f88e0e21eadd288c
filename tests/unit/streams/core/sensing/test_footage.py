"""Real footage: the crossings and visits that people see on it."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.records import Reading, Trigger
from streams.core.geometry import Box
from tests.fixtures import fixture
from tests.unit.streams.core.sensing.mot import idf1, mota
from tests.unit.streams.core.sensing.scene import EPOCH, frame, numbered, plan, sense, triggers

TOLERANCE_MS = 1500


def readings(rows: dict[int, list[tuple[Box, float]]], last: int, fps: float) -> list[Reading]:
    """Return frames 1 to ``last`` of a sequence."""
    return numbered(
        frame(
            round((number - 1) * 1000 / fps),
            [box for box, _ in rows.get(number, [])],
            scores=[score for _, score in rows.get(number, [])],
        )
        for number in range(1, last + 1)
    )


def public_detections(sequence: str, width: int, height: int) -> dict[int, list[tuple[Box, float]]]:
    rows: dict[int, list[tuple[Box, float]]] = {}
    for text in fixture(f"det/{sequence}/det.txt").read_text().splitlines():
        number, _, x, y, w, h, score = (float(part) for part in text.split(",")[:7])
        box = (x / width, y / height, (x + w) / width, (y + h) / height)
        rows.setdefault(int(number), []).append((box, score))
    return rows


def yolox_detections() -> dict[int, list[tuple[Box, float]]]:
    name = "yolox_nano_on_vtest480_score0.1_768x576coords.json"
    found = json.loads(fixture(f"det/PETS09-S2L1/{name}").read_text())
    return {
        int(number): [
            ((x1 / 768, y1 / 576, x2 / 768, y2 / 576), score) for x1, y1, x2, y2, score in rows
        ]
        for number, rows in found.items()
    }


def truth(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(fixture(f"events/{name}.json").read_text())
    return loaded


def judged(told: Sequence[Trigger], line: dict[str, Any]) -> tuple[int, int, int]:
    """Return (hits, false alarms, misses) of one line; each true crossing is hit once."""
    open_events = [
        (round(event["t_s"] * 1000), "forward" if event["direction"] == "+" else "backward")
        for event in line["events"]
    ]
    hits = false_alarms = 0
    for item in (item for item in told if item.sensor == line["name"]):
        near = [
            (abs(at - (item.triggered_at - EPOCH)), at, direction)
            for at, direction in open_events
            if direction == item.direction
        ]
        if near and min(near)[0] <= TOLERANCE_MS:
            open_events.remove(min(near)[1:])
            hits += 1
        else:
            false_alarms += 1
    return hits, false_alarms, len(open_events)


def f1(counts: Sequence[tuple[int, int, int]]) -> float:
    hits = sum(count[0] for count in counts)
    return 2 * hits / (hits + sum(sum(count) for count in counts))


def lines(events: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        line["name"]: {"kind": "line", "points": [line["A"], line["B"]]} for line in events["lines"]
    }


def test_crossings_and_visits_at_pets_with_yolox_nano() -> None:
    events = truth("pets_s2l1")
    (zone,) = events["zones"]
    sensors = lines(events) | {"zone_c": {"kind": "zone", "points": zone["polygon"]}}
    _, found = sense(readings(yolox_detections(), 795, 10), plan(sensors))
    told = triggers(found)
    counts = {line["name"]: judged(told, line) for line in events["lines"]}
    assert f1([counts["seg_a"]]) >= 0.95
    assert f1(list(counts.values())) >= 0.97
    visits = [item for item in told if (item.sensor, item.trigger) == ("zone_c", "entered")]
    assert abs(len(visits) - len(zone["visits"])) <= 1


@pytest.mark.parametrize("line", ["seg_a", "seg_left"])
def test_crossings_at_pets_with_public_detections(line: str) -> None:
    events = truth("pets_s2l1")
    rows = public_detections("PETS09-S2L1", 768, 576)
    told = triggers(sense(readings(rows, 795, 10), plan(lines(events)))[1])
    (wanted,) = [item for item in events["lines"] if item["name"] == line]
    assert f1([judged(told, wanted)]) >= 0.95


@pytest.mark.parametrize("line", ["v50", "v60"])
def test_every_crossing_at_tud_stadtmitte_with_public_detections(line: str) -> None:
    events = truth("tud_stadtmitte")
    rows = public_detections("TUD-Stadtmitte", 640, 480)
    told = triggers(sense(readings(rows, 179, 25), plan(lines(events)))[1])
    (wanted,) = [item for item in events["lines"] if item["name"] == line]
    hits, _, misses = judged(told, wanted)
    assert (hits, misses) == (len(wanted["events"]), 0)


def true_boxes(sequence: str, width: int, height: int) -> dict[int, list[tuple[str, Box]]]:
    rows: dict[int, list[tuple[str, Box]]] = {}
    for text in fixture(f"gt/{sequence}/gt.txt").read_text().splitlines():
        number, name, x, y, w, h, counts = (float(part) for part in text.split(",")[:7])
        if counts:
            box = (x / width, y / height, (x + w) / width, (y + h) / height)
            rows.setdefault(int(number), []).append((str(int(name)), box))
    return rows


def test_identities_with_public_detections() -> None:
    quality = []
    for sequence, width, height, last, fps in (
        ("PETS09-S2L1", 768, 576, 795, 10),
        ("TUD-Stadtmitte", 640, 480, 179, 25),
    ):
        rows = public_detections(sequence, width, height)
        _, found = sense(readings(rows, last, fps), plan())
        tracked: dict[int, list[tuple[str, Box]]] = {}
        for row in (row for sensing in found for row in sensing.observations):
            tracked.setdefault(row.seq + 1, []).append((row.track, row.box))
        truth_boxes = true_boxes(sequence, width, height)
        quality.append((mota(truth_boxes, tracked), idf1(truth_boxes, tracked)))
    assert sum(item[0] for item in quality) / 2 >= 0.68
    assert sum(item[1] for item in quality) / 2 >= 0.68
