"""Turns end in order, each once, however long each takes; after a failure none does."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Retryable
from streams.inference.pipeline import Pipeline

PATIENCE_S = 10.0


class Work:
    """Turns that are answered when told to, and end at once unless told not to."""

    def __init__(self, most: int = 8) -> None:
        self.answers = [threading.Event() for _ in range(most)]
        self.failing: set[int] = set()
        self.ended: list[list[int]] = []
        self.pipeline = Pipeline[int](self.answer, self.end, most)

    def answer(self, turn: int) -> bool:
        while not self.answers[turn].is_set():
            if not self.pipeline.pause(0.001):
                return False
        return True

    def end(self, turns: Sequence[int]) -> None:
        if self.failing.intersection(turns):
            raise Retryable(f"{turns} cannot be written")
        self.ended.append(list(turns))

    def collected(self, count: int) -> list[int]:
        """Wait for so many turns."""
        found: list[int] = []
        while len(found) < count:
            self.pipeline.wait(PATIENCE_S)
            found += self.pipeline.ended()
        return found


@contextmanager
def working(most: int = 8) -> Iterator[Work]:
    work = Work(most)
    try:
        yield work
    finally:
        work.pipeline.close()


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(8)))
def test_turns_end_in_the_order_in_which_they_began(order: list[int]) -> None:
    with working() as work:
        for turn in range(8):
            work.pipeline.begin(turn)
        for turn in order:
            work.answers[turn].set()
        assert work.collected(8) == list(range(8))
        assert [turn for group in work.ended for turn in group] == list(range(8))


def test_those_that_wait_for_the_first_end_with_it() -> None:
    with working() as work:
        for turn in range(4):
            work.pipeline.begin(turn)
        for turn in (3, 2, 1):
            work.answers[turn].set()
        work.pipeline.wait(0.05)
        assert not work.pipeline.ended() and not work.ended
        work.answers[0].set()
        assert work.collected(4) == [0, 1, 2, 3]
        assert len(work.ended) < 4


def test_no_more_begin_than_there_may_be() -> None:
    with working(2) as work:
        work.pipeline.begin(0)
        assert not work.pipeline.is_full
        work.pipeline.begin(1)
        assert work.pipeline.is_full
        work.answers[0].set()
        assert work.collected(1) == [0]
        assert not work.pipeline.is_full


def test_after_a_failure_nothing_ends_and_all_that_did_not_is_given_back() -> None:
    with working() as work:
        work.failing = {2}
        for turn in range(5):
            work.pipeline.begin(turn)
        for turn in (0, 1):
            work.answers[turn].set()
        assert work.collected(2) == [0, 1]
        for turn in (4, 3, 2):
            work.answers[turn].set()
        with pytest.raises(Retryable):
            work.collected(1)
        assert work.pipeline.abandon() == [2, 3, 4]
        work.failing = set()
        for turn in (2, 3, 4):
            work.pipeline.begin(turn)
        assert work.collected(3) == [2, 3, 4]
        assert [turn for group in work.ended for turn in group] == [0, 1, 2, 3, 4]


def test_what_was_told_to_stop_does_not_end() -> None:
    with working() as work:
        for turn in range(3):
            work.pipeline.begin(turn)
        work.answers[1].set()
        assert work.pipeline.abandon() == [0, 1, 2]
        assert not work.ended and not work.pipeline.ended()


def test_an_error_of_an_answer_comes_out() -> None:
    def answer(turn: int) -> bool:
        raise ZeroDivisionError(turn)

    pipeline = Pipeline[int](answer, lambda turns: None, 2)
    try:
        pipeline.begin(1)
        pipeline.wait(PATIENCE_S)
        with pytest.raises(ZeroDivisionError):
            pipeline.ended()
    finally:
        pipeline.close()
