from __future__ import annotations

import itertools
from uuid import UUID

import pytest

from consumers.access.permissions import ROLES, WHOLE_ORGANISATION, Permission, Role
from consumers.access.principal import Principal, Scope
from consumers.access.users import may_grant

ORDER = (Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.OWNER)
DEPOT = Scope(everything=False, sites=frozenset({"depot-7"}))


def somebody(role: Role, scope: Scope | None = None) -> Principal:
    return Principal(
        kind="user",
        subject_id=UUID(int=1),
        name="somebody@example.com",
        organisation_id=UUID(int=2),
        permissions=ROLES[role],
        scope=scope or Scope(),
    )


def test_each_role_has_all_of_the_one_below() -> None:
    assert set(ROLES) == set(ORDER)
    for low, high in itertools.pairwise(ORDER):
        assert ROLES[low] < ROLES[high]
    assert ROLES[Role.OWNER] == set(Permission)


@pytest.mark.parametrize("role", ORDER)
def test_who_is_limited_does_nothing_to_the_whole(role: Role) -> None:
    limited = somebody(role, DEPOT)
    assert not any(limited.may(permission) for permission in WHOLE_ORGANISATION)
    assert not any(may_grant(limited, other) for other in ORDER)


@pytest.mark.parametrize("giver", ORDER)
@pytest.mark.parametrize("given", ORDER)
def test_nobody_grants_more_than_they_have(giver: Role, given: Role) -> None:
    assert may_grant(somebody(giver), given) == (ORDER.index(given) <= ORDER.index(giver))
