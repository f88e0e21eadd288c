"""Models that sites run, and rollouts."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
