"""The read paths of a Schema Registry, at the root, as Kafka's Avro deserializers ask for them.

They hold no secret, so nobody needs to log in. Bodies and errors are Confluent's, not ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from consumers.api import problems
from consumers.documents.subjects import Version, compact, subjects, versions_of

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
COMPATIBILITY = "FULL_TRANSITIVE"
"""What ``infra.cli.compatibility`` insists on before a schema is released."""
SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, SCHEMA_NOT_FOUND = 40401, 40402, 40403
INVALID_SCHEMA, INVALID_VERSION = 42201, 42202
MAX_SCHEMA_CHARACTERS = 1_000_000
T = TypeVar("T")


class RegistryResponse(JSONResponse):
    """JSON under the registry's own media type."""

    media_type = MEDIA_TYPE


class RegistryError(Exception):
    """An answer that is an error, as the registry's clients read it."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error_code": code, "message": message}


class RegistryRoute(APIRoute):
    """A route whose errors leave in the registry's form."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except RegistryError as error:
                return RegistryResponse(error.body, error.status)
            except RequestValidationError as error:
                told = "; ".join(f"{_place(one['loc'])}: {one['msg']}" for one in error.errors())
                return RegistryResponse({"error_code": 422, "message": told}, 422)
            except HTTPException as error:
                # A body that cannot be parsed at all.
                status = 422 if error.status_code == 400 else error.status_code
                return RegistryResponse({"error_code": status, "message": error.detail}, status)

        return answered


def _place(loc: tuple[str | int, ...]) -> str:
    return ".".join(map(str, loc))


def _error(description: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["error_code", "message"],
        "properties": {"error_code": {"type": "integer"}, "message": {"type": "string"}},
    }
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


router = APIRouter(
    tags=["schema registry"],
    route_class=RegistryRoute,
    default_response_class=RegistryResponse,
    responses={
        404: _error("No such schema, subject or version."),
        413: {
            "description": "The body is larger than this route takes.",
            "content": {
                problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}
            },
        },
        422: _error("No schema or version can look like this."),
    },
)


class SchemaText(BaseModel):
    """A schema by its id."""

    schema_: str = Field(serialization_alias="schema")
    schemaType: str = "AVRO"  # noqa: N815


class Place(BaseModel):
    """Where a schema stands."""

    subject: str
    version: int


class Registered(BaseModel):
    """One version of a subject."""

    subject: str
    id: int
    version: int
    schema_: str = Field(serialization_alias="schema")
    schemaType: str = "AVRO"  # noqa: N815

    @classmethod
    def of(cls, found: Version) -> Registered:
        """Show a version."""
        return cls(
            subject=found.subject,
            id=found.schema_id,
            version=found.version,
            schema_=found.schema,
        )


class Asked(BaseModel):
    """A schema whose version is asked for."""

    model_config = ConfigDict(extra="ignore")

    schema_: str = Field(validation_alias="schema", max_length=MAX_SCHEMA_CHARACTERS)


class Compatibility(BaseModel):
    """How versions of a subject fit together."""

    compatibilityLevel: str = COMPATIBILITY  # noqa: N815


Offset = Annotated[int, Query(ge=0, description="Leave out so many.")]
Most = Annotated[int, Query(description="At most so many; below 0: all.")]


@router.get("/schemas/types")
async def schema_types() -> list[str]:
    """Return the kinds of schema there are."""
    return ["AVRO"]


@router.get("/schemas/ids/{schema_id}", response_model=SchemaText)
async def schema_by_id(schema_id: str) -> SchemaText:
    """Return the schema that the messages with this id were written with."""
    return SchemaText(schema_=compact(_known_id(schema_id)))


@router.get("/schemas/ids/{schema_id}/versions", response_model=list[Place])
async def schema_versions(
    schema_id: str,
    subject: Annotated[str | None, Query(description="This subject alone.")] = None,
    offset: Offset = 0,
    limit: Most = -1,
) -> list[Place]:
    """Return the subjects and versions that a schema has."""
    places = [
        Place(subject=found.subject, version=found.version)
        for found in versions_of(_known_id(schema_id))
        if subject in (None, found.subject)
    ]
    return _some(places, offset, limit)


@router.get("/subjects")
async def subject_names(
    subject_prefix: Annotated[str, Query(alias="subjectPrefix")] = "",
    offset: Offset = 0,
    limit: Most = -1,
) -> list[str]:
    """Return every subject: each record by its name, and each topic of one kind of record."""
    names = [name for name in subjects() if name.startswith(subject_prefix)]
    return _some(names, offset, limit)


@router.post("/subjects/{subject}", response_model=Registered)
async def lookup(subject: str, asked: Asked) -> Registered:
    """Return the version of a subject that is this very schema."""
    versions = _versions(subject)
    try:
        schema = json.loads(asked.schema_)
    except (ValueError, RecursionError):
        raise RegistryError(422, INVALID_SCHEMA, "Invalid schema: it is no JSON") from None
    for version in versions:
        if json.loads(version.schema) == schema:
            return Registered.of(version)
    raise RegistryError(404, SCHEMA_NOT_FOUND, "Schema not found")


@router.get("/subjects/{subject}/versions")
async def subject_versions(subject: str, offset: Offset = 0, limit: Most = -1) -> list[int]:
    """Return the numbers of a subject's versions."""
    return _some([version.version for version in _versions(subject)], offset, limit)


@router.get("/subjects/{subject}/versions/{version}", response_model=Registered)
async def subject_version(subject: str, version: str) -> Registered:
    """Return one version of a subject by its number, or the ``latest``."""
    versions = _versions(subject)
    if version in ("latest", "-1"):
        return Registered.of(versions[-1])
    if not _is_number(version) or int(version) < 1:
        raise RegistryError(
            422,
            INVALID_VERSION,
            f"The specified version '{version}' is not a valid version id. Allowed values are "
            'between [1, 2^31-1] and the string "latest"',
        )
    if int(version) > len(versions):
        raise RegistryError(404, VERSION_NOT_FOUND, f"Version {version} not found.")
    return Registered.of(versions[int(version) - 1])


@router.get("/config", response_model=Compatibility)
async def compatibility() -> Compatibility:
    """Return how versions of every subject fit together: old and new readers read both."""
    return Compatibility()


def _known_id(text: str) -> int:
    if not _is_number(text) or not versions_of(int(text)):
        raise RegistryError(404, SCHEMA_NOT_FOUND, f"Schema {text} not found")
    return int(text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10


def _versions(subject: str) -> tuple[Version, ...]:
    versions = subjects().get(subject)
    if versions is None:
        raise RegistryError(404, SUBJECT_NOT_FOUND, f"Subject '{subject}' not found.")
    return versions


def _some(found: list[T], offset: int, limit: int) -> list[T]:
    return found[offset:] if limit < 0 else found[offset : offset + limit]
