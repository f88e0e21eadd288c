"""Who a request is taken for: sessions, keys, and what ends them."""

from __future__ import annotations

import httpx

from tests.access_helpers import PASSWORD, account


def test_password_opens_a_session_that_logging_out_ends(dsn: str, url: str) -> None:
    owner = account(dsn)
    with httpx.Client(base_url=url) as browser:
        refused = browser.post("/api/v1/session", json={"mail": owner.mail, "password": "not it"})
        assert refused.status_code == 401
        opened = browser.post("/api/v1/session", json={"mail": owner.mail, "password": PASSWORD})
        assert opened.status_code == 200, opened.text
        assert browser.delete("/api/v1/session").status_code == 403
        csrf = {"Sightline-CSRF": opened.json()["csrf_token"]}
        assert browser.delete("/api/v1/session", headers=csrf).status_code == 204
        assert browser.delete("/api/v1/session", headers=csrf).status_code == 401
