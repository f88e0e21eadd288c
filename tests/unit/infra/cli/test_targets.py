"""Which sites a command is for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.cli.targets import chosen, seconds_of
from schemas.errors import Rejected


@pytest.fixture
def groups(tmp_path: Path) -> Path:
    path = tmp_path / "groups.yaml"
    path.write_text("north: [yard, depot-7]\nempty: []\nodd: [1]\n", encoding="utf-8")
    return path


def test_sites_come_in_the_order_in_which_they_are_named(groups: Path) -> None:
    assert chosen(["mill"], "north", groups, False, ()) == ["mill", "yard", "depot-7"]
    assert chosen(None, None, None, True, {"yard", "depot-7"}) == ["depot-7", "yard"]
    assert chosen(["yard"], None, None, True, {"depot-7"}) == ["yard", "depot-7"]


@pytest.mark.parametrize(
    ("sites", "group", "file", "says"),
    [
        (None, None, False, "--site, --group or --all"),
        (["Depot"], None, False, "is no site"),
        (["global"], None, False, "is no site"),
        (None, "north", False, "--groups"),
        (None, "south", True, "it has north, empty, odd"),
        (None, "odd", True, "no list of sites"),
        (None, "empty", True, "to which sites"),
    ],
    ids=str,
)
def test_what_names_no_sites_is_refused(
    sites: list[str] | None, group: str | None, file: bool, says: str, groups: Path
) -> None:
    with pytest.raises(Rejected, match=says):
        chosen(sites, group, groups if file else None, False, ())


def test_all_without_any_receipt_is_refused() -> None:
    with pytest.raises(Rejected, match="no site has left a receipt"):
        chosen(None, None, None, True, ())


def test_a_file_of_groups_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for text in (None, "north: [", "just words"):
        path = tmp_path / "groups.yaml"
        if text is not None:
            path.write_text(text, encoding="utf-8")
        with pytest.raises(Rejected, match=r"groups\.yaml"):
            chosen(None, "north", path, False, ())


@given(st.integers(0, 10_000), st.sampled_from([("", 1), ("s", 1), ("m", 60), ("h", 3600)]))
def test_durations(number: int, unit: tuple[str, int]) -> None:
    assert seconds_of(f"{number}{unit[0]}") == number * unit[1]


@pytest.mark.parametrize("text", ["", "m", "5d", "-1", "1:30"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="30s, 5m, 1h"):
        seconds_of(text)
