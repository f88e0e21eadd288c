"""Texts that people and systems send: bounded, and free of what a database or a log cannot hold.

A field that is not one of these takes NUL characters (which Postgres refuses) and texts of any
length; so routes use no bare ``str``.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from consumers.access.mail_addresses import LONGEST, clean_mail

# Control characters except tab and line ends; separators that forge lines in logs and mails; marks
# that turn the direction of what stands beside them.
_BAD_IN_PROSE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
_BAD_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
LINE_CHARACTERS = 200
PROSE_CHARACTERS = 10_000


def clean_line(text: str) -> str:
    """Return a text of one line without space around it.

    Raises:
        ValueError: it holds line ends or control characters.
    """
    if _BAD_IN_LINE.search(text):
        raise ValueError("holds a line end, a control character or a mark of direction")
    return text.strip()


def clean_prose(text: str) -> str:
    """Return a text of many lines as it is.

    Raises:
        ValueError: it holds control characters.
    """
    if _BAD_IN_PROSE.search(text):
        raise ValueError("holds a control character or a mark of direction")
    return text


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


def _clean_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    # Half of a surrogate pair is no text; pydantic lets it through where it keeps a secret.
    if "\x00" in text or (not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text)):
        raise ValueError("holds a NUL character or half of a surrogate pair")
    return secret


Line = Annotated[
    str, Field(max_length=LINE_CHARACTERS), AfterValidator(clean_line), AfterValidator(_not_empty)
]
"""A name, a title, a search: one line, not empty."""

OptionalLine = Annotated[str, Field(max_length=LINE_CHARACTERS), AfterValidator(clean_line)]
"""The same, or empty."""

Prose = Annotated[str, Field(max_length=PROSE_CHARACTERS), AfterValidator(clean_prose)]
"""A comment, a reason: many lines."""

Mail = Annotated[str, Field(min_length=3, max_length=LONGEST), AfterValidator(clean_mail)]
"""A mail address, in lower case."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
"""The id of a site or an organisation."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""The name of a camera, a rule, a sensor in a configuration."""

Secret = Annotated[SecretStr, Field(min_length=1, max_length=1024), AfterValidator(_clean_secret)]
"""A password or token: shown in no log and no error."""
