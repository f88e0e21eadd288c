"""From what somebody types into a search to a query of Postgres' text search."""

from __future__ import annotations

import re

MAX_TERMS = 10
_OUTSIDE = re.compile(r"^\W+|\W+$")


def text_query(text: str) -> str:
    """Return a tsquery: each term the beginning of a word or name, all of them needed.

    Empty where nothing can be searched for.

    >>> text_query("Cam-7 intrusion")
    "'cam-7':* & 'intrusion':*"
    """
    terms = [_OUTSIDE.sub("", term).lower() for term in text.split()[:MAX_TERMS]]
    return " & ".join(f"'{_quoted(term)}':*" for term in terms if term)


def _quoted(term: str) -> str:
    return term.replace("\\", "\\\\").replace("'", "''")
