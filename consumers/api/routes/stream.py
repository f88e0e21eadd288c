"""Events as they happen: WebSocket and SSE."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
