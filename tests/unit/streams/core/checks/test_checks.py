from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from schemas.records import Candidate, TrackReport, Trigger
from streams.core.checks.check import Subject
from streams.core.checks.judge import judge, tracks_of
from streams.core.checks.moved import NEUTRAL, MovedCheck
from streams.core.checks.registry import JURY
from streams.core.checks.score import ScoreCheck
from streams.core.tracking import evidence as evidences
from streams.core.tracking.sighting import Sighting
from tests.fixtures import fixture
from tests.unit.streams.core.rules.scenario import report, trigger


def subject(track_report: TrackReport | None, *kinds: str, min_score: float = 0.0) -> Subject:
    score = 0.5 if track_report is None else track_report.score
    return Subject("a", frozenset(kinds or {"crossed"}), score, track_report, min_score)


def candidate(*triggers: Trigger) -> Candidate:
    return Candidate(
        candidate_id="c",
        site="depot-7",
        rule="rule",
        camera="gate",
        sensor="door",
        matched_at=0,
        known_at=0,
        score=1.0,
        shadow=False,
        config_version=1,
        triggers=triggers,
    )


@pytest.mark.parametrize(("score", "veto"), [(0.6, False), (0.59, True)])
def test_a_mean_score_below_the_rules_least_is_a_veto(score: float, veto: bool) -> None:
    finding = ScoreCheck().judge(subject(report("a", 1, score=score), min_score=0.6))
    assert (finding.veto, finding.favours, finding.value) == (veto, not veto, score)


def test_a_high_score_speaks_for_a_track_the_longer_it_lasts() -> None:
    weights = [
        ScoreCheck().judge(subject(replace(report("a", 1, score=0.8), age_ms=age))).weight
        for age in (0, 1000, 5000, 60_000)
    ]
    assert weights == sorted(weights) and weights[0] == 0 and weights[2] == weights[3] > 1
    low = ScoreCheck().judge(subject(replace(report("a", 1, score=0.4), age_ms=0)))
    assert low.weight < 0


def test_moved_weighs_the_displacement_in_box_heights() -> None:
    enough = MovedCheck().judge(subject(report("a", 1, NEUTRAL)))
    assert enough is not None and (enough.favours, enough.weight) == (True, 0.0)
    far = MovedCheck().judge(subject(report("a", 1, 2 * NEUTRAL)))
    little = MovedCheck().judge(subject(report("a", 1, NEUTRAL / 2)))
    assert far is not None and little is not None
    assert far.weight == pytest.approx(-little.weight) and far.weight > 2


def test_a_track_without_a_report_has_not_moved() -> None:
    finding = MovedCheck().judge(subject(None))
    assert finding is not None and (finding.favours, finding.value) == (False, 0.0)


def test_what_stands_still_by_nature_need_not_move() -> None:
    assert MovedCheck().judge(subject(report("a", 1, 0.0), "abandoned")) is None
    assert MovedCheck().judge(subject(report("a", 1, 0.0), "abandoned", "entered")) is not None


def test_the_track_that_convinces_least_decides_and_its_reasons_add_up() -> None:
    two = candidate(trigger("door", 1, "a"), trigger("door", 2, "b"))
    reports = {"a": report("a", 1, 0.1, 0.9), "b": report("b", 2, 3.0, 0.6)}
    judgement = judge(two, reports, 0.5, JURY, {})
    found = {one.check: (one.favours, one.value) for one in judgement.reasons}
    assert (found["score"], found["moved"]) == ((True, 0.9), (False, 0.1))
    assert not judgement.passed
    odds = judgement.score / (1 - judgement.score)
    assert math.log(odds) == pytest.approx(sum(one.weight for one in judgement.reasons))
    passed = judge(two, {**reports, "a": report("a", 3, 3.0, 0.9)}, 0.5, JURY, {})
    assert passed.passed and passed.score > 0.9
    vetoed = judge(two, {**reports, "a": report("a", 3, 3.0, 0.9)}, 0.65, JURY, {})
    assert not vetoed.passed and vetoed.score <= 0.01


def test_without_tracks_it_passes() -> None:
    judgement = judge(candidate(trigger("lens", 1, None)), {}, 1.0, JURY, {})
    assert (judgement.passed, judgement.score, judgement.reasons) == (True, 1.0, ())


def test_tracks_come_once_and_in_order() -> None:
    triggers = [trigger("door", at, track) for at, track in ((1, "b"), (2, None), (3, "a"))]
    assert tracks_of(candidate(*triggers, trigger("door", 4, "b"))) == ("b", "a")


def test_the_sign_of_pets_never_moves_and_every_walker_does() -> None:
    """The sign by the detector's boxes, the walkers by the annotated ones, at 10 frames a second."""
    detected = json.loads(
        fixture("det/PETS09-S2L1/yolox_nano_on_vtest480_score0.1_768x576coords.json").read_text()
    )
    sign = [
        (int(frame), box[:4])
        for frame, boxes in detected.items()
        for box in boxes
        if _inside(box, (0.03, 0.17, 0.07, 0.27))
    ]
    assert len(sign) > 700
    assert all(not _moved(sign[start:]) for start in range(0, len(sign), 50))
    walkers: dict[str, list[tuple[int, Any]]] = {}
    for row in fixture("gt/PETS09-S2L1/gt.txt").read_text().split():
        frame, track, x, y, w, h, confidence, *_ = row.split(",")
        if float(confidence):
            left, top = float(x), float(y)
            box = (left, top, left + float(w), top + float(h))
            walkers.setdefault(track, []).append((int(frame), box))
    assert len(walkers) == 19
    assert all(_moved(boxes) for boxes in walkers.values())


def _moved(boxes: list[tuple[int, Any]]) -> bool:
    sightings = [_sighting(frame, box) for frame, box in boxes]
    evidence = evidences.begin(sightings[0])
    for sighting in sightings:
        evidences.add(evidence, sighting)
    finding = MovedCheck().judge(subject(evidences.report("a", evidence, len(sightings))))
    assert finding is not None
    return finding.favours


def _sighting(frame: int, box: Any) -> Sighting:
    left, top, right, bottom = box
    return Sighting(
        at=frame * 100,
        seq=frame,
        partition=0,
        offset=frame,
        aspect=768 / 576,
        box=(left / 768, top / 576, right / 768, bottom / 576),
        score=0.5,
        label="person",
    )


def _inside(box: Any, area: tuple[float, float, float, float]) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return bool(area[0] < x / 768 < area[2] and area[1] < y / 576 < area[3])
