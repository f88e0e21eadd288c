"""A release on its way through the waves: on only while every site has it, else back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from schemas.records import ModelUpdate
from streams.inference.updating.receipts import Told
from streams.inference.updating.waves import Standing, returned, standing


class Wishes(Protocol):
    """Where wishes are written; ``infra.runtime.models_topic.ModelsTopic`` is one."""

    def wish_of(self, site: str, model: str) -> ModelUpdate | None:
        """Return what a site wants now."""

    def send(self, update: ModelUpdate, sites: Sequence[str | None]) -> dict[str, ModelUpdate]:
        """Write a wish for each of these sites; None: for all."""


class Answers(Protocol):
    """Where receipts come from; ``streams.inference.updating.answers.Receipts`` is one."""

    def read(self) -> None:
        """Take in what has come, waiting a moment for it."""

    def of(self, model: str) -> Mapping[str, Told]:
        """Return the last receipt of a model by site."""


@dataclass
class Rollout:
    """One release and the sites that it went to so far.

    ``say`` tells a person; seconds are those of ``now_s``, a clock that never goes back.
    """

    update: ModelUpdate
    wishes: Wishes
    answers: Answers
    say: Callable[[str], object]
    wait_s: float = 600.0
    """For the receipts of one wave."""
    pause_s: float = 0.0
    """Between waves; a site that rolls back meanwhile ends the rollout."""
    now_s: Callable[[], float] = time.monotonic
    sent: dict[str, ModelUpdate] = field(default_factory=dict)
    before: dict[str, ModelUpdate | None] = field(default_factory=dict)

    def run(self, waves: Sequence[Sequence[str]], *, for_all: bool = False) -> bool:
        """Send the release wave by wave; False where one failed, and nothing went further.

        ``for_all``: once every wave has it, it is the wish for all sites, later ones included.

        Raises:
            Retryable: Kafka does not answer.
        """
        model = self.update.model
        for number, wave in enumerate(waves, 1):
            self.before |= {site: self.wishes.wish_of(site, model) for site in wave}
            self.sent |= self.wishes.send(self.update, wave)
            self.say(f"wave {number} of {len(waves)}: {_named(wave)}")
            found = self._await()
            if not found.failed and not found.missing and number < len(waves):
                found = self._hold()
            if found.failed or found.missing:
                for site, why in sorted({**found.failed, **found.missing}.items()):
                    self.say(f"{site}: {why}")
                return False
            self.say(f"{model} {self.update.version} runs at {_named(found.applied)}")
        if for_all:
            self.wishes.send(self.update, [None])
        return True

    def put_back(self) -> bool:
        """Give every site the wish that it had before; False where one has not taken it in time.

        Raises:
            Retryable: Kafka does not answer.
        """
        model = self.update.model
        had = standing(self.sent, self.answers.of(model)).applied
        back: dict[str, ModelUpdate] = {}
        for site in self.sent:
            earlier = self.before[site] or replace(self.update, deleted=True)
            back |= self.wishes.send(earlier, [site])
        self.say(f"put back at {_named(tuple(self.sent))}")
        waited = {site: back[site] for site in had}
        deadline_s = self.now_s() + self.wait_s
        while missing := returned(waited, self.answers.of(model)):
            if self.now_s() >= deadline_s:
                for site, why in sorted(missing.items()):
                    self.say(f"{site}: {why}")
                return False
            self.answers.read()
        return True

    def _await(self) -> Standing:
        deadline_s = self.now_s() + self.wait_s
        while True:
            found = self._standing()
            if found.failed or not found.missing or self.now_s() >= deadline_s:
                return found
            self.answers.read()

    def _hold(self) -> Standing:
        until_s = self.now_s() + self.pause_s
        while True:
            found = self._standing()
            if found.failed or self.now_s() >= until_s:
                return found
            self.answers.read()

    def _standing(self) -> Standing:
        return standing(self.sent, self.answers.of(self.update.model))


def _named(sites: Sequence[str], most: int = 5) -> str:
    more = f" and {len(sites) - most} more" if len(sites) > most else ""
    return ", ".join(sites[:most]) + more
