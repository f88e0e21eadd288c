"""Where the addresses in notifications lead: the console, and the picture for a short while."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from infra.runtime.settings import Settings
from schemas.errors import Fatal

SnapshotLink = Callable[[UUID, Mapping[str, Any]], str]
"""From an organisation and a row of evidence to a signed address."""


@dataclass(frozen=True, slots=True)
class Links:
    """``public_url`` is where people reach the cloud, without a slash at the end."""

    public_url: str
    sign: SnapshotLink

    def event(self, event_id: str) -> str:
        """Return where a person sees the event."""
        return f"{self.public_url}/events/{quote(event_id, safe='')}"

    def events(self) -> str:
        """Return where a person sees the latest events."""
        return f"{self.public_url}/events"

    def snapshot(self, organisation_id: UUID, evidence: Mapping[str, Any] | None) -> str | None:
        """Return a signed link to the picture; None where there is none."""
        return None if evidence is None else self.sign(organisation_id, evidence)


def public_url(settings: Settings) -> str:
    """Return where people reach the cloud, without a slash at the end.

    Raises:
        Fatal: it is no http(s) address.
    """
    url = (settings.public_url or f"http://{settings.listen}").rstrip("/")
    if urlsplit(url).scheme not in ("http", "https"):
        raise Fatal("SIGHTLINE_PUBLIC_URL is no http:// or https:// address: correct it")
    return url
