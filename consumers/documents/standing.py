"""Where a configuration stands between its newest version and the site."""

from __future__ import annotations

from dataclasses import asdict

from consumers.api.shapes.configurations import (
    FaultShown,
    PublicationShown,
    Running,
    StateShown,
)
from consumers.documents.configurations import Configurations, Publication
from consumers.documents.receipts import Told, outcome, receipt_of
from consumers.store.database import Connection
from consumers.sync.applying import SITE_DOCUMENT
from consumers.sync.commanding import ARM, document_of


async def standing(connection: Connection, configurations: Configurations, site: str) -> StateShown:
    """Return the newest version, the one that was published last, and what the site runs."""
    told = await receipt_of(connection, site, SITE_DOCUMENT)
    armed = await receipt_of(connection, site, document_of(ARM))
    head, last = await configurations.head(site), await configurations.published(site)
    runs = await configurations.with_text(site, told.runs) if told and told.runs else None
    return StateShown(
        site=site,
        latest=head.number if head else None,
        draft=head is not None and (last is None or last.sha256 != head.sha256),
        published=_published(last, told) if last else None,
        running=_running(told, armed, runs.number if runs else None) if told else None,
    )


def _published(last: Publication, told: Told | None) -> PublicationShown:
    state = outcome(last.sha256, told)
    refused = told.faults if told is not None and state == "refused" else ()
    faults = [FaultShown.of_receipt(fault) for fault in refused]
    return PublicationShown(**asdict(last), state=state, faults=faults)


def _running(told: Told, armed: Told | None, version: int | None) -> Running:
    # Arming makes a version of its own.
    newest = armed if armed is not None and armed.at > told.at else told
    return Running(
        version=version,
        sha256=told.runs,
        config_version=newest.config_version,
        modes=list(armed.modes) if armed else [],
        said_at=newest.at,
    )
