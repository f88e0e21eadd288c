"""A site's configuration from its saved version to the site: publish, and see what runs.

The record in ``down.<site>.config`` is what a site obeys. It is written first and noted in Mongo
then, so that a note never tells of something that was not sent; what was sent without a note, also
by ``sightline config apply``, is taken in once the site answers it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from consumers.access.audit import note
from consumers.access.principal import Principal
from consumers.api.context import Context
from consumers.api.problems import Problem, not_found
from consumers.documents.configurations import (
    Configurations,
    Publication,
    Taken,
    Version,
    now,
)
from consumers.documents.receipts import Told
from consumers.store.database import Connection
from consumers.sync.applying import SITE_DOCUMENT
from consumers.sync.publish import config_document, config_topic
from infra.runtime.kafka import read_all
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import ConfigDocument
from schemas.site import Fault, SiteConfig, check, digest

ELSEWHERE = "published past the API"
_LOG = structlog.get_logger("configurations")
_LOCK = "hashtextextended('configuration/' || %s, 0)"


async def checked(site: str, text: str) -> tuple[SiteConfig | None, Sequence[Fault]]:
    """Return the configuration in a text, or every fault in it; it must be for this site."""
    found = await asyncio.to_thread(check, text)
    if found.config is not None and found.config.site != site:
        problem = f"the text is for site {found.config.site}, this is {site}"
        return None, (Fault("site", problem, site),)
    return found.config, found.faults


async def insist_on_sound(site: str, text: str) -> SiteConfig:
    """Return the configuration in a text.

    Raises:
        Problem: 422 with every fault in it.
    """
    config, faults = await checked(site, text)
    if config is None:
        raise Problem(
            422,
            "bad-configuration",
            "The configuration has faults",
            "nothing was saved or sent: mend what errors names",
            errors=[fault_of(fault) for fault in faults],
        )
    return config


def fault_of(fault: Fault) -> dict[str, object]:
    """Return a fault as problems and answers show it."""
    return {
        "where": fault.path,
        "what": fault.problem,
        "allowed": fault.allowed,
        "line": fault.line,
        "column": fault.column,
    }


async def save(
    configurations: Configurations,
    head: Version | None,
    principal: Principal,
    site: str,
    text: str,
    words: str,
) -> Version:
    """Write a text as the version after ``head``; that itself if it has the same text.

    Raises:
        Taken: somebody else wrote the next one a moment ago.
        Problem: 422 with every fault of the text.
    """
    await insist_on_sound(site, text)
    if head is not None and head.sha256 == digest(text):
        return head
    version = Version(
        site=site,
        number=1 if head is None else head.number + 1,
        body=text,
        sha256=digest(text),
        author=principal.name,
        note=words,
        saved_at=now(),
    )
    await configurations.add(version)
    return version


async def publish(
    connection: Connection, parts: Context, principal: Principal, site: str, number: int
) -> Publication:
    """Send a version to its site and return once Kafka has it; again, it is sent again.

    The site takes a text that it runs already as it is, so that a repeat changes nothing.

    Raises:
        Problem: 404 without such a version, 422 if this program finds faults in it by now.
        Retryable: Kafka or Mongo does not answer.
    """
    configurations = Configurations(parts.mongo)
    # The order of records in Kafka is that of the notes: one at a time for each site.
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})", [site])
    version = await configurations.version(site, number)
    if version is None:
        raise not_found("version of this configuration")
    await insist_on_sound(site, version.body)
    last = await configurations.published(site)
    details = {"version": number, "sha256": version.sha256}
    await note(connection, principal, "configuration.publish", site, details)
    record = config_document(site, version.body, author=principal.name)
    await parts.publisher.send(config_topic(site), record, SITE_DOCUMENT)
    if last is not None and last.version == number:
        return last
    publication = _after(last, version, principal.name, now())
    try:
        await configurations.note_published(publication)
    except Taken as error:
        raise Retryable(f"another publication of {site} was noted meanwhile") from error
    return publication


async def catch_up(connection: Connection, parts: Context, site: str, told: Told | None) -> None:
    """Take in as a version and a publication what reached the site past the API."""
    configurations = Configurations(parts.mongo)
    last = await configurations.published(site)
    if told is None or (last is not None and last.sha256 == told.sha256):
        return
    found = await connection.execute(f"SELECT pg_try_advisory_xact_lock({_LOCK}) AS free", [site])
    row = await found.fetchone()
    if row is None or not row["free"]:
        # Somebody publishes at this moment, and the note is still to come.
        return
    try:
        desired = await asyncio.to_thread(_desired, parts.settings.need("cloud_kafka"), site)
    except Retryable as error:
        # What is known already can be shown without Kafka.
        _LOG.warning("what a site should run is not read", site=site, error=str(error))
        return
    last = await configurations.published(site)
    if desired is not None and (last is None or last.sha256 != desired[1].sha256):
        await _take_in(configurations, last, *desired)


async def _take_in(
    configurations: Configurations, last: Publication | None, at: datetime, record: ConfigDocument
) -> None:
    try:
        version = await configurations.with_text(record.site, record.sha256)
        if version is None:
            head = await configurations.head(record.site)
            version = Version(
                site=record.site,
                number=1 if head is None else head.number + 1,
                body=record.body,
                sha256=record.sha256,
                author=record.author,
                note=ELSEWHERE,
                saved_at=at,
            )
            await configurations.add(version)
        publication = _after(last, version, record.author, at)
        await configurations.note_published(publication)
    except Taken:
        # Somebody saves at this moment; the next look takes it in.
        return


def _after(last: Publication | None, version: Version, author: str, at: datetime) -> Publication:
    return Publication(
        site=version.site,
        number=1 if last is None else last.number + 1,
        version=version.number,
        sha256=version.sha256,
        author=author,
        published_at=at,
    )


def _desired(bootstrap: str, site: str) -> tuple[datetime, ConfigDocument] | None:
    """Return what stands last in the topic, and when it came."""
    found = None
    for message in read_all(bootstrap, config_topic(site)):
        if message.key != SITE_DOCUMENT or message.value is None:
            continue
        try:
            record = decode_as(ConfigDocument, message.value)
        except Rejected:
            # The site puts it into its dead letters.
            continue
        if record.site == site and not record.deleted and record.sha256 == digest(record.body):
            found = datetime.fromtimestamp(message.arrived_at / 1000, UTC), record
    return found
