"""Asking several servers as if they were one: each request goes where ``pool`` says, and elsewhere
when it fails there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from schemas.errors import Rejected, Retryable
from streams.inference import pool
from streams.inference.answer import Answer
from streams.inference.client import ModelDied, ModelFailing, ModelMissing, Picture
from streams.inference.figures import CIRCUIT_OPEN, OUTSTANDING
from streams.inference.pool import End, Pick, Pool, PoolConfig, Server

_REVIVE_EVERY_S = 10.0


class ModelResting(Retryable):
    """A model that failed again and again is left alone for a while; it was not asked."""


class OneServer(Protocol):
    """One of them; ``streams.inference.client.TritonClient`` is such a one."""

    def ready(self) -> bool:
        """Tell whether the server answers and is ready."""

    def refresh(self, model: str) -> None:
        """Ask whether a model is served; raises ``ModelMissing`` or ``Retryable``."""

    def largest_batch(self, model: str) -> int:
        """Return how many pictures one request may hold."""

    def look(self, model: str, pictures: Sequence[Picture]) -> list[Answer]:
        """Return the objects of each picture; raises ``Rejected`` or ``Retryable``."""

    def revive(self, model: str) -> None:
        """Start the model's processes anew; raises ``Rejected`` or ``Retryable``."""

    def close(self) -> None:
        """Close the connection."""


class Servers:
    """All servers of the settings; safe for use by many threads.

    Args:
        servers: each by its address.
        now_s: a clock that never goes back, seconds.
        config: when a server is left alone, and for how long.
    """

    def __init__(
        self,
        servers: Mapping[str, OneServer],
        now_s: Callable[[], float],
        config: PoolConfig | None = None,
    ) -> None:
        self._servers = servers
        self._now_s = now_s
        self._config = config or PoolConfig()
        self._lock = threading.Lock()
        self._pool: Pool = {name: Server() for name in servers}
        self._problems: dict[str, str] = {}
        self._revived_s: dict[tuple[str, str], float] = {}
        self._log = structlog.get_logger("servers")

    @property
    def count(self) -> int:
        """How many servers there are."""
        return len(self._servers)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with servers that are left alone, for a person."""
        with self._lock:
            away = [name for name, server in self._pool.items() if server.circuit.is_open]
            return tuple(self._problems[name] for name in away)

    def largest_batch(self, model: str) -> int:
        """Return how many pictures one request may hold at any of the servers with the model."""
        with self._lock:
            there = [name for name, one in self._pool.items() if one.place(model).held]
        return min((self._servers[name].largest_batch(model) for name in there), default=1)

    def picture_s(self, model: str) -> float:
        """Return the seconds that a picture took lately, at the quickest server; 0: not known."""
        with self._lock:
            known = [one.place(model).picture_s for one in self._pool.values()]
        return min((seconds for seconds in known if seconds), default=0.0)

    def look(self, model: str, pictures: Sequence[Picture]) -> list[Answer]:
        """Return the objects of each picture, out of one request to one of the servers.

        Raises:
            Rejected: the model refuses one of the pictures, or is of another stage.
            ModelMissing: all servers answer, and none of them serves the model.
            ModelFailing: it failed at every server that serves it.
            ModelResting: it did before, and is left alone for a moment.
            Retryable: no server answers that may serve it.
        """
        tried: frozenset[str] = frozenset()
        error: Retryable | None = None
        while True:
            picked = self._pick(model, len(pictures), tried)
            if picked is None:
                raise self._nowhere(model, error)
            tried |= {picked.server}
            try:
                return self._at(picked, pictures)
            except ModelMissing as caught:
                error = error or caught
            except Retryable as caught:
                error = caught

    def close(self) -> None:
        """Close the connections."""
        for server in self._servers.values():
            server.close()

    def _at(self, picked: Pick, pictures: Sequence[Picture]) -> list[Answer]:
        server = self._servers[picked.server]
        end: End = "server-failed"
        try:
            if picked.ask:
                server.refresh(picked.model)
                self._holds(picked)
            answers = server.look(picked.model, pictures)
            end = "answered"
            return answers
        except Rejected:
            end = "refused"
            raise
        except ModelMissing as error:
            end = "missing"
            self._problems[picked.server] = str(error)
            raise
        except ModelFailing as error:
            end = "model-failed"
            self._problems[picked.server] = str(error)
            if isinstance(error, ModelDied):
                self._revive(picked)
            raise
        except Retryable as error:
            # Too slow an answer may be the model's fault alone.
            end = "model-failed" if server.ready() else "server-failed"
            self._problems[picked.server] = str(error)
            raise
        finally:
            self._ended(picked, end)

    def _revive(self, picked: Pick) -> None:
        """Have a server start a model's processes again, unless that was just done."""
        with self._lock:
            key, now_s = (picked.server, picked.model), self._now_s()
            if now_s - self._revived_s.get(key, float("-inf")) < _REVIVE_EVERY_S:
                return
            self._revived_s[key] = now_s
        self._log.warning("a model's process died; starting it anew", model=picked.model)
        try:
            self._servers[picked.server].revive(picked.model)
        except (Rejected, Retryable) as error:
            self._log.warning("the model could not be started anew", reason=str(error))

    def _pick(self, model: str, pictures: int, tried: frozenset[str]) -> Pick | None:
        with self._lock:
            self._pool, picked = pool.pick(
                self._pool, model, pictures, tried, self._now_s(), self._config
            )
            self._show()
            return picked

    def _holds(self, picked: Pick) -> None:
        with self._lock:
            self._pool = pool.holds(self._pool, picked, self._now_s())

    def _ended(self, picked: Pick, end: End) -> None:
        with self._lock:
            self._pool = pool.ended(self._pool, picked, end, self._now_s(), self._config)
            self._show()

    def _nowhere(self, model: str, error: Retryable | None) -> Retryable:
        """Return why a model cannot be asked anywhere now."""
        with self._lock:
            missing = pool.is_missing(self._pool, model)
            failing = pool.is_failing(self._pool, model)
            known = "; ".join(self._problems.values())
        if missing and not isinstance(error, ModelMissing):
            return ModelMissing(
                f"{', '.join(self._servers)}: none serves {model}; "
                "add it with `sightline models import`"
            )
        if isinstance(error, ModelMissing) and not missing:
            # A server that does not answer may have it.
            error = None
        if failing and error is None:
            return ModelResting(f"{model} failed again and again: {known}")
        return error or Retryable(f"no server is well that may serve {model}: {known}")

    def _show(self) -> None:
        for name, server in self._pool.items():
            OUTSTANDING.labels(name).set(server.outstanding)
            CIRCUIT_OPEN.labels(name).set(server.circuit.is_open)
