from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.store.words import MAX_TERMS, text_query


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("Gate", "'gate':*"),
        ("cam-7  intrusion!", "'cam-7':* & 'intrusion':*"),
        ("o'neill", "'o''neill':*"),
        ("' & | !", ""),
        ("  ", ""),
    ],
)
def test_terms_become_beginnings(typed: str, query: str) -> None:
    assert text_query(typed) == query


@given(st.text())
def test_nothing_that_is_typed_leaves_its_quotes(typed: str) -> None:
    terms = [term for term in text_query(typed).split(" & ") if term]
    assert len(terms) <= MAX_TERMS
    for term in terms:
        assert term.startswith("'") and term.endswith("':*")
        assert term[1:-3].replace("''", "").replace("\\\\", "").count("'") == 0
