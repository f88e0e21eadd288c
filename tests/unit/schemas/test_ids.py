from __future__ import annotations

import re
from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from schemas import ids

NAMES = st.from_regex(ids.NAME_PATTERN, fullmatch=True)
SITES = st.from_regex(ids.SITE_PATTERN, fullmatch=True)
TIMES = st.integers(0, 1 << 45)
TRIGGER = ("depot-7", "gate", 946684800000, "lawn", "entered", "gate-946684800000-12-0", 5)


def test_a_track_is_named_by_its_first_frame_and_its_index() -> None:
    assert ids.track_id("gate", 946684800000, 12, 0) == "gate-946684800000-12-0"


@given(st.tuples(NAMES, TIMES, TIMES, TIMES), st.tuples(NAMES, TIMES, TIMES, TIMES))
def test_no_two_tracks_share_an_id(
    one: tuple[str, int, int, int], other: tuple[str, int, int, int]
) -> None:
    assert (ids.track_id(*one) == ids.track_id(*other)) == (one == other)


def test_ids_stay_the_same_for_ever() -> None:
    # Stored events, object names and bookmarks hold them: a new value here loses them all.
    trigger = ids.trigger_id(*TRIGGER)
    assert trigger == "fb3e0cae-f558-5331-b484-d06da996ede2"
    assert (
        ids.trigger_id("depot-7", "gate", None, "link", "offline", None, 5)
        == "a8ff02d4-637e-58de-9461-d7c0523aab2c"
    )
    candidate = ids.candidate_id("depot-7", "intrusion", 5, [trigger])
    assert candidate == "db52a156-b6dc-58aa-8700-3be0678af17d"
    event = ids.event_id("depot-7", "intrusion", "gate", candidate)
    assert event == "86a2cc46-14f7-582c-9131-38c1b67827eb"
    assert ids.evidence_id(event, "clip") == "9b28c382-6b2d-57ed-a7d9-0a33e8813d97"


def test_ids_are_version_5_of_uuid_in_our_namespace() -> None:
    assert UUID(ids.trigger_id(*TRIGGER)).version == 5
    assert ids.evidence_id("e", "clip") == str(uuid5(ids.NAMESPACE, "evidence\x1fe\x1fclip"))


def test_every_part_of_a_trigger_is_in_its_id() -> None:
    others = ("depot-8", "yard", 946684800001, "path", "left", None, 6)
    changed = {
        ids.trigger_id(*TRIGGER[:place], other, *TRIGGER[place + 1 :])  # type: ignore[call-arg, arg-type]
        for place, other in enumerate(others)
    }
    assert len(changed | {ids.trigger_id(*TRIGGER)}) == len(TRIGGER) + 1


@given(
    SITES,
    NAMES,
    TIMES,
    st.lists(st.uuids().map(str), max_size=4),
    st.lists(st.uuids().map(str), max_size=4),
)
def test_a_candidate_depends_on_all_its_triggers_in_order(
    site: str, rule: str, matched_at: int, one: list[str], other: list[str]
) -> None:
    first = ids.candidate_id(site, rule, matched_at, one)
    assert (first == ids.candidate_id(site, rule, matched_at, other)) == (one == other)


@given(SITES, NAMES, NAMES, NAMES)
def test_kinds_of_ids_never_meet(site: str, rule: str, key: str, candidate: str) -> None:
    made = {
        ids.event_id(site, rule, key, candidate),
        ids.candidate_id(site, rule, 0, [key, candidate]),
        ids.evidence_id(site, rule),
        ids.trigger_id(site, rule, None, key, candidate, None, 0),
    }
    assert len(made) == 4


def test_names_and_sites_are_what_the_contract_allows() -> None:
    def fits(pattern: re.Pattern[str], text: str) -> bool:
        return pattern.fullmatch(text) is not None

    assert all(fits(ids.NAME_PATTERN, name) for name in ("a", "A-b_9", "x" * 64))
    assert not any(
        fits(ids.NAME_PATTERN, name) for name in ("", "a b", "a.b", "é", "a\n", "x" * 65)
    )
    assert all(fits(ids.SITE_PATTERN, site) for site in ("a", "depot-7", "x" * 40))
    assert not any(fits(ids.SITE_PATTERN, site) for site in ("", "Depot", "a_b", "a/b", "x" * 41))
