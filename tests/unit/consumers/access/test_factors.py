from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.access.factors import STEP_S, Method, matching_step, methods_of, new_seed
from consumers.access.messages import Mailer, Messenger, Webhook
from consumers.access.sessions import Current

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STEP = int(NOW.timestamp()) // STEP_S
# RFC 6238, appendix B: the ASCII secret of the SHA-1 vectors, and the last six digits.
RFC_SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("at_s", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at_s: int, code: str) -> None:
    found = matching_step(RFC_SEED, code, datetime.fromtimestamp(at_s, UTC), 0)
    assert found == at_s // STEP_S


@given(st.integers(-4, 4), st.integers(-4, 4))
def test_a_code_works_within_a_step_and_once(off: int, used: int) -> None:
    seed = new_seed()
    code = pyotp.TOTP(seed).at((STEP + off) * STEP_S)
    found = matching_step(seed, code, NOW, STEP + used)
    assert found == (STEP + off if abs(off) <= 1 and off > used else None)


@pytest.mark.parametrize("odd", ["", "abcdef", "12345", "1234567", "١٢٣٤٥٦"])
def test_what_is_no_code_matches_nothing(odd: str) -> None:
    assert matching_step(RFC_SEED, odd, NOW, 0) is None


@pytest.mark.parametrize(
    ("authenticator", "phone", "mail", "sms", "wanted"),
    [
        (True, "+491", True, True, ["authenticator", "recovery"]),
        (False, "+491", True, True, ["phone"]),
        (False, "+491", True, False, ["mail"]),
        (False, None, True, True, ["mail"]),
        (False, None, False, True, []),
    ],
)
def test_nothing_weaker_beside_something_better(
    authenticator: bool, phone: str | None, mail: bool, sms: bool, wanted: list[str]
) -> None:
    session = somebody(authenticator, phone)
    messenger = Messenger(
        Mailer("smtp://127.0.0.1", "x@example.com") if mail else None,
        Webhook("http://127.0.0.1") if sms else None,
    )
    assert methods_of(session, messenger) == [Method(one) for one in wanted]


def somebody(authenticator: bool, phone: str | None) -> Current:
    return Current(
        session_id=UUID(int=1),
        user_id=UUID(int=2),
        organisation_id=UUID(int=3),
        mail="somebody@example.com",
        pending=False,
        created_at=NOW,
        expires_at=NOW,
        stepped_up_at=None,
        password_hash=None,
        totp_seed=None,
        has_authenticator=authenticator,
        phone=phone,
    )
