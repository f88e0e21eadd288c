"""Configurations of sites as versions, and which of them were published: documents in Mongo.

Mongo needs no transactions for this: a version and a publication are one document each, inserted
once and never changed, whose id is its site and number. Of two who write the next number at the same
moment, the second finds the id taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from pymongo import DESCENDING
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from consumers.documents.answering import answering

Mongo = AsyncDatabase[dict[str, Any]]
Document = Mapping[str, Any]
VERSIONS, PUBLICATIONS = "configurations", "configuration_publications"


class Taken(Exception):
    """Somebody wrote the document of this number a moment ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A configuration as somebody saved it; never changed."""

    site: str
    number: int
    """From 1, without gaps."""
    body: str
    """YAML; empty in lists."""
    sha256: str
    author: str
    note: str
    saved_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A version that was sent to its site."""

    site: str
    number: int
    """Of the publication, from 1, without gaps."""
    version: int
    sha256: str
    author: str
    published_at: datetime


class Configurations:
    """The versions and publications of all sites; who may see them is the caller's to know.

    Every method raises ``Retryable`` where Mongo does not answer.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._versions = mongo[VERSIONS]
        self._publications = mongo[PUBLICATIONS]

    async def head(self, site: str) -> Version | None:
        """Return the newest version, if there is any."""
        return _version(await _newest(self._versions, {"site": site}))

    async def version(self, site: str, number: int) -> Version | None:
        """Return one version."""
        with answering():
            return _version(await self._versions.find_one({"_id": _id(site, number)}))

    async def with_text(self, site: str, sha256: str) -> Version | None:
        """Return the newest version with this text."""
        return _version(await _newest(self._versions, {"site": site, "sha256": sha256}))

    async def versions(self, site: str, below: int | None, most: int) -> list[Document]:
        """Return up to ``most`` versions, newest first, without their texts."""
        return await _page(self._versions, site, below, most)

    async def add(self, version: Version) -> None:
        """Write a version.

        Raises:
            Taken: there is one of this number.
        """
        await _add(self._versions, asdict(version))

    async def published(self, site: str) -> Publication | None:
        """Return the newest publication, if there is any."""
        return _publication(await _newest(self._publications, {"site": site}))

    async def publications(self, site: str, below: int | None, most: int) -> list[Document]:
        """Return up to ``most`` publications, newest first."""
        return await _page(self._publications, site, below, most)

    async def note_published(self, publication: Publication) -> None:
        """Write a publication.

        Raises:
            Taken: there is one of this number.
        """
        await _add(self._publications, asdict(publication))


def now() -> datetime:
    """Return the present time as Mongo keeps it, in milliseconds."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def utc(at: datetime) -> datetime:
    """Return a time out of Mongo, which leaves its zone away."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _id(site: str, number: int) -> str:
    return f"{site}/{number}"


async def _add(collection: AsyncCollection[dict[str, Any]], values: dict[str, Any]) -> None:
    with answering():
        await collection.create_index([("site", 1), ("number", DESCENDING)])
        try:
            await collection.insert_one({"_id": _id(values["site"], values["number"]), **values})
        except DuplicateKeyError as error:
            raise Taken(f"number {values['number']} of {values['site']} is taken") from error


async def _newest(
    collection: AsyncCollection[dict[str, Any]], wanted: Document
) -> dict[str, Any] | None:
    with answering():
        return await collection.find_one(wanted, sort=[("number", DESCENDING)])


async def _page(
    collection: AsyncCollection[dict[str, Any]], site: str, below: int | None, most: int
) -> list[Document]:
    wanted: dict[str, Any] = {"site": site}
    if below is not None:
        wanted["number"] = {"$lt": below}
    with answering():
        found = collection.find(wanted, {"body": False}).sort("number", DESCENDING).limit(most)
        return [_aware(document) async for document in found]


def _aware(document: Document) -> dict[str, Any]:
    return {
        name: utc(value) if isinstance(value, datetime) else value
        for name, value in document.items()
        if name != "_id"
    }


def _version(document: Document | None) -> Version | None:
    return None if document is None else Version(**_aware(document))


def _publication(document: Document | None) -> Publication | None:
    return None if document is None else Publication(**_aware(document))
