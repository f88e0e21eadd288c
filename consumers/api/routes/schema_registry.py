"""The read paths of a Schema Registry, so that Avro clients resolve our schema ids."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
