from __future__ import annotations

import pytest

from consumers.api.preconditions import insist, is_held, version_tag
from consumers.api.problems import Problem

TAG = version_tag(7)


@pytest.mark.parametrize("header", [TAG, "*", f'"6", {TAG}', f" {TAG} "])
def test_the_version_that_is_there_lets_through(header: str) -> None:
    insist(header, TAG)


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 428), ("", 412), ('"6"', 412), (f"W/{TAG}", 412), ("7", 412), ('"77"', 412)],
)
def test_any_other_does_not(header: str | None, status: int) -> None:
    with pytest.raises(Problem) as refused:
        insist(header, TAG)
    assert refused.value.status == status


def test_what_is_held_is_compared_weakly() -> None:
    assert is_held(f"W/{TAG}", TAG) and is_held("*", TAG) and is_held(f'"1", {TAG}', TAG)
    assert not is_held(None, TAG) and not is_held('"1"', TAG)
