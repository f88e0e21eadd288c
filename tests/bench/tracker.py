"""How well tracks keep identities, and what a frame costs, beside other trackers.

Run with ``python -m tests.bench.tracker``. Every MOTChallenge sequence of which the fixtures hold
``det/NAME/det.txt``, ``gt/NAME/gt.txt`` and ``gt/NAME/seqinfo.ini`` goes through ``sightline replay
--detections`` with the defaults, and through ByteTrack and OC-SORT of Roboflow's ``trackers`` with
theirs, in an environment that is made for them and removed. Times are processor time of one
thread for what follows the detector, the best of the rounds.
"""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from infra.cli.motchallenge import read_detections, readings
from schemas.records import Reading
from schemas.site import parse
from streams.core.geometry import Box
from streams.core.sense import CameraPlan
from streams.core.sensing.looking import frame_of
from streams.core.tracking import tracker
from streams.core.tracking.detections import select
from streams.core.tracking.scene import Scene
from streams.core.tracking.track import Track
from tests.bench.printing import machine, table
from tests.bench.product import new_folder
from tests.fixtures import FIXTURES, ROOT
from tests.product import run_cli
from tests.unit.streams.core.sensing.mot import idf1, mota

SITE = """
version: 1
site: bench
cameras:
  gate: {source: gate.mp4, fps: native}
"""
REFERENCES = ("trackers==2.6.*",)
ROUNDS = 5
Rows = Mapping[int, Sequence[tuple[str, Box]]]


@dataclass(frozen=True)
class Sequenced:
    """One MOTChallenge sequence; boxes in pixels."""

    name: str
    size: tuple[int, int]
    fps: Fraction
    frames: int
    detections: Path
    truth: Rows


@dataclass(frozen=True)
class Quality:
    """What one tracker made of one sequence."""

    mota: float
    idf1: float
    frame_us: float


def sequences() -> list[Sequenced]:
    """Return the sequences that the fixtures hold, by name."""
    found = []
    for info in sorted((FIXTURES / "gt").glob("*/seqinfo.ini")):
        detections = FIXTURES / "det" / info.parent.name / "det.txt"
        if not detections.exists():
            continue
        parser = configparser.ConfigParser()
        parser.read(info)
        told = parser["Sequence"]
        found.append(
            Sequenced(
                name=info.parent.name,
                size=(int(told["imWidth"]), int(told["imHeight"])),
                fps=Fraction(told["frameRate"]),
                frames=int(told["seqLength"]),
                detections=detections,
                truth=rows(info.parent / "gt.txt"),
            )
        )
    return found


def rows(path: Path) -> Rows:
    """Return the rows of a MOTChallenge file whose seventh column is not 0, by frame."""
    found: dict[int, list[tuple[str, Box]]] = {}
    for line in path.read_text().splitlines():
        number, name, x, y, width, height, counts = map(float, line.split(",")[:7])
        if counts:
            found.setdefault(int(number), []).append((str(name), (x, y, x + width, y + height)))
    return found


def ours(sequence: Sequenced, folder: Path) -> Quality:
    """Replay the detections with the defaults, and time the tracker on them."""
    site, tracks = folder / "site.yaml", folder / "tracks.txt"
    site.write_text(SITE)
    replayed = run_cli(
        *("replay", "--site", str(site), "--camera", "gate"),
        *("--detections", str(sequence.detections), "--fps", str(sequence.fps)),
        *("--size", "x".join(map(str, sequence.size)), "--frames", str(sequence.frames)),
        *("--tracks-out", str(tracks)),
    )
    if replayed.returncode:
        sys.exit(f"replay of {sequence.name} failed: {replayed.stderr.strip()}")
    found = rows(tracks)
    return Quality(mota(sequence.truth, found), idf1(sequence.truth, found), _frame_us(sequence))


def _frame_us(sequence: Sequenced) -> float:
    detections, _ = read_detections(sequence.detections)
    made = list(
        readings(
            detections,
            camera="gate",
            start_at=0,
            fps=sequence.fps,
            size=sequence.size,
            count=sequence.frames,
        )
    )
    plan = CameraPlan.compile(parse(SITE), "gate", 1)
    return min(_spent_s(made, plan) for _ in range(ROUNDS)) * 1e6 / len(made)


def _spent_s(made: Sequence[Reading], plan: CameraPlan) -> float:
    tracks: list[Track] = []
    scene = Scene()
    began = time.process_time()
    for reading in made:
        found = select(reading, plan.selection)
        frame = frame_of(reading, 0)
        tracked = tracker.step(tracks, found, frame, plan.birth_score, scene, plan.tuning)
        tracks = [t for t in tracked.tracks if t.alive_at > reading.at - plan.lost_ms]
    return time.process_time() - began


def theirs(sequence: Sequenced, python: Path) -> dict[str, Quality]:
    """Return what the other trackers make of the same boxes, by their names."""
    detections, _ = read_detections(sequence.detections)
    boxes = [
        [
            [row.x, row.y, row.x + row.width, row.y + row.height, row.score]
            for row in detections.get(number, [])
        ]
        for number in range(1, sequence.frames + 1)
    ]
    asked = {"fps": float(sequence.fps), "frames": boxes, "rounds": ROUNDS}
    answer = subprocess.run(
        [python, "-m", "tests.bench.tracker_reference"],
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=True,
    )
    return {name: _judged(sequence, found) for name, found in json.loads(answer.stdout).items()}


def _judged(sequence: Sequenced, found: Mapping[str, Any]) -> Quality:
    tracked: dict[int, list[tuple[str, Box]]] = {}
    for number, name, x1, y1, x2, y2 in found["rows"]:
        tracked.setdefault(number, []).append((str(name), (x1, y1, x2, y2)))
    return Quality(mota(sequence.truth, tracked), idf1(sequence.truth, tracked), found["us"])


def environment(folder: Path, references: Sequence[str] = REFERENCES) -> Path | None:
    """Make an environment with the references; None, and a word, where they cannot be had."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", *references]
    if subprocess.run(install, check=False).returncode:
        print(f"{' '.join(references)} cannot be installed: ours is measured alone")
        return None
    return python


def main() -> None:
    """Print a line for each sequence and tracker, and the means."""
    known = sequences()
    if not known:
        sys.exit(f"no sequence in {FIXTURES}: set SIGHTLINE_FIXTURES to a folder with det/ and gt/")
    results: dict[str, list[Quality]] = {}
    lines = []
    with new_folder() as folder:
        python = environment(folder / "venv")
        for sequence in known:
            found = theirs(sequence, python) if python else {}
            for name, quality in {**found, "Sightline": ours(sequence, folder)}.items():
                results.setdefault(name, []).append(quality)
                lines.append((f"{sequence.name}, {sequence.frames} frames", name, quality))
    for name, each in results.items():
        mean = Quality(
            *(sum(values) / len(each) for values in zip(*map(_values, each), strict=True))
        )
        lines.append((f"mean of {len(each)}", name, mean))
    print(f"best of {ROUNDS} rounds; {machine()}")
    table(
        ("sequence", "tracker", "MOTA", "IDF1", "µs a frame"),
        [
            (where, name, f"{it.mota:.3f}", f"{it.idf1:.3f}", f"{it.frame_us:.0f}")
            for where, name, it in lines
        ],
    )


def _values(quality: Quality) -> tuple[float, float, float]:
    return quality.mota, quality.idf1, quality.frame_us


if __name__ == "__main__":
    main()
