"""``sightline audit``: whether the audit trails hold."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from consumers.access.audit_chain import Head
from consumers.access.audit_verify import verify
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from schemas.errors import Rejected

EXIT_BROKEN = 2
_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


def register(app: typer.Typer) -> None:
    """Add the ``audit`` commands."""
    audit = typer.Typer(help="The audit trail of the cloud and its organisations.")
    # With one command alone typer would drop its name.
    audit.callback()(lambda: None)

    @audit.command("verify")
    def check(
        organisation: Annotated[str, typer.Option(help="Slug; every trail where not given.")] = "",
        expect: Annotated[
            str, typer.Option(help="N:HASH printed earlier, of the same organisation.")
        ] = "",
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Follow the chain of every entry and name the first that is changed, missing or added.

        The last line of a trail that holds is its end: write it down elsewhere, and give it to
        --expect later, for whoever owns the database could write a whole chain anew.
        """
        if expect and not organisation:
            raise Rejected("--expect is of one organisation: add --organisation SLUG")
        found = verify(
            connect(data_dir).need("postgres_dsn"),
            organisation or None,
            _head(expect) if expect else None,
        )
        for one in found:
            if one.broken is None:
                print(f"{one.name}: {one.head.n} entries hold, up to {one.head}")
            else:
                print(f"{one.name}: BROKEN at entry {one.broken.n}: {one.broken.what}")
        if any(one.broken is not None for one in found):
            raise typer.Exit(EXIT_BROKEN)

    app.add_typer(audit, name="audit")


def _head(text: str) -> Head:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise Rejected(f"{text[:80]!r} is no N:HASH as `sightline audit verify` prints it")
    return Head(int(found[1]), bytes.fromhex(found[2]))
