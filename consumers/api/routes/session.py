"""Logging in and out, second factors, step-up, invitations, identity providers."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
