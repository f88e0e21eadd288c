"""The API as typed Python, at once or asynchronous.

    with Sightline("https://video.example", key) as sightline:
        for event in sightline.events(handling=["new"], severity=["alert"]):
            sightline.acknowledge(event.event_id)
        for message in sightline.follow():
            ...

``AsyncSightline`` has the same methods with ``await`` and ``async for``. What they return is
described in ``consumers.api.shapes``, errors in ``consumers.client.errors``. The API's OpenAPI
document lies beside, in ``openapi.json``.
"""

from consumers.client.asynchronous import AsyncSightline
from consumers.client.blocking import Sightline
from consumers.client.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Stale,
    TooOften,
    Unauthenticated,
    Unavailable,
)
from consumers.client.following import Message

__all__ = [
    "ApiError",
    "AsyncSightline",
    "Conflict",
    "Forbidden",
    "Invalid",
    "Message",
    "NotFound",
    "Sightline",
    "Stale",
    "TooOften",
    "Unauthenticated",
    "Unavailable",
]
