"""Positions are compared, joined, and hidden in tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.access.sealing import Sealer
from consumers.realtime.kinds import Kind
from consumers.realtime.positions import (
    MAX_TOKEN_CHARACTERS,
    Positions,
    Tokens,
    complete,
    covers,
    joined,
    passed,
)

SEALER = Sealer("a secret of tests, long enough to seal with")
IDS = {kind: f"id of {kind}" for kind in Kind}
OFFSETS = st.tuples(*[st.integers(0, 2**60)] * 3)
POSITIONS = st.fixed_dictionaries({kind: OFFSETS for kind in Kind})


@given(POSITIONS, st.sets(st.sampled_from(Kind), min_size=1))
def test_a_token_tells_the_position_of_its_kinds(positions: Positions, kinds: set[Kind]) -> None:
    token = Tokens(SEALER, IDS).write(positions, kinds)
    found = Tokens(SEALER, IDS).read(token)
    assert found == {kind: positions[kind] for kind in kinds}


@given(POSITIONS)
def test_twelve_partitions_of_each_kind_fit(positions: Positions) -> None:
    many = {kind: offsets * 4 for kind, offsets in positions.items()}
    assert len(Tokens(SEALER, IDS).write(many, Kind)) <= MAX_TOKEN_CHARACTERS


@pytest.mark.parametrize(
    "token", ["", "nonsense", "ü", SEALER.seal("position:{}"), SEALER.seal("x")]
)
def test_what_is_no_token_is_told(token: str) -> None:
    assert Tokens(SEALER, IDS).read(token) is None


def test_topics_made_anew_and_other_secrets_know_no_old_token() -> None:
    token = Tokens(SEALER, IDS).write({Kind.EVENT: (1, 2)}, [Kind.EVENT])
    assert Tokens(SEALER, {**IDS, Kind.EVENT: "another"}).read(token) is None
    other = Sealer("another secret of tests, also long enough")
    assert Tokens(other, IDS).read(token) is None


@given(POSITIONS, POSITIONS)
def test_the_join_is_the_lowest_that_covers_both(one: Positions, other: Positions) -> None:
    both = joined(one, other)
    assert covers(both, one) and covers(both, other)
    assert both == joined(other, one)
    assert joined(one, one) == one
    if covers(one, other):
        assert both == one


@given(POSITIONS, st.sampled_from(Kind), st.integers(0, 2), st.integers(0, 2**60))
def test_a_position_never_goes_back(
    positions: Positions, kind: Kind, partition: int, offset: int
) -> None:
    after = passed(positions, kind, partition, offset)
    assert covers(after, positions)
    assert after[kind][partition] > offset


def test_kinds_that_a_token_does_not_name_begin_now() -> None:
    now = {Kind.EVENT: (5, 5), Kind.VERDICT: (7, 7)}
    assert complete({Kind.EVENT: (1, 2)}, now) == {Kind.EVENT: (1, 2), Kind.VERDICT: (7, 7)}
    assert complete({Kind.EVENT: (1, 2, 3)}, now) is None
