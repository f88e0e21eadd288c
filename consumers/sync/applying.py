"""Whether a configuration that came down is applied, and the receipt that says so. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from schemas.errors import Rejected
from schemas.records import AppliedConfig, ConfigDocument, Receipt
from schemas.site import Fault, SiteConfig, check, digest

SITE_DOCUMENT = "site"
"""Id of the one document that holds a site's configuration."""
KIND = "config"
RUNS = "runs"
"""In a receipt's details: the SHA-256 of the text in force, also where another was refused."""

Compile = Callable[[SiteConfig], object]
"""Raises ``Rejected`` for what is well formed but cannot be run; the result is not looked at."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What follows from a document: the receipt, and the new configuration if it is applied."""

    receipt: Receipt
    applied: AppliedConfig | None = None


def answer(
    in_force: AppliedConfig | None,
    document: ConfigDocument,
    site: str,
    compile_site: Compile,
    now_at: int,
) -> Answer:
    """Judge a document: applied whole as the next version, or refused with every fault.

    The text that is in force already gets its receipt again and no new version; the modes that the
    site is armed in stay. ``now_at`` is UTC ms; it is the receipt's revision too, so that the latest answer wins.
    """
    faults = _faults(document, site, compile_site)
    version = in_force.config_version if in_force else 0
    runs = in_force.sha256 if in_force else ""
    if faults:
        return Answer(_receipt(document, site, version, runs, faults, now_at))
    if in_force is not None and runs == document.sha256:
        return Answer(_receipt(document, site, version, runs, (), now_at))
    applied = AppliedConfig(
        config_version=version + 1,
        site=site,
        document=document.document,
        body=document.body,
        sha256=document.sha256,
        accepted_at=now_at,
        modes=in_force.modes if in_force else (),
    )
    receipt = _receipt(document, site, version + 1, document.sha256, (), now_at)
    return Answer(receipt, applied)


def _faults(document: ConfigDocument, site: str, compile_site: Compile) -> Sequence[Fault]:
    if document.document != SITE_DOCUMENT:
        return [Fault("", f'"{document.document}" is no document of a site', SITE_DOCUMENT)]
    if document.site != site:
        return [Fault("site", f"the document is for site {document.site}, this is {site}", site)]
    if document.deleted:
        return [Fault("", "a site keeps its last configuration", "publish another in its place")]
    if digest(document.body) != document.sha256:
        return [Fault("", "the text does not have the SHA-256 given with it", "publish it again")]
    checked = check(document.body)
    if checked.config is None:
        return checked.faults
    if checked.config.site != site:
        problem = f"the file is for site {checked.config.site}, this is {site}"
        return [Fault("site", problem, site)]
    try:
        compile_site(checked.config)
    except Rejected as error:
        return [Fault("", str(error))]
    return ()


def _receipt(
    document: ConfigDocument,
    site: str,
    version: int,
    runs: str,
    faults: Sequence[Fault],
    now_at: int,
) -> Receipt:
    return Receipt(
        receipt_id=f"{site}/{document.document}",
        site=site,
        document=document.document,
        kind=KIND,
        status="refused" if faults else "applied",
        config_version=version,
        sha256=document.sha256,
        errors=json.dumps([asdict(fault) for fault in faults]),
        at=now_at,
        revision=now_at,
        details=json.dumps({RUNS: runs}),
    )
