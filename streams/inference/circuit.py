"""A circuit that opens after failures in a row, so that nobody waits for what does not answer.

Closed, everything passes. Open, nothing does, for a while that doubles each time. Then one request
passes alone: if it succeeds the circuit closes, if not it stays open for longer.
Pure: times are handed in, on a clock that never goes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class CircuitConfig:
    """When a circuit opens, and for how long."""

    failures: int = 3
    """So many in a row open it."""
    open_s: float = 0.5
    longest_open_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Circuit:
    """Of one server, or of one model there."""

    failures: int = 0
    """In a row, since the last success."""
    open_until_s: float | None = None
    """None: it is closed."""
    open_s: float = 0.0
    """How long it was opened for last."""
    probing: bool = False
    """The one request that tries is under way."""

    @property
    def is_open(self) -> bool:
        """Whether requests are kept away, but for the one that tries."""
        return self.open_until_s is not None


CLOSED = Circuit()


def lets_through(circuit: Circuit, now_s: float) -> bool:
    """Tell whether a request may pass now."""
    if circuit.open_until_s is None:
        return True
    return now_s >= circuit.open_until_s and not circuit.probing


def began(circuit: Circuit) -> Circuit:
    """Return the circuit with a request under way that it let through."""
    return replace(circuit, probing=True) if circuit.is_open else circuit


def failed(circuit: Circuit, now_s: float, config: CircuitConfig, *, probe: bool) -> Circuit:
    """Return the circuit after a failure.

    Args:
        circuit: before.
        now_s: when it failed.
        config: limits.
        probe: it was the one request that tries; others that began before the circuit opened and
            fail after it do not prolong it.
    """
    failures = circuit.failures + 1
    if circuit.is_open and not probe:
        return replace(circuit, failures=failures)
    if failures < config.failures:
        return replace(circuit, failures=failures)
    open_s = min(max(config.open_s, 2 * circuit.open_s), config.longest_open_s)
    return Circuit(failures, now_s + open_s, open_s)


def abandoned(circuit: Circuit, *, probe: bool) -> Circuit:
    """Return the circuit after a request that ended without telling anything of it."""
    return replace(circuit, probing=False) if probe else circuit
