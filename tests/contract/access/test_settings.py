"""Settings that cannot be used stop the API at its start, not whoever first logs in."""

from __future__ import annotations

import asyncio

import pytest

from consumers.api.app import build
from schemas.errors import Fatal
from tests.access_helpers import api_settings


@pytest.mark.parametrize("changes", [{"secret_key": "short"}, {"smtp_url": "x"}, {"oidc": "x"}])
def test_it_does_not_start(dsn: str, changes: dict[str, str]) -> None:
    app = build(api_settings(dsn, **changes))

    async def start() -> None:
        async with app.router.lifespan_context(app):
            pass

    with pytest.raises(Fatal, match=next(iter(changes)).upper()):
        asyncio.run(start())


def test_it_starts_with_good_ones(dsn: str) -> None:
    app = build(api_settings(dsn))

    async def start() -> bool:
        async with app.router.lifespan_context(app):
            return True

    assert asyncio.run(start())
