from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.access.principal import Scope
from consumers.api.shapes.routing import Escalation
from consumers.notify.policy import Mute, Policy, Reach
from consumers.notify.routing import Change, Planned, Told, is_muted, step
from tests.unit.consumers.notify.notices import AT, NOW, happened, named, policy, route


def planned(found: Policy, now_at: int = NOW, **changes: Any) -> tuple[Planned, ...]:
    return step(frozenset(), Change(happened(**changes), now_at), found)[1]


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        ({}, True),
        ({"severities": ["alert", "info"]}, True),
        ({"severities": ["info"]}, False),
        ({"sites": ["depot-7"]}, True),
        ({"sites": ["depot-8"]}, False),
        ({"cameras": [{"site": "depot-7", "camera": "gate"}]}, True),
        ({"cameras": [{"site": "depot-8", "camera": "gate"}]}, False),
        ({"camera_groups": [str(named("doors"))]}, True),
        ({"camera_groups": [str(named("roofs"))]}, False),
        ({"rules": ["intrusion"]}, True),
        ({"rules": ["loitering"]}, False),
        ({"classes": ["car", "person"]}, True),
        ({"classes": ["car"]}, False),
        ({"states": ["closed"]}, False),
        # It was 23:13 on a Tuesday in Madrid, 22:13 in UTC.
        ({"schedule": ["Tue 23:00-24:00"]}, True),
        ({"schedule": ["Tue 23:00-24:00"], "timezone": "UTC"}, False),
        ({"schedule": ["Mon-Fri 20:00-07:00"], "timezone": "Asia/Kolkata"}, True),
        ({"schedule": ["Sat-Sun"]}, False),
    ],
)
def test_every_condition_counts(when: dict[str, Any], fits: bool) -> None:
    groups = {
        named("doors"): frozenset({("depot-7", "gate")}),
        named("roofs"): frozenset({("depot-7", "roof")}),
    }
    found = planned(policy(route("pager", when=when), groups=groups))
    assert bool(found) is fits


def test_shadow_events_disabled_routes_and_unknown_targets_reach_nobody() -> None:
    assert not planned(policy(route("pager")), mode="shadow")
    assert not planned(policy(route("pager", enabled=False)))
    assert not planned(replace(policy(route("pager")), targets={}))


def test_a_schedule_is_asked_for_the_opening_also_of_later_states() -> None:
    night = policy(route("pager", when={"schedule": ["Tue 23:00-24:00"], "states": ["closed"]}))
    later = AT + 2 * 3_600_000
    (found,) = planned(night, now_at=later, state="closed", at=later, closed_at=later)
    assert found.status == "pending"


def test_what_is_too_old_is_not_told_and_that_is_said() -> None:
    (found,) = planned(policy(route("pager", max_age_s=60)))
    assert (found.status, found.reason) == ("skipped", "too-old")


def test_the_picture_is_waited_for_at_the_opening_alone() -> None:
    routes = policy(route("pager", snapshot_wait_s=7, when={"states": ["opened", "closed"]}))
    (opened,) = planned(routes)
    (closed,) = planned(routes, state="closed")
    assert (opened.due_at, opened.snapshot_until) == (NOW, NOW + 7000)
    assert (closed.due_at, closed.snapshot_until) == (NOW, NOW)


def test_a_digest_waits_unless_the_target_takes_none_or_another_route_is_quicker() -> None:
    (collected,) = planned(policy(route("pager", digest_s=300)))
    assert (collected.status, collected.due_at) == ("collecting", NOW + 300_000)
    alarm = {"alarm": Reach(collects=False)}
    (at_once,) = planned(policy(route("alarm", digest_s=300), targets=alarm))
    assert (at_once.status, at_once.due_at) == ("pending", NOW)
    (quick,) = planned(policy(route("pager", digest_s=300), route("pager")))
    assert (quick.status, quick.due_at) == ("pending", NOW)


def test_a_target_hears_also_the_states_that_it_cannot_do_without() -> None:
    targets = {"broker": Reach(states=("opened", "closed"))}
    both = policy(route("broker", "pager"), targets=targets)
    assert {found.target_id for found in planned(both, state="closed")} == {named("broker")}


