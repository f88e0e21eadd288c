"""The log files of the parts: one each, bounded, and what their last lines mean."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path

LIMIT_BYTES = 32 * 1024 * 1024
_TAIL_BYTES = 16 * 1024
_MEANINGS = (
    (
        r"No space left on device",
        "the disk is full; free some space under the data directory and start again",
    ),
    (
        r"(?i)address already in use|failed to bind|Failed to start Socket",
        "one of its ports was taken by another process meanwhile; start again to get other ports",
    ),
    (
        r"Cannot allocate memory|OutOfMemoryError|Could not reserve enough space",
        "there is not enough memory on this machine; the whole stack needs about 2.5 GiB",
    ),
    (
        r"(libpython3\.11\S*): cannot open shared object",
        (
            "libpython3.11.so.1.0 is missing; install Debian's package libpython3.11 "
            "or use a shared Python build"
        ),
    ),
)


def silent() -> logging.Logger:
    """Return a logger for clients that would report each connection refused during a start."""
    logger = logging.getLogger("sightline.silent")
    logger.setLevel(logging.CRITICAL + 1)
    return logger


def tail(log: Path, size: int = _TAIL_BYTES) -> str:
    """Return the last ``size`` bytes of a log as text, '' when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def explain(text: str) -> str | None:
    """Turn a well-known complaint at the end of a log into one line for a person.

    >>> explain("java.io.IOException: No space left on device")
    'the disk is full; free some space under the data directory and start again'
    """
    return next((meaning for pattern, meaning in _MEANINGS if re.search(pattern, text)), None)


def rotate(log: Path, limit: int = LIMIT_BYTES) -> None:
    """Move a log that has outgrown ``limit`` bytes to ``NAME.1``.

    The part holds the file open in append mode, so it is copied and truncated.
    """
    try:
        if log.stat().st_size > limit:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            with log.open("r+b") as file:
                file.truncate(0)
    except FileNotFoundError:
        return
