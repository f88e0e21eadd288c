"""Where the real footage lies; a test that needs it skips, and says so, where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = Path(os.environ.get("SIGHTLINE_FIXTURES", ROOT.parent / "shared" / "fixtures"))


def fixture(relative: str) -> Path:
    """Return the path of a fixture, e.g. ``videos/vtest_480x360_10fps.mp4``, or skip the test."""
    path = FIXTURES / relative
    if not path.exists():
        pytest.skip(f"no fixture {relative}: set SIGHTLINE_FIXTURES to the folder that holds it")
    return path
