"""The last record that speaks for a site holds, whatever compaction has removed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import wishes
from schemas.errors import Rejected
from schemas.records import ModelUpdate
from schemas.releases import (
    MOST_BYTES,
    check_update,
    chunk_count,
    release_of,
    update_key,
)
from tests.unit.streams.inference.updating.updates import update

SITES = ("depot-7", "yard")


def published(site: str | None, version: str, *, deleted: bool = False) -> tuple[str, ModelUpdate]:
    sites = () if site is None else (site,)
    record = replace(update(sites=sites), version=version, deleted=deleted)
    return update_key("yolox", site), record


def folded(site: str, log: list[tuple[int, tuple[str, ModelUpdate]]]) -> wishes.Wishes:
    state = wishes.Wishes(site)
    for offset, (key, record) in log:
        state = wishes.step(state, key, offset, record)
    return state


def test_sites_may_want_different_versions() -> None:
    log = list(enumerate([published(None, "one"), published("depot-7", "two")]))
    assert wishes.wanted(folded("depot-7", log))["yolox"].version == "two"
    assert wishes.wanted(folded("yard", log))["yolox"].version == "one"


def test_a_later_wish_for_all_holds_for_all() -> None:
    log = list(enumerate([published("depot-7", "two"), published(None, "three")]))
    assert wishes.wanted(folded("depot-7", log))["yolox"].version == "three"


def test_a_withdrawn_wish_gives_way_to_the_one_before() -> None:
    log = list(
        enumerate(
            [
                published(None, "one"),
                published("depot-7", "two"),
                published("depot-7", "two", deleted=True),
            ]
        )
    )
    assert wishes.wanted(folded("depot-7", log))["yolox"].version == "one"


def test_without_any_wish_left_the_withdrawal_is_known() -> None:
    log = list(enumerate([published("yard", "one"), published("yard", "one", deleted=True)]))
    assert wishes.wanted(folded("yard", log))["yolox"].deleted
    assert wishes.wanted(folded("depot-7", log)) == {}


def test_a_record_that_names_other_sites_now_speaks_no_more_here() -> None:
    key = "yolox/two-sites"
    log = [
        (0, (key, update(sites=("depot-7", "yard")))),
        (1, (key, update(sites=("yard",)))),
    ]
    assert wishes.wanted(folded("depot-7", log)) == {}


publications = st.lists(
    st.tuples(st.sampled_from([None, *SITES]), st.sampled_from("abc"), st.booleans()), max_size=12
)


@given(publications, st.sampled_from(SITES))
def test_compaction_changes_nothing(log: list[tuple[str | None, str, bool]], site: str) -> None:
    whole = [
        (offset, published(to, version, deleted=deleted))
        for offset, (to, version, deleted) in enumerate(log)
    ]
    last = {key: offset for offset, (key, _) in whole}
    compacted = [entry for entry in whole if last[entry[1][0]] == entry[0]]
    assert wishes.wanted(folded(site, whole)) == wishes.wanted(folded(site, compacted))


@given(publications, st.sampled_from(SITES))
def test_reading_again_changes_nothing(log: list[tuple[str | None, str, bool]], site: str) -> None:
    whole = [
        (offset, published(to, version, deleted=deleted))
        for offset, (to, version, deleted) in enumerate(log)
    ]
    assert wishes.wanted(folded(site, whole)) == wishes.wanted(folded(site, [*whole, *whole]))


def test_a_release_is_named_by_card_and_weights() -> None:
    names = {release_of(card, digest) for card in ("a", "b") for digest in ("", "c")}
    assert len(names) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "../etc"},
        {"size": -1},
        {"size": MOST_BYTES + 1},
        {"version": "other"},
        {"sha256": "../../etc"},
        {"chunks": 7},
        {"chunks": 0},
        {"max_answer_s": 0.0},
        {"watch_s": -1.0},
        {"max_error_rate": 1.5},
    ],
    ids=str,
)
def test_an_update_without_sense_is_refused(wrong: dict[str, object]) -> None:
    check_update(update())
    with pytest.raises(Rejected, match="publish it again") as refused:
        check_update(replace(update(), **wrong))  # type: ignore[arg-type]
    assert refused.value.reason == "bad-update"


@pytest.mark.parametrize("size", [0, MOST_BYTES + 1])
def test_too_much_for_the_topic_is_refused(size: int) -> None:
    with pytest.raises(Rejected, match="--address"):
        chunk_count(size)
