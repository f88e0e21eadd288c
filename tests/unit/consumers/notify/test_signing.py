from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumers.notify.signing import TOLERANCE_S, sign, verify

AT = 1_700_000_000


def test_a_recorded_request_is_good_for_five_minutes() -> None:
    header = sign(b"{}", ["new", "old"], AT)
    for secret in ("new", "old"):
        assert verify(b"{}", header, secret, AT + TOLERANCE_S)
        assert verify(b"{}", header, secret, AT - TOLERANCE_S)
        assert not verify(b"{}", header, secret, AT + TOLERANCE_S + 1)


@given(st.binary(max_size=50), st.text(max_size=20), st.text(max_size=20))
def test_another_body_secret_or_time_is_not_signed(body: bytes, secret: str, other: str) -> None:
    header = sign(body, [secret], AT)
    assert verify(body, header, secret, AT)
    assert not verify(body + b"x", header, secret, AT)
    assert verify(body, header, other, AT) is (other == secret)
    assert not verify(body, header.replace(f"t={AT}", f"t={AT + 1}"), secret, AT)


@given(st.text(max_size=200))
def test_any_header_is_answered(header: str) -> None:
    assert not verify(b"{}", header, "secret", AT)
