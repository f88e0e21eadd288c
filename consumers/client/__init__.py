"""The API as typed Python, at once or asynchronous.

    with Sightline("https://video.example", key) as sightline:
        for event in sightline.events(handling=["new"], severity=["alert"]):
            sightline.acknowledge(event.event_id)
        for message in sightline.follow():
            ...

What belongs to a subject stands under it: ``sightline.configurations.publish("depot-7", 3)``; see
``consumers.client.subjects``. ``tagged`` of a request gives the ETag that goes into a change:

    found = sightline.do(tagged(operations.notifications.route(route_id)))
    sightline.notifications.change_route(route_id, new, found.tag)

``AsyncSightline`` has the same methods with ``await`` and ``async for``. What they return is
described in ``consumers.api.shapes``, errors in ``consumers.client.errors``. The API's OpenAPI
document lies beside, in ``openapi.json``.
"""

from consumers.client.asynchronous import AsyncSightline
from consumers.client.blocking import Sightline
from consumers.client.calls import Tagged, tagged
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
    "Tagged",
    "TooOften",
    "Unauthenticated",
    "Unavailable",
    "tagged",
]
