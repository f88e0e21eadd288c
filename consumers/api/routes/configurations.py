"""Configurations of sites: saved as versions, checked, compared, published, and what sites say."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.idempotency import REPEATABLE, Answer, Once
from consumers.api.paging import Cursor, Keyset, Limit, Page, page
from consumers.api.preconditions import (
    CHANGED_ELSEWHERE,
    NOT_MODIFIED,
    IfMatch,
    IfNoneMatch,
    insist,
    is_held,
    version_tag,
)
from consumers.api.problems import Problem, not_found
from consumers.api.security import allow
from consumers.api.shapes.configurations import (
    MAX_BODY_BYTES,
    Candidate,
    CheckShown,
    Differences,
    DifferenceShown,
    FaultShown,
    NewVersion,
    PublicationListed,
    StateShown,
    VersionListed,
    VersionShown,
    VersionToPublish,
)
from consumers.api.texts import Slug
from consumers.documents.configurations import Configurations, Taken, Version
from consumers.documents.receipts import Told, receipt_of
from consumers.documents.sites import check_site, insist_on_site
from consumers.documents.standing import standing
from consumers.documents.steering import (
    catch_up,
    checked,
    fault_of,
    insist_on_sound,
    publish,
    save,
)
from consumers.store.database import Connection
from consumers.sync.applying import SITE_DOCUMENT
from schemas.site import differences

PATH = "/api/v1/sites/{site}/configuration"
Reader = Annotated[Principal, allow(Permission.CONFIG_READ)]
Writer = Annotated[Principal, allow(Permission.CONFIG_WRITE)]
Number = Annotated[int, Path(ge=1, lt=2**31)]
Which = Annotated[
    str,
    Query(
        pattern="^(latest|published|running|[1-9][0-9]{0,8})$",
        description="A version's number, or the `latest`, the one `published` last, or the one "
        "that the site is `running`.",
    ),
]
BY_NUMBER = Keyset(("number", int), descending=True)
router = APIRouter(tags=["configurations"])


@router.get(PATH, response_model=VersionShown, responses=NOT_MODIFIED)
async def configuration(
    site: Slug, principal: Reader, parts: Parts, if_none_match: IfNoneMatch = None
) -> Response:
    """Return the newest version; its ETag goes into If-Match of the next change."""
    configurations = Configurations(parts.mongo)
    await _told(parts, principal, site)
    return _shown(await configurations.head(site), if_none_match)


@router.put(
    PATH,
    response_model=VersionListed,
    responses=CHANGED_ELSEWHERE,
    max_body_size=MAX_BODY_BYTES,
)
async def save_configuration(
    site: Slug,
    new: NewVersion,
    principal: Writer,
    parts: Parts,
    response: Response,
    if_match: IfMatch = None,
) -> VersionListed:
    """Save a text as the next version; nothing is sent to the site yet.

    If-Match names the version that was changed, `"0"` before the first. A text with faults is
    refused with all of them, and one that is the newest version already makes no new one.
    """
    configurations = Configurations(parts.mongo)
    async with parts.database.tenant(principal.organisation_id) as connection:
        await insist_on_site(connection, principal, site)
        version = None
        while version is None:
            head = await configurations.head(site)
            insist(if_match, version_tag(head.number if head else 0))
            # Whoever was slower looks again, and meets 412 unless any version would do.
            with suppress(Taken):
                version = await save(configurations, head, principal, site, new.text, new.note)
        details = {"version": version.number, "sha256": version.sha256}
        await note(connection, principal, "configuration.save", site, details)
    response.headers["ETag"] = version_tag(version.number)
    return VersionListed(**asdict(version))


@router.post(f"{PATH}/check", response_model=CheckShown, max_body_size=MAX_BODY_BYTES)
async def check_configuration(
    site: Slug, candidate: Candidate, principal: Reader, parts: Parts
) -> CheckShown:
    """Tell every fault of a text at once; nothing is saved."""
    await check_site(parts.database, principal, site)
    config, faults = await checked(site, candidate.text)
    shown = [FaultShown.model_validate(fault_of(fault)) for fault in faults]
    return CheckShown(ok=config is not None, faults=shown)


@router.get(f"{PATH}/versions")
async def configuration_versions(
    site: Slug,
    principal: Reader,
    parts: Parts,
    request: Request,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[VersionListed]:
    """Return the versions, newest first, without their texts."""
    await check_site(parts.database, principal, site)
    below = _below(cursor)
    rows = await Configurations(parts.mongo).versions(site, below, limit + 1)
    return page(request, rows, limit, BY_NUMBER, lambda row: VersionListed(**row))


@router.get(f"{PATH}/versions/{{number}}", response_model=VersionShown, responses=NOT_MODIFIED)
async def configuration_version(
    site: Slug,
    number: Number,
    principal: Reader,
    parts: Parts,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Return one version, which never changes."""
    await check_site(parts.database, principal, site)
    return _shown(await Configurations(parts.mongo).version(site, number), if_none_match)


