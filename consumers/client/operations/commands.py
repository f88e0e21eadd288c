"""Orders to sites, and their receipts."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from consumers.api.shapes.commands import OrderShown
from consumers.api.shapes.configurations import ReceiptShown
from consumers.client.calls import Call, PageOf, get, pages, post, waiting


def arm(site: str, mode: str, valid_s: float = 30.0) -> Call[OrderShown]:
    """Order a site to arm itself in a mode; later than ``valid_s`` it does not obey."""
    json = {"mode": mode, "valid_s": valid_s}
    return post(OrderShown, "sites", site, "commands", "arm", json=json)


def sent(site: str, limit: int | None = None) -> Call[PageOf[OrderShown]]:
    """Go through the orders that were sent to a site, newest first."""
    return pages(OrderShown, "sites", site, "commands", limit=limit)


def show(site: str, command_id: UUID | str, wait_s: float = 0.0) -> Call[OrderShown]:
    """Return an order; with ``wait_s``, up to 30, once the site has answered it."""
    call = get(OrderShown, "sites", site, "commands", command_id, wait_s=wait_s)
    return waiting(call, wait_s)


def receipts(
    site: str,
    kind: Literal["config", "command", "model", "feedback"] | None = None,
    limit: int | None = None,
) -> Call[PageOf[ReceiptShown]]:
    """Go through a site's last word on each document that came down to it."""
    return pages(ReceiptShown, "sites", site, "receipts", kind=kind, limit=limit)
