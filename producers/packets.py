"""The camera's own packets as ``video`` records: fragments of at most 1 s or 1 MB.

A fragment never spans two groups of pictures, so a clip begins at the fragment with a key frame
before its start, and recording is nothing but the topic's retention.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from producers.sampler import round_ms
from producers.sources.source import Packet, StreamFacts
from schemas.records import Video, VideoPacket

MOST_MS = 1000
MOST_BYTES = 1_000_000
MOST_PACKET_BYTES = 10_000_000
"""A larger packet fits into no record; its group is left out from there on."""
_MOST_WAITING = 600
"""Packets kept until the first picture says when the epoch began: some seconds of video."""


@dataclass(frozen=True, slots=True)
class _Epoch:
    epoch_at: int
    first_pts: int
    """Of the epoch's first picture, in the stream's units."""


class Fragmenter:
    """Collects the packets of one epoch into fragments.

    Args:
        site, name: whose video this is.
        facts: how the packets are decoded.
    """

    def __init__(self, site: str, name: str, facts: StreamFacts) -> None:
        self._site = site
        self._name = name
        self._facts = facts
        self._epoch: _Epoch | None = None
        self._waiting: list[Packet] = []
        self._open: list[VideoPacket] = []
        self._gop = -1
        self._part = 0
        self._shift = 0

    def begin(self, epoch_at: int, first_pts_ms: Fraction) -> None:
        """Say when the epoch began: UTC ms and presentation time of its first picture."""
        first_pts = round(first_pts_ms / 1000 / self._facts.time_base)
        self._epoch = _Epoch(epoch_at, first_pts)

    def add(self, packet: Packet, shift_ms: int = 0) -> Iterator[Video]:
        """Take the next packet; yield the fragments that are complete.

        ``shift_ms`` is what the epoch's clock has added to the stream's own times.
        """
        if self._epoch is None:
            # Before the epoch has begun nothing has a time; the decoder runs packets behind.
            self._waiting.append(packet)
            del self._waiting[:-_MOST_WAITING]
            return
        waiting, self._waiting = [*self._waiting, packet], []
        for one in waiting:
            yield from self._take(one, shift_ms)

    def finish(self) -> Iterator[Video]:
        """Yield what is left at the end of the epoch."""
        yield from self._close(None)

    def _take(self, packet: Packet, shift_ms: int) -> Iterator[Video]:
        if packet.key_frame:
            yield from self._close(packet)
            self._gop, self._part = self._gop + 1, 0
            self._shift = round(Fraction(shift_ms, 1000) / self._facts.time_base)
        elif self._gop < 0 or self._part < 0:
            # Without the key frame before them nobody can decode these.
            return
        if len(packet.data) > MOST_PACKET_BYTES:
            yield from self._close(packet)
            self._part = -1
            return
        if self._open and self._is_full(packet):
            yield from self._close(packet)
        self._open.append(self._relative(packet))

    def _is_full(self, packet: Packet) -> bool:
        size = sum(len(one.data) for one in self._open) + len(packet.data)
        end = self._relative(packet).dts + packet.duration
        return size > MOST_BYTES or self._ms(end - self._open[0].dts) > MOST_MS

    def _close(self, following: Packet | None) -> Iterator[Video]:
        if not self._open:
            return
        assert self._epoch is not None, "packets are taken only once the epoch has begun"
        packets, self._open = tuple(self._open), []
        end = packets[-1].dts + packets[-1].duration
        if following is not None and not packets[-1].duration:
            end = max(end, self._relative(following).dts)
        yield Video(
            site=self._site,
            camera=self._name,
            epoch_at=self._epoch.epoch_at,
            captured_at=self._epoch.epoch_at + self._ms(min(one.pts for one in packets)),
            duration_ms=max(0, self._ms(end - packets[0].dts)),
            gop=self._gop,
            part=self._part,
            key_frame=packets[0].key_frame,
            codec=self._facts.codec,
            extradata=self._facts.extradata,
            width=self._facts.width,
            height=self._facts.height,
            time_base_numerator=self._facts.time_base.numerator,
            time_base_denominator=self._facts.time_base.denominator,
            packets=packets,
        )
        self._part += 1

    def _relative(self, packet: Packet) -> VideoPacket:
        assert self._epoch is not None, "packets are taken only once the epoch has begun"
        offset = self._shift - self._epoch.first_pts
        return VideoPacket(
            pts=packet.pts + offset,
            dts=packet.dts + offset,
            duration=packet.duration,
            key_frame=packet.key_frame,
            data=packet.data,
        )

    def _ms(self, units: int) -> int:
        return round_ms(1000 * units * self._facts.time_base)
