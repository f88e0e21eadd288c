"""Unsafe requests that may be sent again: an Idempotency-Key names one, and is answered once.

The answer is stored in the transaction that does the work, so there is no moment at which the work
is done and a repeat would do it again. Per user or key of the API; kept for a day.

    @router.post("/api/v1/things", responses=REPEATABLE, response_model=Thing, status_code=201)
    async def make(body: NewThing, principal: ..., once: Once) -> Response:
        async def work(connection: Connection) -> Answer:
            ...
            return Answer(Thing(...), status=201)

        return await once(principal, work)

Answers that hold a secret are not for this: they would lie in the database for a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import psycopg
from fastapi import Depends, Header, Request, Response
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from consumers.access.principal import Principal
from consumers.api.context import Parts
from consumers.api.problems import Problem, ProblemDocument
from consumers.store.database import Connection
from consumers.store.idempotent import KEPT

WAIT_MS = 5000
"""How long a repeat waits for the first, which is still at work."""
REPEATABLE: dict[int | str, dict[str, Any]] = {
    409: {"model": ProblemDocument, "description": "The same request is still at work."},
}
_TAKE = """
    INSERT INTO idempotent_answers AS given (organisation_id, principal_id, key, request_sha256)
    VALUES (%(organisation)s, %(principal)s, %(key)s, %(sha256)s)
    ON CONFLICT (organisation_id, principal_id, key) DO UPDATE
    SET request_sha256 = EXCLUDED.request_sha256, created_at = clock_timestamp(), status = NULL
    WHERE given.created_at < clock_timestamp() - %(kept)s
    RETURNING 1
"""
_WHICH = (
    "WHERE organisation_id = %(organisation)s AND principal_id = %(principal)s AND key = %(key)s"
)
_FIND = f"SELECT request_sha256, status, headers, body FROM idempotent_answers {_WHICH}"
_KEEP = (
    "UPDATE idempotent_answers SET status = %(status)s, headers = %(headers)s, body = %(body)s "
    + _WHICH
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers, as it can be stored."""

    body: BaseModel | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """Return it for the client."""
        return _response(self.status, dict(self.headers), self._bytes())

    def _bytes(self) -> bytes:
        return b"" if self.body is None else self.body.model_dump_json(by_alias=True).encode()


Work = Callable[[Connection], Awaitable[Answer]]


class Repeats:
    """Does the work of one request once, however often the request comes."""

    def __init__(
        self,
        request: Request,
        parts: Parts,
        idempotency_key: Annotated[
            str | None,
            Header(
                pattern=r"^[!-~]{1,200}$",
                description="A name of yours for this request: sent again with it, the request is "
                "not done again but answered as the first time, for 24 hours.",
            ),
        ] = None,
    ) -> None:
        self._request = request
        self._database = parts.database
        self._key = idempotency_key

    async def __call__(self, principal: Principal, work: Work) -> Response:
        """Do the work in a transaction of the principal's organisation, or answer as before.

        Raises:
            Problem: 409 while the first is still at work, 422 if the key named another request.
            Retryable: Postgres does not answer.
        """
        async with self._database.tenant(principal.organisation_id) as connection:
            if self._key is None:
                return (await work(connection)).response()
            values: dict[str, Any] = {
                "organisation": principal.organisation_id,
                "principal": principal.subject_id,
                "key": self._key,
                "sha256": await self._digest(),
                "kept": KEPT,
            }
            if not await _is_first(connection, values):
                return await _again(connection, values)
            answer = await work(connection)
            kept = {"status": answer.status, "headers": Jsonb(dict(answer.headers))}
            await connection.execute(_KEEP, {**values, **kept, "body": answer._bytes()})
            return answer.response()

    async def _digest(self) -> str:
        url = self._request.url
        head = f"{self._request.method} {url.path}?{url.query}\n".encode()
        return hashlib.sha256(head + await self._request.body()).hexdigest()


Once = Annotated[Repeats, Depends(Repeats)]
"""For the parameters of routes."""


async def _is_first(connection: Connection, values: dict[str, Any]) -> bool:
    # The row of a first that has not ended is waited for by the insert itself.
    await connection.execute("SELECT set_config('lock_timeout', %s, true)", [str(WAIT_MS)])
    try:
        return await (await connection.execute(_TAKE, values)).fetchone() is not None
    except psycopg.errors.LockNotAvailable:
        raise Problem(
            409,
            "still-at-work",
            "Still at work",
            "the first request with this Idempotency-Key has not ended: try again in a moment",
            headers={"Retry-After": "2"},
        ) from None


async def _again(connection: Connection, values: dict[str, Any]) -> Response:
    row = await (await connection.execute(_FIND, values)).fetchone()
    if row is None or row["request_sha256"] != values["sha256"]:
        raise Problem(
            422,
            "key-of-another-request",
            "Another request had this key",
            "this Idempotency-Key was sent with another request within 24 hours: take a new one",
        )
    headers = {**row["headers"], "Idempotency-Replayed": "true"}
    return _response(row["status"], headers, bytes(row["body"]))


def _response(status: int, headers: dict[str, str], body: bytes) -> Response:
    return Response(body, status, headers, media_type="application/json" if body else None)
