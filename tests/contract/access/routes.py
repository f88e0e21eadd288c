"""All routes of the application, with what stands before each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from consumers.access.permissions import Permission
from consumers.api.own_session import SIGNED_IN
from consumers.api.security import PUBLIC, SELF_CHECKED, Guard


@dataclass(frozen=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    permissions: tuple[Permission, ...]
    signed_in: bool
    """It needs no permission, but somebody."""

    @property
    def public(self) -> bool:
        return (self.method, self.path) in PUBLIC

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def all_routes(app: FastAPI) -> list[Route]:
    """Walk the application as it is served, whatever module a route comes from."""
    return sorted(_walk(app.routes), key=str)


def undeclared(routes: list[Route]) -> list[Route]:
    """The routes that name neither a permission nor somebody, and are on no list."""
    return [one for one in routes if not (one.permissions or one.signed_in or one.public)]


def _walk(routes: Any) -> Iterator[Route]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _walk(inner.routes)
            continue
        dependant = getattr(route, "dependant", None)
        found = list(_calls(dependant)) if dependant is not None else []
        permissions = tuple(one.permission for one in found if isinstance(one, Guard))
        for method in _methods(route):
            own = SELF_CHECKED.get((method, route.path))
            yield Route(
                method,
                route.path,
                (own,) if own is not None else permissions,
                any(one in SIGNED_IN for one in found),
            )


def _methods(route: Any) -> list[str]:
    methods = getattr(route, "methods", None)
    return sorted(set(methods) - {"HEAD"}) if methods else ["WEBSOCKET"]


def _calls(dependant: Any) -> Iterator[Any]:
    for one in dependant.dependencies:
        yield one.call
        yield from _calls(one)
