"""Watching versions that have just taken over: what detect says of them, and a question now and then."""

from __future__ import annotations

from collections.abc import Callable

from infra.runtime.kafka import RecordConsumer
from schemas.codec import decode_as
from schemas.errors import Rejected
from schemas.records import Detections, Look
from streams.inference.updating.ledger import Entry
from streams.inference.updating.watching import Watch, hear, judged

SOURCE = "detections"
GROUP = "sightline.models.watch"
ASK_EVERY_S = 5.0

Fault = Callable[[str, str], str | None]
"""Asks a model about a picture: what is wrong with a version's answer; raises ``Retryable``."""


class Watcher:
    """Reads ``detections`` while any version is watched, and not otherwise.

    Args:
        bootstrap: the site's Kafka.
        fault: asks Triton.
        now_s: a clock that never goes back, seconds.
        now_at: the host's clock, UTC ms.
    """

    def __init__(
        self,
        bootstrap: str,
        fault: Fault,
        now_s: Callable[[], float],
        now_at: Callable[[], int],
    ) -> None:
        self._bootstrap = bootstrap
        self._fault = fault
        self._now_s = now_s
        self._now_at = now_at
        self._watches: dict[str, Watch] = {}
        self._asked_s: dict[str, float] = {}
        self._consumer: RecordConsumer | None = None

    def follow(self, entry: Entry) -> None:
        """Watch the version that an entry names from now on, or no version of its model."""
        self._watches.pop(entry.model, None)
        self._asked_s.pop(entry.model, None)
        if entry.state == "applied" and entry.watch_until_at > self._now_at():
            self._watches[entry.model] = Watch(
                entry.model, entry.version, entry.watch_until_at, entry.max_error_rate
            )

    def turn(self) -> dict[str, str]:
        """Listen, and return what speaks against versions that fail, by model.

        A version that fails is named until :meth:`follow` tells what became of it.

        Raises:
            Retryable: Triton or Kafka does not answer.
            Fatal: the Kafka client gave up.
        """
        if not self._watches:
            self.close()
            return {}
        for look in self._looks():
            if look.model in self._watches:
                self._watches[look.model] = hear(self._watches[look.model], look)
        bad = {}
        for model, watch in list(self._watches.items()):
            self._ask(watch)
            watch = self._watches[model]
            state = judged(watch, self._now_at())
            if state == "bad":
                bad[model] = f"{watch.failed} of {watch.failed + watch.answered} frames failed"
            if state == "good":
                del self._watches[model]
        return bad

    def close(self) -> None:
        """Stop listening."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _ask(self, watch: Watch) -> None:
        """Ask a question of our own, for models that no camera uses at the moment."""
        if self._now_s() - self._asked_s.get(watch.model, float("-inf")) < ASK_EVERY_S:
            return
        self._asked_s[watch.model] = self._now_s()
        problem = self._fault(watch.model, watch.version)
        own = Look(
            model=watch.model,
            model_version=watch.version,
            outcome="failed" if problem else "ok",
            reason="model-failed" if problem else None,
            objects=0,
        )
        self._watches[watch.model] = hear(watch, own)

    def _looks(self) -> list[Look]:
        if self._consumer is None:
            self._consumer = RecordConsumer(self._bootstrap, GROUP, [SOURCE], from_latest=True)
        found: list[Look] = []
        for message in self._consumer.read(limit=200, timeout_s=0.1):
            try:
                record = decode_as(Detections, message.value)
            except Rejected:
                # The next stage puts it into the dead letters.
                continue
            found += [look for reading in record.readings for look in reading.looks]
        return found
