"""Releases of models to an organisation's sites, through ``down.global.models``.

That topic is read by every site of every organisation. So a wish names its sites, each of which is
the organisation's own; it names no author (the audit trail does); and weights are published only by
an organisation that has uploaded them itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from psycopg import sql
from pymongo.asynchronous.database import AsyncDatabase

from consumers.access.audit import note
from consumers.access.principal import Principal, Scope
from consumers.api.context import Context
from consumers.api.problems import Problem, not_found
from consumers.documents.answering import answering
from consumers.store.database import Connection
from infra.runtime.models_topic import ModelsTopic
from schemas.errors import Rejected, Retryable
from schemas.records import ModelUpdate
from schemas.releases import check_update, chunk_count, release_of
from schemas.site.loading import load
from triton_models.kit.card import BadCard
from triton_models.kit.reading import card_from

WEIGHTS = "model_weights"
T = TypeVar("T")


class SharedTopic:
    """The topic of models, read once by the process and followed from then on."""

    def __init__(self, bootstrap: str) -> None:
        """Read nothing yet."""
        self._bootstrap = bootstrap
        self._topic: ModelsTopic | None = None
        self._one_at_a_time = asyncio.Lock()

    async def ask(self, do: Callable[[ModelsTopic], T]) -> T:
        """Return what ``do`` makes of the topic as it stands now.

        Raises:
            Retryable: Kafka does not answer.
        """
        async with self._one_at_a_time:
            try:
                return await asyncio.to_thread(self._ask, do)
            except Retryable:
                await asyncio.to_thread(self._forget)
                raise

    async def close(self) -> None:
        """Stop reading."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._forget)

    def _ask(self, do: Callable[[ModelsTopic], T]) -> T:
        if self._topic is None:
            self._topic = ModelsTopic(self._bootstrap)
        else:
            self._topic.refresh()
        return do(self._topic)

    def _forget(self) -> None:
        if self._topic is not None:
            self._topic.close()
            self._topic = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What an organisation wants its sites to run."""

    model: str
    card: str
    sha256: str
    """Of the weights; empty: none."""
    sites: tuple[str, ...]
    max_answer_s: float
    max_missing: float | None
    max_score_change: float | None
    watch_s: float
    max_error_rate: float


async def sites_of(connection: Connection, scope: Scope) -> set[str]:
    """Return the organisation's sites that somebody may see as a whole."""
    query = sql.SQL("SELECT site FROM sites WHERE {}").format(scope.condition(camera=None))
    return {row["site"] async for row in await connection.execute(query)}


async def note_weights(
    mongo: AsyncDatabase[dict[str, Any]], principal: Principal, sha256: str, size: int
) -> None:
    """Remember that the organisation has uploaded these weights."""
    key = f"{principal.organisation_id}/{sha256}"
    values = {"size": size, "author": principal.name}
    with answering():
        await mongo[WEIGHTS].replace_one({"_id": key}, values, upsert=True)


async def publish_release(
    connection: Connection,
    parts: Context,
    topic: SharedTopic,
    principal: Principal,
    wanted: Release,
) -> list[ModelUpdate]:
    """Write a wish for each of the sites and return them.

    Raises:
        Problem: a site is not theirs (404), the card or the weights do not fit (422), or the
            weights must be uploaded again (409).
        Retryable: Kafka or Mongo does not answer.
    """
    await _insist_on(connection, principal, wanted.sites)
    update = await _update(parts, principal, wanted)
    await _lock(connection)
    details = {"release": update.version, "sites": sorted(wanted.sites)}
    await note(connection, principal, "model.publish", wanted.model, details)

    def send(topic: ModelsTopic) -> list[ModelUpdate]:
        if not topic.holds(update.sha256, update.chunks):
            raise Problem(
                409,
                "weights-gone",
                "Upload the weights again",
                "they were uploaded, but nothing named them for an hour: PUT them again",
            )
        sent = topic.send(update, wanted.sites)
        topic.tidy()
        return [sent[site] for site in wanted.sites]

    return await topic.ask(send)


async def withdraw_release(
    connection: Connection,
    topic: SharedTopic,
    principal: Principal,
    model: str,
    sites: Collection[str],
) -> list[ModelUpdate]:
    """Take the wishes for these sites back and return what they were.

    Raises:
        Problem: a site is not theirs, or nothing was published for it (404).
        Retryable: Kafka does not answer.
    """
    await _insist_on(connection, principal, sites)
    await _lock(connection)
    await note(connection, principal, "model.withdraw", model, {"sites": sorted(sites)})

    def withdraw(topic: ModelsTopic) -> list[ModelUpdate]:
        own = topic.own_wishes(model)
        if not set(sites) <= own.keys():
            raise not_found("release of this model for one of these sites")
        for site in sites:
            topic.withdraw(own[site], site)
        topic.tidy()
        return [own[site] for site in sites]

    return await topic.ask(withdraw)


async def _lock(connection: Connection) -> None:
    # A wish must be later than those before it: one writer at a time.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('models', 0))")


async def _insist_on(connection: Connection, principal: Principal, sites: Collection[str]) -> None:
    if not set(sites) <= await sites_of(connection, principal.scope):
        raise not_found("site")


async def _update(parts: Context, principal: Principal, wanted: Release) -> ModelUpdate:
    _check_card(wanted)
    size = 0
    if wanted.sha256:
        key = f"{principal.organisation_id}/{wanted.sha256}"
        with answering():
            uploaded = await parts.mongo[WEIGHTS].find_one({"_id": key})
        if uploaded is None:
            raise Problem(
                422,
                "no-weights",
                "Upload the weights first",
                f"no weights with this SHA-256 were uploaded: PUT /api/v1/models/weights/{wanted.sha256}",
            )
        size = int(uploaded["size"])
    update = ModelUpdate(
        model=wanted.model,
        version=release_of(wanted.card, wanted.sha256),
        sites=(),
        card=wanted.card,
        sha256=wanted.sha256,
        size=size,
        chunks=chunk_count(size) if size else 0,
        max_answer_s=wanted.max_answer_s,
        max_missing=wanted.max_missing,
        max_score_change=wanted.max_score_change,
        watch_s=wanted.watch_s,
        max_error_rate=wanted.max_error_rate,
        published_at=0,
    )
    check_update(update)
    return update


def _check_card(wanted: Release) -> None:
    loaded = load(wanted.card)
    if loaded.faults:
        raise Rejected(f"the card: {loaded.faults[0][1]}", reason="bad-card")
    if not isinstance(loaded.value, dict):
        raise Rejected("the card is no map of keys", reason="bad-card")
    try:
        card = card_from(loaded.value)
    except (BadCard, OverflowError) as error:
        raise Rejected(f"the card: {str(error)[:500]}", reason="bad-card") from error
    if card.name != wanted.model:
        raise Rejected(f"the card is of {card.name}, not {wanted.model}", reason="bad-card")
    if card.sha256 not in ("", wanted.sha256):
        raise Rejected("the card is of other weights: see its sha256", reason="bad-card")
    if card.weightless != (not wanted.sha256):
        needs = "has no weights" if card.weightless else "needs weights"
        raise Rejected(f"a model that decodes {card.decoding} {needs}", reason="bad-card")
