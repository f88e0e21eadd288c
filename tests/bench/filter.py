"""How many false events the filter removes, and how many true ones it costs.

Run with ``python -m tests.bench.filter [SCENES]``. Simulated streets with a known truth, and the
PETS 2009 footage by its annotated people where the fixtures are, go through the product's
sense and match once, then through the filter at many thresholds, and without each check. One zone
covers the picture; every visit of a track is a candidate. A true event is lost when none of a
person's candidates is accepted; a false one is removed when its candidate is suppressed.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from schemas.records import Decision, Matched, Reading
from schemas.site import SiteConfig
from streams.core import filter as filtering
from streams.core import match as matching
from streams.core import sense as sensing
from streams.core.checks.judge import THRESHOLD, Jury
from streams.core.checks.registry import JURY
from streams.core.geometry import iou
from tests.bench.filter_scenes import FPS, HEIGHT, TRUE, WIDTH, Box, Frames, Seen, scene
from tests.bench.printing import table
from tests.fixtures import FIXTURES

SCENES, SECONDS = 30, 300
START_AT = 1_700_000_000_000
THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
SIGN = (0.03, 0.17, 0.07, 0.27)
"""Where the blue sign stands in PETS 2009 S2.L1; what else is not annotated may well be people."""
UNKNOWN = "unknown"
CONFIG = SiteConfig.model_validate(
    {
        "version": 1,
        "site": "bench",
        "cameras": {"it": {"source": "it.mp4", "model": "yolox", "classes": ["person"]}},
        "sensors": {
            "all": {"camera": "it", "kind": "zone", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}
        },
        "rules": {
            "visit": {
                "when": {"sensor": "all", "trigger": "entered"},
                "group": {"by": "track", "within_s": 1},
            }
        },
    }
)


@dataclass(frozen=True)
class Recorded:
    """What the filter gets of one scene, and which object each track followed."""

    inputs: list[Matched]
    sources: dict[str, str]
    """``<kind>/…`` by track."""


def record(frames: Frames, fps: float, size: tuple[int, int]) -> Recorded:
    """Send a scene through sense and match; a track's object is the one it followed most."""
    sense_plan = sensing.CameraPlan.compile(CONFIG, "it", 1)
    match_plan = matching.MatchPlan.compile(CONFIG, "it", 1)
    sense = sensing.new_state("bench", "it")
    match = matching.new_state("bench", "it")
    inputs: list[Matched] = []
    followed: dict[str, Counter[str]] = defaultdict(Counter)
    for reading in _readings(frames, fps, size):
        sense, sensed = sensing.step(sense, reading, 0, sense_plan)
        for seen in sensed.observations:
            for other in frames[seen.seq]:
                if other.box == seen.box:
                    followed[seen.track][other.source] += 1
        if sensed.sensed is not None:
            match, matched = matching.step(match, sensed.sensed, match_plan)
            if matched.matched is not None:
                inputs.append(matched.matched)
    return Recorded(inputs, {track: most.most_common(1)[0][0] for track, most in followed.items()})


def _readings(frames: Frames, fps: float, size: tuple[int, int]) -> Iterator[Reading]:
    last = Reading(
        kind="frame",
        camera="it",
        offset=0,
        epoch_at=START_AT,
        seq=0,
        at=START_AT,
        config_version=1,
        state="online",
        still=False,
        outcome="ok",
        width=size[0],
        height=size[1],
        source_width=size[0],
        source_height=size[1],
        model="yolox",
        model_version="1",
        boxes=(),
        scores=(),
        labels=(),
    )
    for seq, found in enumerate(frames):
        last = replace(
            last,
            offset=seq,
            seq=seq,
            at=START_AT + round(1000 * seq / fps),
            boxes=tuple(edge for one in found for edge in one.box),
            scores=tuple(one.score for one in found),
            labels=("person",) * len(found),
        )
        yield last
    end_at = last.at + 60_000
    yield replace(
        last, kind="beat", seq=-1, offset=len(frames), at=end_at, boxes=(), scores=(), labels=()
    )


def decide(recorded: Recorded, jury: Jury) -> list[Decision]:
    """Return what the filter decides of a scene."""
    plan = replace(filtering.FilterPlan.compile(CONFIG, 1), jury=jury)
    state = filtering.new_state("bench", "it")
    found: list[Decision] = []
    for one in recorded.inputs:
        state, filtered = filtering.step(state, one, plan)
        if filtered.judged is not None:
            found += filtered.judged.decisions
    return found


@dataclass
class Tally:
    """What became of the objects of one kind: those with a candidate, those with an event."""

    candidates: Counter[str]
    accepted: Counter[str]

    @property
    def lost(self) -> tuple[int, int]:
        """Objects none of whose candidates was accepted, of how many."""
        return sum(name not in self.accepted for name in self.candidates), len(self.candidates)

    @property
    def removed(self) -> tuple[int, int]:
        """Candidates suppressed, of how many."""
        total = sum(self.candidates.values())
        return total - sum(self.accepted.values()), total


