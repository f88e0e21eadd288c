"""Pictures and clips by short-lived signed links."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