def test_people_hear_of_what_they_may_see() -> None:
    may = Scope(everything=False, cameras=frozenset({("depot-7", "gate")}))
    may_not = Scope(everything=False, sites=frozenset({"depot-8"}))
    targets = {
        "eve": Reach(user_id=named("eve"), scope=may),
        "bob": Reach(user_id=named("bob"), scope=may_not),
        "ann": Reach(user_id=named("ann")),
        "pager": Reach(),
    }
    everyone = policy(route(everyone=True), targets=targets)
    assert {found.target_id for found in planned(everyone)} == {named("eve"), named("ann")}
    some = policy(route(users=[named("eve"), named("bob")]), targets=targets)
    assert {found.target_id for found in planned(some)} == {named("eve")}


def test_escalation_comes_in_steps_once_per_target() -> None:
    steps = [
        {"after_s": 60, "targets": [named("boss")]},
        {"after_s": 120, "targets": [named("boss"), named("police")]},
    ]
    boss = Escalation.model_validate({"name": "boss", "steps": steps})
    rules = policy(
        route("pager", escalation=named("plan"), when={"states": ["closed"]}),
        targets={"boss": Reach(), "police": Reach()},
        escalations={named("plan"): boss},
    )
    found = planned(rules)
    assert [(one.target_id, one.state, one.due_at - NOW) for one in found] == [
        (named("boss"), "escalated", 60_000),
        (named("police"), "escalated", 120_000),
    ]
    assert all(one.unless_acknowledged for one in found)
    assert {one.state for one in planned(rules, state="closed")} == {"closed"}


@pytest.mark.parametrize(
    ("mute", "silent"),
    [
        (Mute(until=NOW + 1), True),
        (Mute(until=NOW), False),
        (Mute(until=NOW + 1, site="depot-7"), True),
        (Mute(until=NOW + 1, site="depot-8"), False),
        (Mute(until=NOW + 1, site="depot-7", camera="roof"), False),
        (Mute(until=NOW + 1, rule="intrusion"), True),
        (Mute(until=NOW + 1, rule="loitering"), False),
        (Mute(until=NOW + 1, user_id=named("eve")), False),
    ],
)
def test_a_mute_silences_what_it_names(mute: Mute, silent: bool) -> None:
    (found,) = planned(policy(route("pager"), mutes=(mute,)))
    assert (found.status == "muted") is silent


def test_a_users_mute_is_for_the_own_targets() -> None:
    targets = {"eve": Reach(user_id=named("eve")), "bob": Reach(user_id=named("bob"))}
    mutes = (Mute(until=NOW + 1, user_id=named("eve")),)
    found = planned(policy(route(everyone=True), targets=targets, mutes=mutes))
    assert {one.target_id: one.status for one in found} == {
        named("eve"): "muted",
        named("bob"): "pending",
    }
    everyone = policy(targets=targets, mutes=mutes)
    assert is_muted(everyone, named("eve"), "depot-7", "gate", "x", NOW)
    assert not is_muted(everyone, named("gone"), "depot-7", "gate", "x", NOW)


@given(
    st.lists(
        st.tuples(st.sampled_from(["opened", "updated", "closed"]), st.integers(0, 7200_000)),
        max_size=20,
    ),
    st.data(),
)
def test_a_target_is_told_of_a_state_once_whatever_comes(
    changes: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Also when routes change in between, and when the state is read back from a store."""
    variants = [
        policy(route("pager", when={"states": ["opened", "closed"]})),
        policy(route("pager", digest_s=60), route("other")),
        policy(route("pager", max_age_s=60), mutes=(Mute(until=NOW + 3_600_000),)),
        policy(),
    ]
    told: Told = frozenset()
    stored: list[tuple[object, str]] = []
    for state, later in changes:
        found = data.draw(st.sampled_from(variants))
        told, new = step(told, Change(happened(state=state), NOW + later), found)
        stored += [(one.target_id, one.state) for one in new]
        assert told == frozenset(stored)
        assert all(one.due_at >= NOW + later and one.give_up_at > one.due_at for one in new)
    assert len(stored) == len(set(stored))
