"""Whoever asks: who it is, for which organisation, what it may do, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg import sql

from consumers.access.permissions import WHOLE_ORGANISATION, Permission


@dataclass(frozen=True, slots=True)
class Scope:
    """The sites and single cameras that somebody is limited to; ``everything`` limits nothing.

    >>> scope = Scope(everything=False, sites=frozenset({"depot-7"}))
    >>> scope.allows("depot-7", "gate"), scope.allows("depot-8", "gate")
    (True, False)
    """

    everything: bool = True
    sites: frozenset[str] = frozenset()
    cameras: frozenset[tuple[str, str]] = frozenset()
    """(site, camera)."""
    groups: frozenset[UUID] = frozenset()
    """Camera groups that somebody is limited to; which cameras those mean stands in ``cameras``."""

    def allows(self, site: str, camera: str | None) -> bool:
        """Tell whether something of this site, and of this camera if one is named, may be seen.

        What belongs to a site but to no camera needs the whole site.
        """
        return self.everything or site in self.sites or (site, camera) in self.cameras

    def within(self, other: Scope) -> Scope:
        """Return what both allow.

        >>> depot = Scope(everything=False, sites=frozenset({"depot-7"}))
        >>> gate = Scope(everything=False, cameras=frozenset({("depot-7", "gate"), ("a", "b")}))
        >>> depot.within(gate) == Scope(everything=False, cameras=frozenset({("depot-7", "gate")}))
        True
        """
        if self.everything:
            return other
        if other.everything:
            return self
        return Scope(
            everything=False,
            sites=self.sites & other.sites,
            cameras=frozenset(one for one in self.cameras if other.allows(*one))
            | frozenset(one for one in other.cameras if self.allows(*one)),
            groups=self.groups & other.groups,
        )

    def condition(self, site: str = "site", camera: str | None = "camera") -> sql.Composable:
        """Return the same as an SQL condition on these columns; None: the rows have no camera."""
        if self.everything:
            return sql.SQL("true")
        tests: list[sql.Composable] = []
        if self.sites:
            tests.append(
                sql.SQL("{} = ANY({})").format(_column(site), sql.Literal(sorted(self.sites)))
            )
        if self.cameras and camera is not None:
            pairs = sql.SQL(", ").join(
                sql.SQL("({}, {})").format(sql.Literal(a), sql.Literal(b))
                for a, b in sorted(self.cameras)
            )
            tests.append(sql.SQL("({}, {}) IN ({})").format(_column(site), _column(camera), pairs))
        if not tests:
            return sql.SQL("false")
        return sql.SQL("({})").format(sql.SQL(" OR ").join(tests))

    def names_site(self, site: str = "site") -> sql.Composable:
        """Return the condition that a site may be named: all of it, or one of its cameras, is seen."""
        cameras = sorted({one for one, _ in self.cameras})
        if self.everything or not cameras:
            return self.condition(site, None)
        return sql.SQL("({} OR {} = ANY({}))").format(
            self.condition(site, None), _column(site), sql.Literal(cameras)
        )

    def names_group(self, group_id: str = "group_id") -> sql.Composable:
        """Return the condition that a camera group may be named.

        It is one that somebody is limited to, or one of its cameras is seen.
        """
        if self.everything:
            return sql.SQL("true")
        return sql.SQL(
            "({group} = ANY({own}::uuid[]) OR EXISTS (SELECT FROM camera_group_members AS member "
            "WHERE member.group_id = {group} AND {seen}))"
        ).format(
            group=_column(group_id),
            own=sql.Literal([str(one) for one in sorted(self.groups)]),
            seen=self.condition("member.site", "member.camera"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A user's session or an API key, as it was found to be at this request."""

    kind: Literal["user", "key"]
    subject_id: UUID
    """Of the user or the key."""
    name: str
    """Mail address of the user, name of the key: what the audit trail and operators' words say."""
    organisation_id: UUID
    permissions: frozenset[Permission]
    scope: Scope = field(default_factory=Scope)
    session_id: UUID | None = None
    stepped_up_at: datetime | None = None
    """When the session last proved itself with a second factor."""
    source: str = ""
    """The address that the request came from, for the audit trail."""

    def may(self, permission: Permission) -> bool:
        """Tell whether the permission is given at all; where, the scope says."""
        if permission in WHOLE_ORGANISATION and not self.scope.everything:
            return False
        return permission in self.permissions


def _column(name: str) -> sql.Composable:
    return sql.Identifier(*name.split("."))
