"""Every error that Sightline raises on purpose.

    SightlineError
    ├── Retryable      the same call may succeed later: try again, with back-off
    │   └── Backpressure   the other side asked us to wait ``retry_after_s``
    ├── Rejected       the input is bad: dead-letter it, count it, go on
    └── Fatal          this process cannot go on: exit non-zero with one line for a person

A message says what happened, where, and what to do next.
"""

from __future__ import annotations


class SightlineError(Exception):
    """The root of all errors raised on purpose."""


class Retryable(SightlineError):
    """A passing fault (a broker away, a server restarting): try again, with back-off."""


class Backpressure(Retryable):
    """The receiver is full; try again after ``retry_after_s`` seconds."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Rejected(SightlineError):
    """One bad input, refused with its reason; everything else goes on.

    ``reason`` is a short machine word (``unknown-schema``, ``truncated``) that metrics and
    dead-letter headers carry; the message is for a person.
    """

    def __init__(self, message: str, *, reason: str = "invalid") -> None:
        super().__init__(message)
        self.reason = reason


class Fatal(SightlineError):
    """The process must end; the message is one line that says what to do."""
