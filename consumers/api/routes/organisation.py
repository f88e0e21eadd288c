"""The organisation that somebody works for."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
