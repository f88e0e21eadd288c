"""Requests as values: what is asked, and how the answer is read. No I/O."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import BaseModel, TypeAdapter

from consumers.client.trying import TIMEOUT_S

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    content: bytes | None = None
    """The body where it is not JSON."""
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    """Sent again it does no more than once."""
    timeout_s: float = TIMEOUT_S
    """Without a byte of the answer for so long, it is given up."""


@dataclass(frozen=True, slots=True)
class PageOf(Generic[T]):
    """One page of a list."""

    items: list[T]
    next: str | None


@dataclass(frozen=True, slots=True)
class Tagged(Generic[T]):
    """A document with the ETag of its version, which goes into a change of it."""

    document: T
    tag: str | None


def get(shape: type[M], *path: object, **params: Any) -> Call[M]:
    """Ask for one thing."""
    return Call("GET", place(*path), reader(shape), plain(params))


def pages(shape: type[M], *path: object, **params: Any) -> Call[PageOf[M]]:
    """Ask for the first page of a list."""
    return Call("GET", place(*path), _page_reader(shape), plain(params))


def next_page(before: Call[PageOf[M]], address: str) -> Call[PageOf[M]]:
    """Ask for the page at the address that the page before gave."""
    return Call("GET", address, before.read)


def several(shape: type[M], *path: object) -> Call[list[M]]:
    """Ask for a list that has no pages."""
    adapter = TypeAdapter(list[shape])  # type: ignore[valid-type]
    return Call("GET", place(*path), lambda answer: adapter.validate_json(answer.content))


def content(*path: object) -> Call[bytes]:
    """Ask for a file."""
    return Call("GET", place(*path), lambda answer: answer.content)


def ask(shape: type[M], *path: object, json: Any) -> Call[M]:
    """Ask with a body; nothing is changed by it."""
    return Call("POST", place(*path), reader(shape), json=json)


def once(shape: type[M], *path: object, json: Any = None) -> Call[M]:
    """Do something that does it twice if it is sent again."""
    return Call("POST", place(*path), reader(shape), json=json, repeatable=False)


def tagged(call: Call[T]) -> Call[Tagged[T]]:
    """Ask for the same, with the ETag of the version that was read."""
    return Call(
        call.method,
        call.path,
        lambda answer: Tagged(call.read(answer), answer.headers.get("ETag")),
        params=call.params,
        json=call.json,
        content=call.content,
        headers=call.headers,
        repeatable=call.repeatable,
        timeout_s=call.timeout_s,
    )


def waiting(call: Call[T], wait_s: float) -> Call[T]:
    """Give the API so much longer, which it was asked to wait itself."""
    return replace(call, timeout_s=TIMEOUT_S + wait_s)


def post(shape: type[M], *path: object, json: Any = None) -> Call[M]:
    """Do something that may be sent again under one name."""
    key = {"Idempotency-Key": str(uuid.uuid4())}
    return Call("POST", place(*path), reader(shape), json=json, headers=key)


def change(
    method: str, shape: type[M], *path: object, version: str | int | None, json: Any
) -> Call[M]:
    """Change a document at a version; None: whatever version it has."""
    headers = {"If-Match": tag(version)}
    # Sent again after it was done, it is refused as stale: that would be told instead.
    return Call(
        method,
        place(*path),
        reader(shape),
        json=json,
        headers=headers,
        repeatable=version is None,
    )


def remove(*path: object, version: str | int | None) -> Call[None]:
    """Remove a document at a version."""
    headers = {"If-Match": tag(version)}
    return Call("DELETE", place(*path), lambda _: None, headers=headers, repeatable=False)


def tag(version: str | int | None) -> str:
    """Return the ETag of a version; one that is an ETag already stays.

    >>> tag(3), tag('"ab"'), tag(None)
    ('"3"', '"ab"', '*')
    """
    if version is None:
        return "*"
    return version if isinstance(version, str) else f'"{version}"'


def place(*path: object) -> str:
    """Return the path of a resource; its parts are escaped.

    >>> place("events", "a/b")
    '/api/v1/events/a%2Fb'
    """
    return "/".join([API, *(quote(str(part), safe="") for part in path)])


def reader(shape: type[M]) -> Callable[[httpx.Response], M]:
    """Return what reads an answer of this shape."""
    return lambda answer: shape.model_validate_json(answer.content)


def _page_reader(shape: type[M]) -> Callable[[httpx.Response], PageOf[M]]:
    adapter = TypeAdapter(list[shape])  # type: ignore[valid-type]

    def read(answer: httpx.Response) -> PageOf[M]:
        body = answer.json()
        return PageOf(adapter.validate_python(body["items"]), body["next"])

    return read


def plain(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the API reads them, without those that are None."""
    return {name: _text(value) for name, value in params.items() if value is not None}


def _text(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: give datetime(..., tzinfo=...)")
        return value.isoformat()
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_text(one) for one in value]
    return value
