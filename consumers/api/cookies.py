"""The cookies of a browser: no script reads them, and no other site's page sends them along."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from fastapi import Response

from consumers.access.sessions import SESSION_LASTS
from consumers.api.context import Parts
from consumers.api.security import DEVICE_COOKIE, SESSION_COOKIE

PROVIDER_COOKIE = "sightline_provider"
DEVICE_LASTS = timedelta(days=400)
"""The longest that browsers keep a cookie."""


def set_session(response: Response, parts: Parts, token: str) -> None:
    """Give a browser its session; the server ends it, at the latest when the cookie would."""
    _set(response, parts, SESSION_COOKIE, token, SESSION_LASTS)


def set_device(response: Response, parts: Parts, token: str) -> None:
    """Let a browser be known as one that its user has logged in from."""
    _set(response, parts, DEVICE_COOKIE, token, DEVICE_LASTS)


def set_provider_state(response: Response, parts: Parts, state: str, lasts: timedelta) -> None:
    """Bind a login at a provider to the browser that began it."""
    _set(response, parts, PROVIDER_COOKIE, state, lasts)


def drop_cookie(response: Response, name: str) -> None:
    """Take a cookie away."""
    response.delete_cookie(name, path="/")


def _set(response: Response, parts: Parts, name: str, value: str, lasts: timedelta) -> None:
    response.set_cookie(
        name,
        value,
        max_age=int(lasts.total_seconds()),
        path="/",
        secure=urlsplit(parts.settings.public_url).scheme == "https",
        httponly=True,
        samesite="lax",
    )
