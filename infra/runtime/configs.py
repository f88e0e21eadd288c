"""The site's configurations by version, followed from the ``config`` topic in the background.

Every frame and beat carries the version it was captured under, so each process needs not the
latest configuration but the one that a record names.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from infra.runtime.following import TopicFollower
from infra.runtime.kafka import Message
from schemas.codec import decode_as
from schemas.errors import Fatal, Rejected, Retryable
from schemas.records import AppliedConfig
from schemas.site import SiteConfig, parse

CONFIG_TOPIC = "config"
KEPT_VERSIONS = 100
DEFAULT_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class VersionedConfig:
    """A configuration in force, as the agent wrote it and as it reads."""

    applied: AppliedConfig
    site: SiteConfig

    @property
    def version(self) -> int:
        """The number that frames carry, from 1."""
        return self.applied.config_version


class ConfigStore:
    """A thread that follows ``config`` from its beginning; safe for use by many threads."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._changed = threading.Condition()
        self._applied: dict[int, AppliedConfig] = {}
        self._parsed: dict[int, SiteConfig] = {}
        self._caught_up = False
        self._failure: str | None = None
        self._stopping = threading.Event()
        self._log = structlog.get_logger("configs")
        self._thread = threading.Thread(target=self._follow, name="configs", daemon=True)
        self._thread.start()

    def get(self, version: int, wait_s: float = DEFAULT_WAIT_S) -> SiteConfig:
        """Return the configuration of a version, waiting until it has come.

        Raises:
            Retryable: it has not come within ``wait_s`` seconds.
            Rejected: the version is older than those kept, or its text cannot be read.
            Fatal: the topic is not there.
        """
        self._wait(lambda: version in self._applied or self._expired(version), wait_s)
        with self._changed:
            applied = self._applied.get(version)
            if applied is None and self._expired(version):
                raise Rejected(
                    f"configuration {version} is older than the {len(self._applied)} kept",
                    reason="config-expired",
                )
        if applied is None:
            raise Retryable(
                f"configuration {version} has not come within {wait_s:g} s: "
                f"is the edge agent running, and Kafka at {self._bootstrap}?"
            )
        return self._parse(applied)

    def latest(self, wait_s: float = DEFAULT_WAIT_S) -> VersionedConfig:
        """Return the configuration in force, waiting for the first one.

        Raises:
            Retryable: there is none, or Kafka has not answered, within ``wait_s`` seconds.
            Rejected: its text cannot be read.
            Fatal: the topic is not there.
        """
        self._wait(lambda: self._caught_up and bool(self._applied), wait_s)
        with self._changed:
            if not self._caught_up or not self._applied:
                raise Retryable(
                    f"the site has no configuration after {wait_s:g} s: publish one with "
                    "`sightline config apply FILE`"
                )
            applied = self._applied[max(self._applied)]
        return VersionedConfig(applied, self._parse(applied))

    def versions(self) -> tuple[int, ...]:
        """Return the versions kept, oldest first."""
        with self._changed:
            return tuple(sorted(self._applied))

    def close(self) -> None:
        """Stop following."""
        self._stopping.set()
        self._thread.join()

    def _expired(self, version: int) -> bool:
        return self._caught_up and bool(self._applied) and version < min(self._applied)

    def _wait(self, ready: Callable[[], bool], wait_s: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or ready(), wait_s)
            if self._failure is not None:
                raise Fatal(self._failure)

    def _parse(self, applied: AppliedConfig) -> SiteConfig:
        version = applied.config_version
        with self._changed:
            known = self._parsed.get(version)
        if known is None:
            known = parse(applied.body).armed_in(applied.modes)
            with self._changed:
                if version in self._applied:
                    self._parsed[version] = known
        return known

    def _follow(self) -> None:
        try:
            follower = self._connect()
            if follower is None:
                return
            try:
                while not self._stopping.is_set():
                    for message in follower.read(timeout_s=0.2):
                        self._take(message)
                    if follower.caught_up and not self._caught_up:
                        with self._changed:
                            self._caught_up = True
                            self._changed.notify_all()
            finally:
                follower.close()
        except Fatal as error:
            with self._changed:
                self._failure = str(error)
                self._changed.notify_all()

    def _connect(self) -> TopicFollower | None:
        while not self._stopping.wait(0.0):
            try:
                return TopicFollower(self._bootstrap, CONFIG_TOPIC, "configs", queued_kib=4096)
            except Retryable as error:
                self._log.warning("waits for Kafka", error=str(error))
        return None

    def _take(self, message: Message) -> None:
        if message.value is None:
            with self._changed:
                if message.key is not None and message.key.isdecimal():
                    self._forget(int(message.key))
            return
        try:
            applied = decode_as(AppliedConfig, message.value)
        except Rejected as error:
            self._log.error("a record of config cannot be read", reason=error.reason)
            return
        with self._changed:
            self._applied[applied.config_version] = applied
            for version in sorted(self._applied)[:-KEPT_VERSIONS]:
                self._forget(version)
            self._changed.notify_all()

    def _forget(self, version: int) -> None:
        self._applied.pop(version, None)
        self._parsed.pop(version, None)
