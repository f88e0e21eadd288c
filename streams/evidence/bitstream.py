"""H.264 and HEVC as MP4 files hold them, turned into the form that cameras send.

In files each unit follows its length, and the parameter sets stand apart (ISO/IEC 14496-15); from
cameras each follows a start code, parameter sets included (Annex B of ITU-T H.264 and H.265).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas.errors import Rejected

START_CODE = b"\0\0\0\1"
Convert = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class AnnexB:
    """What turns a stream's packets into Annex B."""

    head: bytes
    """The parameter sets; empty where the stream has none of its own."""
    packet: Convert


def annex_b(codec: str, extradata: bytes) -> AnnexB:
    """Return the conversion for a stream with this ``extradata``; none for what needs none.

    Raises:
        Rejected: the parameter sets cannot be read.
    """
    # Their first byte is a version, 1; a start code begins with 0.
    if codec not in ("h264", "hevc") or extradata[:1] != b"\1":
        return AnnexB(extradata, lambda data: data)
    try:
        size, units = (_avc if codec == "h264" else _hevc)(extradata)
    except IndexError:
        raise Rejected(
            f"the parameter sets of a {codec} stream are cut short", reason="damaged"
        ) from None
    head = b"".join(START_CODE + unit for unit in units)
    return AnnexB(head, lambda data: _with_start_codes(data, size))


def _avc(record: bytes) -> tuple[int, list[bytes]]:
    """Read an AVCDecoderConfigurationRecord (5.3.3.1.2)."""
    sequence, at = _units(record, 6, record[5] & 0x1F)
    picture, _ = _units(record, at + 1, record[at])
    return (record[4] & 3) + 1, sequence + picture


def _hevc(record: bytes) -> tuple[int, list[bytes]]:
    """Read an HEVCDecoderConfigurationRecord (8.3.3.1.2)."""
    found: list[bytes] = []
    at = 23
    for _ in range(record[22]):
        count = record[at + 1] << 8 | record[at + 2]
        units, at = _units(record, at + 3, count)
        found += units
    return (record[21] & 3) + 1, found


def _units(record: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """Return so many units, each behind its length in two bytes, and the place behind them."""
    found: list[bytes] = []
    for _ in range(count):
        end = at + 2 + (record[at] << 8 | record[at + 1])
        if end > len(record):
            raise IndexError(end)
        found.append(record[at + 2 : end])
        at = end
    return found, at


def _with_start_codes(data: bytes, size: int) -> bytes:
    """Put a start code in the place of each length; a unit that is cut short ends with the data."""
    parts: list[bytes] = []
    at = 0
    while at + size <= len(data):
        end = at + size + int.from_bytes(data[at : at + size], "big")
        parts += (START_CODE, data[at + size : end])
        at = end
    return b"".join(parts)
