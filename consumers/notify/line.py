"""What is remembered of a target between sendings: its circuit breaker and its rate limit. Pure.

``step(line, input, config)`` answers whether to send now; times are UTC milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

RETRY_FIRST_S, RETRY_LAST_S = 2.0, 600.0
MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Line:
    """The state of one target."""

    failures: int = 0
    """In a row."""
    cuts: int = 0
    """How often in a row the circuit was opened."""
    open_until: int | None = None
    """The circuit is open: nothing is sent before, then one message tries."""
    window_at: int | None = None
    """When the present window of the rate limit began."""
    window_sent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LineConfig:
    """When a circuit opens and for how long, and how much a target takes."""

    failures_to_open: int = 5
    open_first_s: float = 30.0
    open_last_s: float = 600.0
    most: int | None = None
    """Messages in ``within_s``; None: any number."""
    within_s: int = 60


@dataclass(frozen=True, slots=True)
class Asked:
    """May a message be sent now? If so, it counts as sent."""

    at: int


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The target answered: it took the message, or refused just this one."""

    at: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The target did not answer, or said that it is unwell."""

    at: int


@dataclass(frozen=True, slots=True)
class Go:
    """Send it."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The circuit is open."""

    until: int


@dataclass(frozen=True, slots=True)
class Hold:
    """The target has had its fill; what is held back is told in one message then."""

    until: int


Input = Asked | Succeeded | Failed
Answer = Go | Wait | Hold | None


def step(line: Line, given: Input, config: LineConfig) -> tuple[Line, Answer]:
    """Apply one input; only ``Asked`` is answered."""
    match given:
        case Asked(at):
            return _ask(line, at, config)
        case Succeeded():
            return replace(line, failures=0, cuts=0, open_until=None), None
        case Failed(at):
            failures = line.failures + 1
            # After an open circuit a single failure is enough to open it again, for longer.
            if line.cuts == 0 and failures < config.failures_to_open:
                return replace(line, failures=failures), None
            longest_ms, first_ms = config.open_last_s * 1000, config.open_first_s * 1000
            pause_ms = int(min(longest_ms, first_ms * 2.0 ** min(line.cuts, 20)))
            return replace(
                line, failures=failures, cuts=line.cuts + 1, open_until=at + pause_ms
            ), None


def is_open(line: Line) -> bool:
    """Tell whether the circuit is open, or being tried again."""
    return line.open_until is not None


def retry_at(at: int, attempt: int, jitter: float, retry_after_s: float = 0.0) -> int:
    """Return when to try again after the ``attempt``-th try (from 1) failed at ``at``.

    Doubling from 2 s to 10 min, of which ``jitter`` (0..1) moves the second half, so that what
    failed together does not come again together; never before the target's own ``retry_after_s``.

    >>> [retry_at(0, attempt, 1.0) for attempt in (1, 2, 3, 20)]
    [2000, 4000, 8000, 600000]
    """
    longest_s = min(RETRY_LAST_S, RETRY_FIRST_S * 2.0 ** (attempt - 1))
    wait_s = longest_s * (0.5 + 0.5 * jitter)
    return at + int(max(wait_s, min(retry_after_s, 3600.0)) * 1000)


def _ask(line: Line, at: int, config: LineConfig) -> tuple[Line, Answer]:
    if line.open_until is not None and at < line.open_until:
        return line, Wait(line.open_until)
    if config.most is None:
        return line, Go()
    window_ms = config.within_s * 1000
    began_at = line.window_at
    if began_at is None or not began_at <= at < began_at + window_ms:
        return replace(line, window_at=at, window_sent=1), Go()
    if line.window_sent >= config.most:
        return line, Hold(began_at + window_ms)
    return replace(line, window_sent=line.window_sent + 1), Go()
