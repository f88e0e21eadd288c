"""What a site says of a model: what was wanted, what became of it, and what really runs. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from schemas.errors import Rejected
from schemas.records import Receipt
from streams.inference.updating.ledger import Entry

KIND = "model"
TOPIC = "up.receipts"
IMPORTED = "imported"
"""The state of a model that no update speaks of."""
WAITING = "waiting"
"""The state of an update that cannot be answered yet."""


@dataclass(frozen=True, slots=True)
class Running:
    """What Triton serves of a model at this site."""

    version: str = ""
    """Its number in this site's Triton; empty: nothing."""
    release: str = ""
    sha256: str = ""
    """Of its weights."""


@dataclass(frozen=True, slots=True)
class Told:
    """A receipt of a model as the cloud reads it."""

    site: str
    model: str
    state: str
    """One of ``ledger.State``, or ``WAITING``."""
    release: str
    published_at: int
    running: Running
    message: str
    revision: int


def document_of(model: str) -> str:
    """Return the document that a model's receipts are about.

    >>> document_of("yolox")
    'model/yolox'
    """
    return f"model/{model}"


def receipt_of(site: str, entry: Entry, running: Running) -> Receipt:
    """Return the receipt of an answer; the same answer has the same receipt."""
    faults = [{"path": "", "problem": entry.message, "allowed": entry.reason}]
    well = entry.state in ("applied", "withdrawn", IMPORTED)
    return _receipt(site, entry, running, entry.state, "[]" if well else json.dumps(faults))


def waiting_receipt(site: str, entry: Entry, running: Running) -> Receipt:
    """Return the receipt of an update that cannot be answered yet, ``entry.message`` says why."""
    faults = [{"path": "", "problem": entry.message, "allowed": WAITING}]
    return _receipt(site, entry, running, WAITING, json.dumps(faults))


def told_by(receipt: Receipt) -> Told:
    """Read a receipt of a model.

    Raises:
        Rejected: it is of something else, or its details are none.
    """
    try:
        details: dict[str, Any] = json.loads(receipt.details)
        running = details["running"]
        return Told(
            site=receipt.site,
            model=receipt.document.removeprefix(document_of("")),
            state=details["state"],
            release=details["wanted"],
            published_at=int(details["published_at"]),
            running=Running(
                str(receipt.config_version or ""), running["release"], running["sha256"]
            ),
            message=details["message"],
            revision=receipt.revision,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Rejected(
            f"the receipt {receipt.receipt_id} is of no model update", reason="unexpected-record"
        ) from error


def _receipt(site: str, entry: Entry, running: Running, state: str, errors: str) -> Receipt:
    document = document_of(entry.model)
    details = {
        "state": state,
        "reason": entry.reason,
        "message": entry.message,
        "wanted": "" if state == IMPORTED else entry.release,
        "published_at": entry.published_at,
        "running": {"release": running.release, "sha256": running.sha256},
    }
    return Receipt(
        receipt_id=f"{site}/{document}",
        site=site,
        document=document,
        kind=KIND,
        status="applied" if errors == "[]" else "refused",
        config_version=int(running.version or 0),
        sha256=entry.sha256,
        errors=errors,
        at=entry.decided_at,
        revision=entry.decided_at,
        details=json.dumps(details, sort_keys=True),
    )
