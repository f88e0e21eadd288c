"""Conditions of lists: each filter that is given becomes a test on a column."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import sql


@dataclass(slots=True)
class Conditions:
    """Tests joined by AND, and the values of their parameters."""

    tests: list[sql.Composable] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    def among(self, column: str, wanted: Collection[Any]) -> None:
        """Insist on one of these values; none wanted insists on nothing."""
        if not wanted:
            return
        # One value as an equation: an index that begins with it then gives the order, too.
        one = len(wanted) == 1
        template = "{} = {}" if one else "{} = ANY({})"
        self.values[column] = next(iter(wanted)) if one else list(wanted)
        self.tests.append(sql.SQL(template).format(_column(column), sql.Placeholder(column)))

    def one_of(self, column: str, words: Collection[str]) -> None:
        """Insist on one of a few known words, told as literals: partial indexes are chosen by them."""
        if words:
            choices = sql.SQL(", ").join(sql.Literal(word) for word in sorted(words))
            self.tests.append(sql.SQL("{} IN ({})").format(_column(column), choices))

    def of_cameras(self, cameras: Collection[tuple[str, str]]) -> None:
        """Insist on one of these (site, camera)."""
        if not cameras:
            return
        pairs = []
        for number, (site, camera) in enumerate(sorted(cameras)):
            self.values |= {f"site_{number}": site, f"camera_{number}": camera}
            pairs.append(
                sql.SQL("(site = {} AND camera = {})").format(
                    sql.Placeholder(f"site_{number}"), sql.Placeholder(f"camera_{number}")
                )
            )
        self.tests.append(sql.SQL("({})").format(sql.SQL(" OR ").join(pairs)))

    def of_group(self, group_id: UUID | None, site: str = "site", camera: str = "camera") -> None:
        """Insist on a camera of this group."""
        if group_id is None:
            return
        self.values["group_id"] = group_id
        query = (
            "({}, {}) IN (SELECT m.site, m.camera FROM camera_group_members m "
            "WHERE m.group_id = %(group_id)s)"
        )
        self.tests.append(sql.SQL(query).format(_column(site), _column(camera)))

    def joined(self) -> sql.Composable:
        """Return the whole as one condition."""
        return sql.SQL(" AND ").join(self.tests) if self.tests else sql.SQL("true")


def _column(name: str) -> sql.Composable:
    return sql.Identifier(*name.split("."))
