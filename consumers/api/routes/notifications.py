"""Targets, routes, escalations, mutes, deliveries, and one's own browsers."""

from __future__ import annotations

from fastapi import APIRouter

from consumers.notify.resources import browsers, deliveries, documents, mutes, targets

router = APIRouter()
for _resource in (targets, documents, mutes, deliveries, browsers):
    router.include_router(_resource.router)
