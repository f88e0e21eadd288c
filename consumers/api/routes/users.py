"""People of the organisation: roles, limits, invitations."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
