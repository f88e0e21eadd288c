"""``sightline video``: what a site's Kafka keeps of its cameras' own video."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.cli.rerun import moment
from infra.runtime.reading import offset_at, read_on
from producers.tails import partition_of
from producers.writer import VIDEO_TOPIC
from schemas.codec import decode_as
from schemas.errors import Rejected
from schemas.records import Video
from schemas.site.values import instant_text
from schemas.topics import PARTITIONS, RECORDING
from streams.evidence.remux import remux, within

TOPICS = (RECORDING.name, VIDEO_TOPIC)
NEAR_MS = 60_000
"""Live video arrives no later than this after its time, and has a key frame more often."""


def register(app: typer.Typer) -> None:
    """Add the ``video`` commands."""
    video = typer.Typer(help="The cameras' own video, as long as the site keeps it.")

    @video.callback()
    def group() -> None:
        """Keep ``export`` a command of its own: typer would take a single one for the whole."""

    @video.command("export")
    def export(
        camera: Annotated[str, typer.Option(help="Camera of the site.")],
        start: Annotated[str, typer.Option("--from", help="ISO time, UTC unless it says.")],
        until: Annotated[str, typer.Option("--to", help="ISO time, excluded.")],
        out: Annotated[Path, typer.Option(help="MP4 file to write.")],
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Write a camera's video between two times as MP4, from the key frame before; not re-encoded.

        Where the stream changes (size, codec) another file begins: NAME-2.mp4, and so on.
        """
        from_at, to_at = moment(start), moment(until)
        if to_at <= from_at:
            raise Rejected(f"--to {until} is not after --from {start}")
        kept = Kept(connect(data_dir).need("edge_kafka"), camera)
        written = False
        for file in remux(kept.between(from_at, to_at), out):
            written = True
            print(f"{file.path}: {instant_text(file.from_at)} to {instant_text(file.to_at)}")
        if not written:
            raise Rejected(kept.nothing(from_at, to_at))

    app.add_typer(video, name="video")


class Kept:
    """One camera's fragments in the topics that hold video."""

    def __init__(self, bootstrap: str, camera: str) -> None:
        self._bootstrap = bootstrap
        self._camera = camera
        self._partition = partition_of(camera.encode(), PARTITIONS)

    def between(self, from_at: int, to_at: int) -> Iterator[Video]:
        """Yield what is needed to see the camera between two times, UTC ms.

        Live video is found by when it arrived; that of files, whose time is another, by reading all.
        """
        found = False
        for arrived in ((from_at - NEAR_MS, to_at + NEAR_MS), None):
            for fragment in within(self._merged(arrived), from_at, to_at):
                found = True
                yield fragment
            if found:
                return

    def nothing(self, from_at: int, to_at: int) -> str:
        """Say what there is instead of what was looked for."""
        times = [fragment.captured_at for fragment in self._merged(None)]
        if not times:
            return (
                f"no video of {self._camera} is kept: is it a camera of this site, with `record` not "
                "off, no `privacy`, and a source that has packets (docs/cameras.md)?"
            )
        return (
            f"no video of {self._camera} from {instant_text(from_at)} to {instant_text(to_at)}: "
            f"kept is from {instant_text(min(times))} to {instant_text(max(times))}"
        )

    def _merged(self, arrived: tuple[int, int] | None) -> Iterator[Video]:
        # A camera's order in one topic; it changes to the other when it is configured anew.
        return heapq.merge(
            *(self._read(topic, arrived) for topic in TOPICS),
            key=lambda one: (one.epoch_at, one.gop, one.part),
        )

    def _read(self, topic: str, arrived: tuple[int, int] | None) -> Iterator[Video]:
        start = (
            0 if arrived is None else offset_at(self._bootstrap, topic, self._partition, arrived[0])
        )
        for message in read_on(self._bootstrap, topic, self._partition, start):
            if arrived is not None and message.arrived_at > arrived[1]:
                return
            if message.key != self._camera or message.value is None:
                continue
            try:
                fragment = decode_as(Video, message.value)
            except Rejected:
                # Whoever wrote it will not write it better: the rest is worth having.
                continue
            if fragment.packets:
                yield fragment
