from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from consumers.access.principal import Scope

SITES = st.sampled_from(["a", "b", "c"])
CAMERAS = st.sampled_from(["x", "y"])
SCOPES = st.one_of(
    st.just(Scope()),
    st.builds(
        Scope,
        everything=st.just(False),
        sites=st.frozensets(SITES),
        cameras=st.frozensets(st.tuples(SITES, CAMERAS)),
        groups=st.frozensets(st.builds(UUID, int=st.integers(0, 2))),
    ),
)


@given(SCOPES, SCOPES, SITES, st.none() | CAMERAS)
def test_two_scopes_together_allow_what_both_do(
    one: Scope, other: Scope, site: str, camera: str | None
) -> None:
    both = one.within(other)
    assert both.allows(site, camera) == (one.allows(site, camera) and other.allows(site, camera))
    assert both == other.within(one)
    limited = [scope for scope in (one, other) if not scope.everything]
    assert all(both.groups <= scope.groups for scope in limited)


@given(SCOPES)
def test_a_scope_within_itself_is_itself(scope: Scope) -> None:
    again = scope.within(scope)
    assert again.everything == scope.everything and again.sites == scope.sites
