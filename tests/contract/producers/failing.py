"""How a source fails to open."""

from __future__ import annotations

import traceback

import pytest

from producers.sources.source import Source
from schemas.errors import SightlineError


def failure(camera: Source, *secrets: str) -> SightlineError:
    """Return why it cannot be opened; none of the secrets is in what a log would show of it."""
    with pytest.raises(SightlineError) as raised:
        camera.open()
    camera.close()
    told = "".join(traceback.format_exception(raised.value))
    assert not any(secret in told for secret in secrets)
    return raised.value
