"""Mail addresses, as they name users."""

from __future__ import annotations

import re

LONGEST = 254
_MAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*"
)


def clean_mail(text: str) -> str:
    """Return a mail address in lower case.

    Raises:
        ValueError: it is none that mail servers commonly take.
    """
    if len(text) > LONGEST or _MAIL.fullmatch(text) is None:
        raise ValueError("is no mail address")
    return text.lower()
