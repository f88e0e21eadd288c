from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from consumers.access.audit_chain import Head, ends_well, entry_hash, follow

FIELDS = ("actor_kind", "actor_name", "source", "action", "subject", "details")


def chain(length: int) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    previous = b""
    for n in range(1, length + 1):
        entry: dict[str, Any] = {
            "organisation_id": UUID(int=1),
            "n": n,
            "at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=n),
            "actor_kind": "user",
            "actor_id": UUID(int=2),
            "actor_name": "somebody@example.com",
            "session_id": None,
            "source": "",
            "action": "test.act",
            "subject": f"thing {n}",
            "details": "{}",
            "previous": previous,
        }
        previous = entry["hash"] = entry_hash(entry)
        entries.append(entry)
    return entries


@given(st.integers(0, 12))
def test_a_whole_chain_holds(length: int) -> None:
    entries = chain(length)
    head, broken = follow(entries)
    assert broken is None and head.n == length
    assert ends_well(head, Head(length, entries[-1]["hash"] if entries else b"")) is None


@given(st.integers(1, 9), st.data())
def test_the_first_changed_entry_is_named(length: int, data: st.DataObject) -> None:
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    field = data.draw(st.sampled_from(FIELDS))
    entries[place][field] += data.draw(st.text(min_size=1).filter(_encodes))
    _, broken = follow(entries)
    assert broken is not None and broken.n == place + 1


@given(st.integers(2, 9), st.data())
def test_the_first_missing_entry_is_named(length: int, data: st.DataObject) -> None:
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    end = Head(length, entries[-1]["hash"])
    del entries[place]
    head, broken = follow(entries)
    found = broken or ends_well(head, end)
    assert found is not None and found.n == place + 1


@given(st.lists(st.text().filter(lambda text: _encodes(text)), min_size=6, max_size=6), st.data())
def test_text_cannot_move_from_one_field_to_the_next(texts: list[str], data: st.DataObject) -> None:
    (entry,) = chain(1)
    one = {**entry, **dict(zip(FIELDS, texts, strict=True))}
    place = data.draw(st.integers(0, 4))
    joined = texts[place] + texts[place + 1]
    cut = data.draw(st.integers(0, len(joined)))
    other = {**one, FIELDS[place]: joined[:cut], FIELDS[place + 1]: joined[cut:]}
    same = all(one[name] == other[name] for name in FIELDS)
    assert (entry_hash(one) == entry_hash(other)) == same


def test_an_end_that_was_written_down_finds_a_chain_written_anew() -> None:
    entries = chain(3)
    noted = Head(2, entries[1]["hash"])
    assert follow(entries, noted)[1] is None
    _, broken = follow(entries, Head(2, b"another"))
    assert broken is not None and broken.n == 2
    _, broken = follow(entries[:1], noted)
    assert broken is not None and broken.n == 2


def _encodes(text: str) -> bool:
    return not any("\ud800" <= one <= "\udfff" for one in text)
