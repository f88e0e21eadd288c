"""Candidates and their verdicts; restoring a suppressed one."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
