"""A camera's frames for a minute, on demand."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
