"""Where the addresses in notifications lead: the console, and the picture for a short while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from consumers.sinks.objects import SUFFIXES, ObjectStore
from infra.runtime.settings import Settings
from schemas.errors import Fatal

PICTURE_LASTS = timedelta(minutes=30)
"""A message is read a little later than it is sent; after that the event's page shows it."""


@dataclass(frozen=True, slots=True)
class Links:
    """``public_url`` is where people reach the cloud, without a slash at the end."""

    public_url: str
    objects: ObjectStore | None = None
    """None: the cloud keeps no pictures."""

    def event(self, event_id: str) -> str:
        """Return where a person sees the event."""
        return f"{self.public_url}/events/{quote(event_id, safe='')}"

    def events(self) -> str:
        """Return where a person sees the latest events."""
        return f"{self.public_url}/events"

    def snapshot(self, evidence: Mapping[str, Any] | None) -> str | None:
        """Return a link, signed by itself, to the picture of a row of evidence, if there is one."""
        if self.objects is None or evidence is None or not evidence["object_key"]:
            return None
        name = f"{evidence['camera']}.{SUFFIXES.get(evidence['content_type'], 'bin')}"
        return self.objects.link(evidence["bucket"], evidence["object_key"], PICTURE_LASTS, name)


def links_of(settings: Settings) -> Links:
    """Return the links of a cloud.

    Raises:
        Fatal: the public address is no http(s) one, or the store's settings are not whole.
    """
    url = (settings.public_url or f"http://{settings.listen}").rstrip("/")
    if urlsplit(url).scheme not in ("http", "https"):
        raise Fatal("SIGHTLINE_PUBLIC_URL is no http:// or https:// address: correct it")
    return Links(url, ObjectStore.from_settings(settings) if settings.s3_url else None)