def tally(scenes: Iterable[Recorded], jury: Jury) -> dict[str, Tally]:
    """Return what the filter makes of all scenes, by kind of object."""
    found: dict[str, Tally] = defaultdict(lambda: Tally(Counter(), Counter()))
    for recorded in scenes:
        for decision in decide(recorded, jury):
            source = recorded.sources[decision.candidate.track or ""]
            if source.startswith(UNKNOWN):
                continue
            kind = found[source.split("/")[0]]
            kind.candidates[source] += 1
            if decision.verdict == "accepted":
                kind.accepted[source] += 1
    return dict(found)


def totals(found: dict[str, Tally]) -> tuple[int, int, int, int]:
    """Return true events lost and in all, false events removed and in all."""
    lost = [one.lost for kind, one in found.items() if kind in TRUE]
    removed = [one.removed for kind, one in found.items() if kind not in TRUE]
    return (
        sum(part for part, _ in lost),
        sum(whole for _, whole in lost),
        sum(part for part, _ in removed),
        sum(whole for _, whole in removed),
    )


def footage() -> list[Recorded]:
    """Return the annotated footage that is there; what fits no annotated person is a mistake."""
    found = []
    detected = FIXTURES / "det/PETS09-S2L1/yolox_nano_on_vtest480_score0.1_768x576coords.json"
    truth = FIXTURES / "gt/PETS09-S2L1/gt.txt"
    if detected.exists() and truth.exists():
        rows: dict[str, list[list[float]]] = json.loads(detected.read_text())
        people: dict[int, list[tuple[str, Box]]] = defaultdict(list)
        for line in truth.read_text().split():
            frame, name, x, y, w, h, *_ = (float(part) for part in line.split(","))
            people[int(frame)].append((f"{name:.0f}", (x, y, x + w, y + h)))
        frames: Frames = [[] for _ in range(max(map(int, rows)))]
        for number, boxes in rows.items():
            for x1, y1, x2, y2, score in boxes:
                box = (x1, y1, x2, y2)
                near = max(people[int(number)], key=lambda one: iou(one[1], box), default=None)
                fits = near is not None and iou(near[1], box) > 0.2
                scaled = (x1 / 768, y1 / 576, x2 / 768, y2 / 576)
                source = f"walker/pets/{near[0]}" if near and fits else _unannotated(scaled)
                frames[int(number) - 1].append(Seen(scaled, score, source, source.split("/")[0]))
        found.append(record(frames, 10, (768, 576)))
    return found


def _unannotated(box: Box) -> str:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    left, top, right, bottom = SIGN
    return "sign/pets" if left < x < right and top < y < bottom else f"{UNKNOWN}/pets"


def main() -> None:
    """Print the curve, the kinds, and what each check adds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else SCENES
    scenes = [record(scene(seed, SECONDS), FPS, (WIDTH, HEIGHT)) for seed in range(count)]
    real = footage()
    scenes += real
    print(f"{count} simulated streets of {SECONDS} s, {len(real)} annotated films")
    print("\nthe curve")
    rows = []
    for threshold in THRESHOLDS:
        lost, true, removed, false = totals(tally(scenes, Jury(JURY.checks, threshold)))
        mark = " (in force)" if threshold == THRESHOLD else ""
        rows.append((f"{threshold:.2f}{mark}", _share(removed, false), _share(lost, true)))
    table(("threshold", "false events removed", "true events lost"), rows)
    print("\nby kind, at the threshold in force")
    found = tally(scenes, JURY)
    table(
        ("kind", "objects", "candidates", "lost or removed"),
        [
            (
                kind,
                str(one.lost[1]),
                str(one.removed[1]),
                _share(*(one.lost if kind in TRUE else one.removed)),
            )
            for kind, one in sorted(found.items(), key=lambda item: (item[0] not in TRUE, item[0]))
        ],
    )
    print("\nwithout one check, and with one alone")
    each = [("all", *_both(totals(found)), "", "")]
    for check in JURY.checks:
        others = tuple(other for other in JURY.checks if other is not check)
        without = _both(totals(tally(scenes, Jury(others))))
        alone = _both(totals(tally(scenes, Jury((check,)))))
        each.append((check.name, *without, *alone))
    table(("check", "removed without", "lost without", "removed alone", "lost alone"), each)


def _both(found: tuple[int, int, int, int]) -> tuple[str, str]:
    lost, true, removed, false = found
    return _share(removed, false), _share(lost, true)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.1f} % ({part}/{whole})"


if __name__ == "__main__":
    main()