@router.get(f"{PATH}/differences")
async def configuration_differences(
    site: Slug,
    principal: Reader,
    parts: Parts,
    before: Which = "running",
    after: Which = "latest",
) -> Differences:
    """Return what one version means otherwise than another."""
    told = await _told(parts, principal, site)
    configurations = Configurations(parts.mongo)
    first = await _which(configurations, site, before, told)
    second = await _which(configurations, site, after, told)
    old = await insist_on_sound(site, first.body)
    new = await insist_on_sound(site, second.body)
    found = await asyncio.to_thread(differences, old, new)
    shown = [DifferenceShown(**{**asdict(one), "path": list(one.path)}) for one in found]
    return Differences(before=first.number, after=second.number, differences=shown)


@router.get(f"{PATH}/state")
async def configuration_state(site: Slug, principal: Reader, parts: Parts) -> StateShown:
    """Return the newest version, the one that was published, and what the site really runs."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        await insist_on_site(connection, principal, site)
        await catch_up(connection, parts, site, await receipt_of(connection, site, SITE_DOCUMENT))
        return await standing(connection, Configurations(parts.mongo), site)


@router.get(f"{PATH}/publications")
async def configuration_publications(
    site: Slug,
    principal: Reader,
    parts: Parts,
    request: Request,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[PublicationListed]:
    """Return what was sent to the site, newest first."""
    await check_site(parts.database, principal, site)
    rows = await Configurations(parts.mongo).publications(site, _below(cursor), limit + 1)
    return page(request, rows, limit, BY_NUMBER, lambda row: PublicationListed(**row))


@router.post(
    f"{PATH}/publications", response_model=StateShown, status_code=202, responses=REPEATABLE
)
async def publish_configuration(
    site: Slug, wanted: VersionToPublish, principal: Writer, parts: Parts, once: Once
) -> Response:
    """Send a version to the site; an older one rolls back.

    The answer comes once Kafka has it. The site applies it whole or refuses it with every fault:
    see `published.state`. Sent again, it changes nothing at a site that runs it.
    """

    async def work(connection: Connection) -> Answer:
        await insist_on_site(connection, principal, site)
        await publish(connection, parts, principal, site, wanted.version)
        state = await standing(connection, Configurations(parts.mongo), site)
        return Answer(state, status=202)

    return await once(principal, work)


async def _told(parts: Parts, principal: Principal, site: str) -> Told | None:
    """Insist on the site, and return what it says of its configuration, taken in if it is new."""
    async with parts.database.tenant(principal.organisation_id) as connection:
        await insist_on_site(connection, principal, site)
        told = await receipt_of(connection, site, SITE_DOCUMENT)
        await catch_up(connection, parts, site, told)
        return told


async def _which(
    configurations: Configurations, site: str, which: str, told: Told | None
) -> Version:
    found: Version | None
    if which == "latest":
        found = await configurations.head(site)
    elif which == "published":
        last = await configurations.published(site)
        found = await configurations.version(site, last.version) if last else None
    elif which == "running":
        runs = told.runs if told else None
        found = await configurations.with_text(site, runs) if runs else None
        if found is None:
            raise Problem(
                404,
                "running-unknown",
                "Not known here",
                "the site has not said what it runs, or runs a text that was never saved here: "
                "name a version",
            )
    else:
        found = await configurations.version(site, int(which))
    if found is None:
        raise not_found("version of this configuration")
    return found


def _shown(version: Version | None, if_none_match: str | None) -> Response:
    if version is None:
        raise not_found("version of this configuration")
    tag = version_tag(version.number)
    if is_held(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag})
    shown = VersionShown(**{**asdict(version), "text": version.body})
    return Response(shown.model_dump_json(), media_type="application/json", headers={"ETag": tag})


def _below(cursor: str | None) -> int | None:
    values = BY_NUMBER.place(cursor).values
    return int(str(values["after_0"])) if values else None
