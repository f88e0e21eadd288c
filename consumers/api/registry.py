"""Which modules bring routes: a new resource is one module and one line here."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from fastapi import APIRouter

MODULES = (
    "consumers.api.routes.schema_registry",
    "consumers.api.routes.organisation",
    "consumers.api.routes.session",
    "consumers.api.routes.factors",
    "consumers.api.routes.passwords",
    "consumers.api.routes.providers",
    "consumers.api.routes.users",
    "consumers.api.routes.invitations",
    "consumers.api.routes.keys",
    "consumers.api.routes.audit",
    "consumers.api.routes.sites",
    "consumers.api.routes.groups",
    # Before the events: /events/stream is no event's id.
    "consumers.api.routes.stream",
    "consumers.api.routes.events",
    "consumers.api.routes.candidates",
    "consumers.api.routes.evidence",
    "consumers.api.routes.tracks",
    "consumers.api.routes.counts",
    "consumers.api.routes.configurations",
    "consumers.api.routes.commands",
    "consumers.api.routes.models",
    "consumers.api.routes.live",
    "consumers.api.routes.keeping",
    "consumers.api.routes.notifications",
)
"""Each has a ``router``; its paths are whole, ``/api/v1/...``."""

STREAMS = ("consumers.api.routes.stream",)
"""For a process that serves streams alone."""


def routers(modules: Iterable[str] = MODULES) -> list[APIRouter]:
    """Import the modules and return their routers."""
    return [import_module(module).router for module in modules]
