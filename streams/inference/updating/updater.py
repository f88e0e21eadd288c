"""Answering an update: fetched, verified, tried, installed, switched; or refused, and why.

Nothing is switched before everything else has passed, and Triton serves the version before until
the new one answers. Whatever is interrupted may be done again from the start: what the repository
holds already is neither fetched nor installed twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from schemas.errors import Rejected
from schemas.records import ModelUpdate
from schemas.releases import check_update
from streams.inference import repository
from streams.inference.cards import read_card
from streams.inference.client import TritonClient
from streams.inference.updating.comparing import Limits, unsound
from streams.inference.updating.inventory import Inventory
from streams.inference.updating.ledger import Entry, State
from streams.inference.updating.pictures import drawn_picture
from streams.inference.updating.receipts import Running
from streams.inference.updating.trial import Version, try_out
from streams.inference.versions import order_of
from triton_models.kit.card import Card


class Brings(Protocol):
    """Where weights come from; ``streams.inference.updating.source.Source`` is one."""

    def bring(self, update: ModelUpdate) -> Path | None:
        """Return verified weights, or raise ``Retryable`` or ``Rejected``."""


class Updater:
    """One site's models.

    Args:
        folder: Triton's model repository.
        client: Triton.
        source: where weights come from.
        pictures: gives JPEGs to try a version on.
        now_at: the host's clock, UTC ms.
        stopping: tells that the process ends.
    """

    def __init__(
        self,
        folder: Path,
        client: TritonClient,
        source: Brings,
        pictures: Callable[[], list[bytes]],
        now_at: Callable[[], int],
        stopping: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._client = client
        self._source = source
        self._pictures = pictures
        self._now_at = now_at
        self._stopping = stopping
        self._picture = drawn_picture()
        self.inventory = Inventory(folder)

    def answer(self, update: ModelUpdate, last: Entry | None) -> Entry:
        """Do what an update asks for, as far as it can be done.

        Args:
            update: what is wanted.
            last: what became of the model's last update.

        Raises:
            Retryable: something it needs is away or has not come; ask again.
        """
        if update.deleted:
            return self._withdrawn(update, last)
        running = self.inventory.running(update.model)
        same = running.release == update.version
        before = self.inventory.before(update.model) if same else running.version
        watch_until_at = self._now_at() + round(1000 * update.watch_s)
        if same and last is not None and last.state == "applied" and last.release == update.version:
            before, watch_until_at = last.before, last.watch_until_at
        try:
            version = self._take_over(update, running)
        except Rejected as error:
            refused = self._entry(update, last, "refused")
            return replace(refused, reason=error.reason, message=str(error))
        return replace(
            self._entry(update, last, "applied"),
            version=version,
            before=before,
            watch_until_at=watch_until_at if before else 0,
            max_error_rate=update.max_error_rate,
        )

    def roll_back(self, entry: Entry, why: str) -> Entry:
        """Bring the version before back, and return the new answer.

        Raises:
            Retryable: Triton does not answer.
        """
        message = f"version {entry.version} of {entry.model} was taken back: {why}"
        try:
            self._go_back(entry.model, entry.version, entry.before)
        except Rejected as error:
            message = f"version {entry.version} of {entry.model} fails ({why}) and stays: {error}"
        return replace(
            entry,
            state="rolled-back",
            reason="errors",
            message=message,
            decided_at=self._after(entry),
            watch_until_at=0,
        )

    def overruled(self, entry: Entry) -> Entry | None:
        """Return the new answer where another version runs than the one that was applied."""
        running = self.inventory.running(entry.model)
        if entry.state != "applied" or running.release == entry.release:
            return None
        what = f"version {running.version}" if running.version else "nothing"
        return replace(
            entry,
            state="overruled",
            reason="changed-at-site",
            message=f"at the site {what} of {entry.model} was put in the place of version "
            f"{entry.version}; publish the update again to bring it back",
            decided_at=self._after(entry),
            watch_until_at=0,
        )

    def imported(self, model: str, last: Entry | None) -> Entry | None:
        """Return the word on a model that no update speaks of, where it is news."""
        running = self.inventory.running(model)
        if last is not None and (last.state != "imported" or last.release == running.release):
            return None
        return Entry(
            model=model,
            release=running.release,
            sha256=running.sha256,
            published_at=0,
            state="imported",
            message="put in at the site",
            version=running.version,
            decided_at=self._after(last),
        )

    def fault(self, model: str, version: str) -> str | None:
        """Ask Triton about a picture, and return what is wrong with a version's answer.

        Raises:
            Retryable: Triton does not answer.
        """
        try:
            answer = self._client.infer(model, self._picture)
        except Rejected as error:
            return str(error)
        problems = unsound(answer)
        if answer.model_version != version:
            problems.append(f"version {answer.model_version} answers, not {version}")
        return "; ".join(problems) or None

    def _take_over(self, update: ModelUpdate, running: Running) -> str:
        check_update(update)
        model = update.model
        self._check_kind(read_card(update.card, model), running, model)
        same = running.release == update.version
        version = running.version if same else self._new(update, running)
        if not same or version not in self._client.versions(model):
            repository.load(self._client, self._folder, model, version)
        problem = self.fault(model, version)
        if problem is not None:
            if running.version and running.version != version:
                self._go_back(model, version, running.version)
            raise Rejected(f"version {version} of {model}: {problem}", reason="failed-in-triton")
        return version

    def _new(self, update: ModelUpdate, running: Running) -> str:
        """Put a release into the repository, if it is not there, and return its version."""
        model = update.model
        held = self.inventory.holding(model, update.version)
        candidate = (
            self.inventory.version(model, held)
            if held
            else Version(card=update.card, weights=self._source.bring(update))
        )
        in_force = self.inventory.version(model, running.version) if running.version else None
        limits = Limits(update.max_answer_s, update.max_missing, update.max_score_change)
        try_out(model, candidate, in_force, self._pictures(), limits, self._stopping)
        return held or repository.install(self._folder, model, candidate.weights, update.card)

    def _check_kind(self, card: Card, running: Running, model: str) -> None:
        # Who asks a model knows what it wants to be asked, and frames are under way all the time.
        if not running.version:
            return
        now = read_card(self.inventory.version(model, running.version).card, model)
        if (card.weightless, card.stage) != (now.weightless, now.stage):
            raise Rejected(
                f"{model} is asked otherwise than the update: {now.decoding} for {now.stage}, not "
                f"{card.decoding} for {card.stage}; publish it under a name of its own",
                reason="another-kind",
            )

    def _withdrawn(self, update: ModelUpdate, last: Entry | None) -> Entry:
        entry = self._entry(update, last, "withdrawn")
        running = self.inventory.running(update.model)
        ours = last is not None and last.state == "applied" and last.version == running.version
        if last is None or not ours or not last.before:
            return replace(entry, version=running.version, message="it runs what it ran")
        try:
            self._go_back(update.model, last.version, last.before)
        except Rejected as error:
            return replace(entry, version=last.version, message=f"version {last.version}: {error}")
        return replace(entry, version=last.before, before=last.version)

    def _go_back(self, model: str, version: str, before: str) -> None:
        if order_of(self._folder / model)[-2:] == [before, version]:
            repository.rollback(self._client, self._folder, model)
            return
        if before not in repository.versions(self._folder, model):
            raise Rejected(
                f"version {before or 'before'} of {model} is not kept any more",
                reason="no-version-before",
            )
        repository.load(self._client, self._folder, model, before)

    def _entry(self, update: ModelUpdate, last: Entry | None, state: State) -> Entry:
        return Entry(
            model=update.model,
            release=update.version,
            sha256=update.sha256,
            published_at=update.published_at,
            state=state,
            decided_at=self._after(last),
        )

    def _after(self, last: Entry | None) -> int:
        # The clock may have been set back, and the newer answer must win.
        return max(self._now_at(), last.decided_at + 1 if last else 0)
