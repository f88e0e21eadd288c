"""``sightline organisations | sites | users | keys``: what operators of the cloud do by hand."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from consumers.access import operating
from consumers.access.operating import Keyed, Member
from consumers.access.permissions import ROLES, Permission, Role
from consumers.store.database import Connection, Database
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.runtime.kafka import create_topics
from schemas.errors import Rejected
from schemas.topics import cloud_topics

PASSWORD_VARIABLE = "SIGHTLINE_OWNER_PASSWORD"
Slug = Annotated[str, typer.Argument(metavar="ORGANISATION", help="Its slug.")]
Mail = Annotated[str, typer.Argument(metavar="MAIL", help="Address of the user.")]
T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    organisations = typer.Typer(help="The organisations of the cloud.")
    sites = typer.Typer(help="Which organisation owns which site.")
    users = typer.Typer(help="People of the cloud's organisations.")
    keys = typer.Typer(help="API keys of organisations.")

    @organisations.command("create")
    def create(
        slug: Annotated[str, typer.Argument(help="a-z, 0-9 and -, for ever.")],
        name: Annotated[str, typer.Option(help="How it is called.")],
        owner: Annotated[str, typer.Option(metavar="MAIL", help="Its first owner.")],
        password: Annotated[
            bool,
            typer.Option(help=f"Ask for the owner's password here, or take ${PASSWORD_VARIABLE}."),
        ] = False,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Make an organisation with its first owner: by a link to send them, or by a password."""
        if password:
            given = os.environ.get(PASSWORD_VARIABLE) or getpass.getpass("Password of the owner: ")
            _do(data_dir, lambda c: operating.create_owned(c, slug, name, owner, given))
            print(f"{owner} owns {slug} and can log in")
            return
        base_url = connect(data_dir).base_url
        link = _do(data_dir, lambda c: operating.create_inviting(c, slug, name, owner, base_url))
        print(f"made {slug}; {owner} becomes its owner by opening, once and within 7 days:")
        print(link)

    @organisations.command("list")
    def list_organisations(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Show the organisations with their numbers of sites and people."""
        table = Table("slug", "name", "sites", "people", box=None)
        for row in _do(data_dir, operating.list_organisations):
            table.add_row(row["slug"], row["name"], str(row["sites"]), str(row["people"]))
        Console().print(table)

    @sites.command("give")
    def give(
        site: Annotated[str, typer.Argument(help="The site.")],
        organisation: Slug,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Give a site, with all that it has sent and will send, to an organisation.

        Its topics are made in the cloud's Kafka, where that is known.
        """
        _do(data_dir, lambda c: operating.give_site(c, site, organisation))
        kafka = connect(data_dir).cloud_kafka
        if kafka:
            create_topics(kafka, cloud_topics(site))
        print(f"{organisation} owns {site}")

    @sites.command("list")
    def list_sites(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Show the sites that have sent something or were given, and their owners."""
        table = Table("site", "organisation", "cameras", box=None)
        for row in _do(data_dir, operating.list_sites):
            table.add_row(row["site"], row["slug"] or "nobody", str(row["cameras"]))
        Console().print(table)

    @users.command("list")
    def list_users(
        organisation: Annotated[str, typer.Option(help="Slug; all where not given.")] = "",
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Show people, what they are where, and what they are limited to."""
        table = Table("mail", "organisation", "role", "limits", "second factor", "state", box=None)
        for one in _do(data_dir, lambda c: operating.list_members(c, organisation or None)):
            table.add_row(*_member(one))
        Console().print(table)

    @users.command("invite")
    def invite(
        mail: Mail,
        organisation: Slug,
        role: Annotated[Role, typer.Option(help="What they become.")] = Role.VIEWER,
        site: Annotated[list[str] | None, typer.Option(help="Only this site; repeatable.")] = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Print a link that makes whoever opens it a member; send it to that mailbox alone."""
        base_url = connect(data_dir).base_url
        link = _do(
            data_dir,
            lambda c: operating.invite_member(c, organisation, mail, role, site, base_url),
        )
        print(f"{mail} becomes {role.value} of {organisation} by opening, once and within 7 days:")
        print(link)

    @users.command("disable")
    def disable(mail: Mail, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Let a user in nowhere any more: sessions end, keys that they made rest."""
        _do(data_dir, lambda c: operating.disable_user(c, mail))
        print(f"{mail} is disabled")

    @users.command("enable")
    def enable(mail: Mail, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Let a disabled user in again."""
        _do(data_dir, lambda c: operating.enable_user(c, mail))
        print(f"{mail} is enabled")

    @users.command("forget-factors")
    def forget_factors(mail: Mail, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Take authenticator, recovery codes and phone from a user who has lost them all.

        Be sure who asks: afterwards the password alone lets them in.
        """
        _do(data_dir, lambda c: operating.forget_user_factors(c, mail))
        print(f"{mail} logs in by password alone and can enrol anew")

    @keys.command("create")
    def create_key(
        organisation: Slug,
        name: Annotated[str, typer.Option(help="What it is for.")],
        permission: Annotated[
            list[Permission] | None, typer.Option(help="What it may do; repeatable.")
        ] = None,
        role: Annotated[Role | None, typer.Option(help="All that this role may do.")] = None,
        site: Annotated[list[str] | None, typer.Option(help="Only this site; repeatable.")] = None,
        days: Annotated[int, typer.Option(min=1, max=3660, help="How long it works.")] = 365,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Make an API key that belongs to no person, and print it this once."""
        permissions = {*(permission or ()), *(ROLES[role] if role else ())}
        if not permissions:
            raise Rejected("a key that may nothing is of no use: give --role or --permission")
        made = _do(
            data_dir,
            lambda c: operating.create_key(c, organisation, name, permissions, site, days),
        )
        print(made)

    @keys.command("list")
    def list_keys(organisation: Slug, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Show an organisation's keys that work."""
        table = Table("key", "name", "permissions", "made by", "used", "until", box=None)
        for one in _do(data_dir, lambda c: operating.list_organisation_keys(c, organisation)):
            table.add_row(*_key(one))
        Console().print(table)

    @keys.command("revoke")
    def revoke_key(
        organisation: Slug,
        prefix: Annotated[str, typer.Argument(help="How the key begins: see `keys list`.")],
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Revoke a key: its next request is refused."""
        _do(data_dir, lambda c: operating.revoke_by_prefix(c, organisation, prefix))
        print(f"{prefix} is revoked")

    for name, group in (
        ("organisations", organisations),
        ("sites", sites),
        ("users", users),
        ("keys", keys),
    ):
        app.add_typer(group, name=name)


def _do(data_dir: Path, work: Callable[[Connection], Awaitable[T]]) -> T:
    """Do something in one transaction on the cloud's Postgres."""
    dsn = connect(data_dir).need("postgres_dsn")

    async def run() -> T:
        async with Database(dsn, connections=1) as database, database.system() as connection:
            return await work(connection)

    return asyncio.run(run())


def _member(one: Member) -> tuple[str, ...]:
    limits = "none" if one.limits is None else ", ".join(one.limits.sites) or "camera groups"
    return (
        *(one.mail, one.organisation, one.role.value, limits),
        *("yes" if one.has_factor else "no", "disabled" if one.disabled else "enabled"),
    )


def _key(one: Keyed) -> tuple[str, ...]:
    return (
        *(one.prefix, one.name, " ".join(one.permissions), one.made_by or "operators"),
        f"{one.used_at:%Y-%m-%d %H:%M}" if one.used_at else "never",
        f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "revoked",
    )
