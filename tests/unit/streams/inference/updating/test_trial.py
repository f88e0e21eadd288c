"""A new version is tried in a process of its own."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from schemas.errors import Rejected, Retryable
from streams.inference.cards import included_card
from streams.inference.updating.comparing import Limits
from streams.inference.updating.pictures import drawn_picture
from streams.inference.updating.trial import Version, try_out
from tests.unit.streams.inference.updating.networks import CARD, save_network

LIMITS = Limits(max_answer_s=30.0, max_missing=0.0, max_score_change=0.05)
PICTURES = [drawn_picture()]


def version(path: Path, score: float = 0.9, x: float = 16.0) -> Version:
    return Version(card=CARD, weights=save_network(path, score, x))


def go_on() -> bool:
    return False


def test_a_version_within_the_limits_passes(tmp_path: Path) -> None:
    old, new = version(tmp_path / "old.onnx"), version(tmp_path / "new.onnx", 0.88)
    try_out("tiny", new, old, PICTURES, LIMITS, go_on)


def test_a_model_without_weights_passes() -> None:
    foreground = Version(card=included_card("foreground"), weights=None)
    try_out("foreground", foreground, foreground, PICTURES, LIMITS, go_on)


@pytest.mark.parametrize(
    ("score", "x", "says"),
    [(0.5, 16.0, "scores change"), (0.9, 28.0, "missing"), (float("nan"), 16.0, "not taken over")],
    ids=["scores", "places", "nan"],
)
def test_one_that_differs_is_refused(score: float, x: float, says: str, tmp_path: Path) -> None:
    old, new = version(tmp_path / "old.onnx"), version(tmp_path / "new.onnx", score, x)
    with pytest.raises(Rejected, match=says) as refused:
        try_out("tiny", new, old, PICTURES, LIMITS, go_on)
    assert refused.value.reason == "failed-trial"


def test_a_slow_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="an answer takes"):
        new = version(tmp_path / "new.onnx")
        try_out("tiny", new, None, PICTURES, Limits(max_answer_s=1e-9), go_on)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.onnx"
    path.write_bytes(b"not a network")
    with pytest.raises(Rejected, match="not taken over") as refused:
        try_out("tiny", Version(card=CARD, weights=path), None, PICTURES, LIMITS, go_on)
    assert refused.value.reason == "failed-trial"


def test_a_crash_and_a_hang_cost_the_trial_alone(tmp_path: Path) -> None:
    new = version(tmp_path / "new.onnx")
    with pytest.raises(Rejected, match="not answered within 0 s"):
        try_out("tiny", new, None, PICTURES, LIMITS, go_on, longest_s=0)
    with (
        patch("sys.executable", "/bin/false"),
        pytest.raises(Rejected, match="its process ended with 1"),
    ):
        try_out("tiny", new, None, PICTURES, LIMITS, go_on)


def test_it_ends_with_the_service(tmp_path: Path) -> None:
    with pytest.raises(Retryable, match="given up"):
        new = version(tmp_path / "new.onnx")
        try_out("tiny", new, None, PICTURES, LIMITS, lambda: True)
