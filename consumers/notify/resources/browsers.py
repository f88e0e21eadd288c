"""One's own browsers: what a page needs to subscribe, and its subscriptions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Request
from psycopg import sql
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from consumers.access.audit import note
from consumers.access.permissions import Permission
from consumers.access.principal import Principal
from consumers.access.sealing import Sealer
from consumers.api.context import Parts
from consumers.api.paging import DEFAULT_LIMIT, Cursor, Limit, Page, page
from consumers.api.problems import not_found
from consumers.api.security import allow
from consumers.notify.guard import guard_of
from consumers.notify.outbox import remove_target
from consumers.notify.planning import now_at
from consumers.notify.resources.common import (
    BY_NAME,
    CONFLICT,
    MAX_BROWSERS,
    PATH,
    leave_room,
    listed,
    one,
    own_user,
)
from consumers.notify.stored import sealed
from consumers.notify.targets.web_push import KIND, WebPushSettings
from consumers.notify.vapid import public_key, vapid_private_key
from schemas.errors import Rejected

router = APIRouter(prefix=PATH, tags=["notifications"])
Own = Annotated[Principal, allow(Permission.NOTIFY_OWN)]
_MINE = sql.SQL("user_id = %(user)s AND kind = 'web_push'")


class PushKey(BaseModel):
    """The cloud's public key."""

    public_key: str = Field(description="`applicationServerKey` of `PushManager.subscribe()`.")


class SubscriptionKeys(BaseModel):
    """The browser's keys, base64url."""

    p256dh: Annotated[SecretStr, Field(max_length=200)]
    auth: Annotated[SecretStr, Field(max_length=100)]


class NewSubscription(BaseModel):
    """What `PushSubscription.toJSON()` gives; browsers may add members."""

    model_config = ConfigDict(extra="ignore")

    endpoint: Annotated[SecretStr, Field(max_length=2000)]
    keys: SubscriptionKeys


class Subscription(BaseModel):
    """A browser that is notified; its endpoint is shown to nobody."""

    subscription_id: UUID
    service: str = Field(description="Host of the push service.")
    created_at: datetime


@router.get("/push-key")
async def get_push_key(parts: Parts, principal: Own) -> PushKey:
    """Return the key with which a page subscribes to notifications."""
    sealer = Sealer(parts.settings.need("secret_key"))
    return PushKey(public_key=public_key(await vapid_private_key(parts.database, sealer)))


@router.get("/own/subscriptions")
async def list_own_subscriptions(
    request: Request,
    parts: Parts,
    principal: Own,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[Subscription]:
    """List one's own browsers."""
    user = {"user": own_user(principal)}
    async with parts.database.tenant(principal.organisation_id) as connection:
        rows = await listed(connection, "notify_targets", BY_NAME, limit, cursor, _MINE, user)
    return page(request, rows, limit, BY_NAME, _shown)


@router.post("/own/subscriptions", status_code=201, responses=CONFLICT)
async def subscribe(body: NewSubscription, parts: Parts, principal: Own) -> Subscription:
    """Notify this browser from now on; sent again it changes nothing."""
    user = own_user(principal)
    settings = _settings(body)
    guard_of(parts.settings).check(settings.address())
    sealer = Sealer(parts.settings.need("secret_key"))
    name = hashlib.sha256(body.endpoint.get_secret_value().encode()).hexdigest()
    async with parts.database.tenant(principal.organisation_id) as connection:
        await leave_room(
            *(connection, "notify_targets", MAX_BROWSERS),
            sql.SQL("user_id = %s AND name <> %s"),
            [user, name],
        )
        row = await one(
            connection,
            "INSERT INTO notify_targets (organisation_id, user_id, kind, name, config, secrets) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (organisation_id, user_id, name) "
            "WHERE user_id IS NOT NULL DO UPDATE SET secrets = EXCLUDED.secrets, "
            "revision = notify_targets.revision + 1, changed_at = clock_timestamp() RETURNING *",
            [
                *(principal.organisation_id, user, KIND.name, name),
                *(Jsonb(settings.shown()), sealed(settings.secrets(), sealer)),
            ],
            "subscription",
        )
        await note(connection, principal, "notify.subscribe", settings.service)
    return _shown(row)


@router.delete("/own/subscriptions/{subscription_id}", status_code=204)
async def unsubscribe(subscription_id: UUID, parts: Parts, principal: Own) -> None:
    """Notify a browser no more."""
    user = own_user(principal)
    async with parts.database.tenant(principal.organisation_id) as connection:
        found = await connection.execute(
            "SELECT FROM notify_targets WHERE target_id = %s AND user_id = %s",
            [subscription_id, user],
        )
        if await found.fetchone() is None:
            raise not_found("subscription")
        await remove_target(connection, subscription_id, "unsubscribed", now_at())
        await note(connection, principal, "notify.unsubscribe", str(subscription_id))


def _settings(body: NewSubscription) -> WebPushSettings:
    endpoint = body.endpoint.get_secret_value()
    try:
        return WebPushSettings(
            endpoint=body.endpoint,
            p256dh=body.keys.p256dh,
            auth=body.keys.auth,
            service=(urlsplit(endpoint).hostname or "")[:255],
        )
    except ValueError as error:
        # Without pydantic's own text: it repeats what it was given.
        raise Rejected(
            "this is no subscription of a browser: endpoint, p256dh or auth is wrong",
            reason="bad-subscription",
        ) from error


def _shown(row: Mapping[str, Any]) -> Subscription:
    return Subscription(
        subscription_id=row["target_id"],
        service=row["config"].get("service", ""),
        created_at=row["created_at"],
    )
