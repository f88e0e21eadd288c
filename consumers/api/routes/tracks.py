"""Finished tracks, also by where they went."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
