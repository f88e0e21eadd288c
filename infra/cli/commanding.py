"""``sightline command``: orders to a site, obeyed or refused by its edge agent."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from consumers.sync.commanding import ARM, command_digest, document_of
from consumers.sync.publish import RECEIPTS_TOPIC, await_receipt, receipts_end, send_command
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import read_all
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.errors import Rejected
from schemas.records import Receipt

EXIT_REFUSED = 2
Site = Annotated[str, typer.Option(help="The site; that of the stack here where not given.")]
Local = Annotated[bool, typer.Option(help="Speak with the site itself, not through the cloud.")]


def register(app: typer.Typer) -> None:
    """Add the ``command`` commands."""
    command = typer.Typer(help="Orders to a site.")

    @command.command("arm")
    def arm(
        mode: Annotated[
            str, typer.Argument(metavar="home|away|MODE|off", help="A mode, or off for none.")
        ],
        site: Site = "",
        local: Local = False,
        wait_s: Annotated[
            float, typer.Option(help="Seconds to wait for the receipt; later it is not obeyed.")
        ] = 30,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Arm a site in a mode and wait for its receipt."""
        settings = connect(data_dir)
        where = site_of(settings, site)
        bootstrap = settings.need("edge_kafka" if local else "cloud_kafka")
        before = receipts_end(bootstrap)
        order = send_command(bootstrap, where, ARM, {"mode": mode}, valid_s=wait_s)
        receipt = await_receipt(
            bootstrap, where, command_digest(order), document_of(ARM), wait_s=wait_s, start=before
        )
        if receipt.status == "refused":
            for fault in json.loads(receipt.errors):
                allowed = f" (allowed: {fault['allowed']})" if fault["allowed"] else ""
                print(f"site {where} refused: {fault['problem']}{allowed}", file=sys.stderr)
            raise typer.Exit(EXIT_REFUSED)
        modes = json.loads(receipt.details)["modes"]
        print(f"site {where} is {armed_text(modes)}, version {receipt.config_version}")

    @command.command("mode")
    def show(site: Site = "", local: Local = False, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Show in which mode a site is armed, and since when."""
        settings = connect(data_dir)
        where = site_of(settings, site)
        print(_mode_at_site(settings, where) if local else _mode_in_cloud(settings, where))

    app.add_typer(command, name="command")


def site_of(settings: Settings, given: str) -> str:
    """Return the site that is meant.

    Raises:
        Rejected: none is given, and no stack here has one.
    """
    if not (given or settings.site):
        raise Rejected("no site is given: add --site NAME")
    return given or settings.site


def armed_text(modes: list[str]) -> str:
    """Say in which modes a site is armed."""
    return f"armed: {', '.join(modes)}" if modes else "not armed"


def _mode_at_site(settings: Settings, site: str) -> str:
    configs = ConfigStore(settings.need("edge_kafka"))
    try:
        applied = configs.latest().applied
    finally:
        configs.close()
    if applied.site != site:
        raise Rejected(f"the stack here runs site {applied.site}, not {site}: leave --local away")
    return _line(site, list(applied.modes), applied.config_version, applied.accepted_at)


def _mode_in_cloud(settings: Settings, site: str) -> str:
    receipt_id = f"{site}/{document_of(ARM)}"
    newest: Receipt | None = None
    for message in read_all(settings.need("cloud_kafka"), RECEIPTS_TOPIC):
        if message.key != receipt_id or message.value is None:
            continue
        receipt = decode_as(Receipt, message.value)
        if newest is None or receipt.revision >= newest.revision:
            newest = receipt
    if newest is None:
        return f"site {site} is not armed: it was never told to be"
    modes = json.loads(newest.details)["modes"]
    return _line(site, modes, newest.config_version, newest.at)


def _line(site: str, modes: list[str], version: int, at: int) -> str:
    said_at = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")
    return f"site {site} is {armed_text(modes)}, version {version} of {said_at}"
