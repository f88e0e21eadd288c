"""Configuration documents: versions, check, diff, publish, receipts."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
