"""``sightline config``: check, describe and apply a site's configuration."""

from __future__ import annotations

import getpass
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from consumers.sync.publish import await_receipt, publish, receipts_end
from infra.cli.advising import advice
from infra.cli.commanding import Local, Site, site_of
from infra.cli.compiling import compile_whole
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.cli.drawing import draw_sensors
from infra.cli.picturing import first_picture, read_picture
from infra.cli.promoting import promoted, running_text
from infra.runtime.configs import ConfigStore
from producers.picture import encoded
from producers.privacy import Image
from schemas.errors import Rejected, Retryable
from schemas.site import SiteConfig, check, differences, json_schema

SiteFile = Annotated[Path, typer.Argument(metavar="FILE", help="A site's YAML file.")]
EXIT_DIFFERENT = 1
EXIT_FAULTY = 2


def register(app: typer.Typer) -> None:
    """Add the ``config`` commands."""
    config = typer.Typer(help="A site's configuration.")

    @config.command("check")
    def check_file(path: SiteFile) -> None:
        """Report every fault at once: where it is, what is wrong, what is allowed."""
        _, found = read_site(path)
        counts = (
            f"{len(found.cameras)} cameras, {len(found.sensors)} sensors, {len(found.rules)} rules"
        )
        print(f"{path}: site {found.site}, {counts}: no faults")
        for line in advice("", found):
            print(f"{path}: {line}", file=sys.stderr)

    @config.command("schema")
    def schema() -> None:
        """Print the JSON Schema of the file."""
        json.dump(json_schema(), sys.stdout, indent=2)
        print()

    @config.command("apply")
    def apply(
        path: SiteFile,
        local: Annotated[
            bool, typer.Option(help="Publish at the site itself, not through the cloud.")
        ] = False,
        wait_s: Annotated[float, typer.Option(help="Seconds to wait for the receipt.")] = 30,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Publish a configuration and wait for the site's receipt."""
        text, found = read_site(path)
        compile_whole(found)
        settings = connect(data_dir)
        if settings.site and settings.site != found.site:
            raise Rejected(
                f"{path} is for site {found.site}, the stack here runs {settings.site}: change "
                "`site:`, or start a stack of its own with --data-dir"
            )
        bootstrap = settings.need("edge_kafka" if local else "cloud_kafka")
        _publish(bootstrap, found.site, text, wait_s, str(path))
        for line in advice(settings.model_repository, found):
            print(f"{path}: {line}", file=sys.stderr)

    @config.command("promote")
    def promote(
        rule: Annotated[str, typer.Argument(metavar="RULE", help="A rule with `mode: shadow`.")],
        site: Site = "",
        local: Local = False,
        wait_s: Annotated[float, typer.Option(help="Seconds to wait for the receipt.")] = 30,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Make a shadow rule live, in the configuration that runs, and wait for the receipt."""
        settings = connect(data_dir)
        where = site_of(settings, site)
        text = promoted(running_text(settings, where), rule)
        bootstrap = settings.need("edge_kafka" if local else "cloud_kafka")
        _publish(bootstrap, where, text, wait_s, f"rules.{rule}")
        print(
            f"rules.{rule} is live: write `mode: live` into your own file too, before it is applied"
        )

    @config.command("diff")
    def diff(
        before: SiteFile,
        after: Annotated[
            Path | None,
            typer.Argument(metavar="[NEW]", help="Without it FILE is compared with what runs."),
        ] = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Show what a file means otherwise than another, or than what runs; exit 1 if anything."""
        _, wanted = read_site(after or before)
        found = differences(read_site(before)[1] if after else running_site(data_dir), wanted)
        for difference in found:
            print(difference)
        raise typer.Exit(EXIT_DIFFERENT if found else 0)

    @config.command("draw")
    def draw(
        path: SiteFile,
        out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("."),
        camera: Annotated[str | None, typer.Option(help="Only this camera.")] = None,
        picture: Annotated[
            Path | None, typer.Option(help="Draw on this picture instead of the camera's own.")
        ] = None,
    ) -> None:
        """Draw every sensor on its camera's picture, one JPEG a camera."""
        _, found = read_site(path)
        if camera is not None and camera not in found.cameras:
            raise Rejected(
                f"{path} has no camera {camera}; it has {', '.join(sorted(found.cameras))}"
            )
        given = None if picture is None else read_picture(picture)
        out.mkdir(parents=True, exist_ok=True)
        for name in [camera] if camera else sorted(found.cameras):
            canvas = draw_sensors(given if picture else _picture_of(found, name), found, name)
            target = out / f"{name}.jpg"
            target.write_bytes(encoded(canvas).jpeg)
            print(target)

    app.add_typer(config, name="config")


def _publish(bootstrap: str, site: str, text: str, wait_s: float, name: str) -> None:
    before = receipts_end(bootstrap)
    digest = publish(bootstrap, site, text, author=getpass.getuser())
    receipt = await_receipt(bootstrap, site, digest, wait_s=wait_s, start=before)
    if receipt.status == "refused":
        for fault in json.loads(receipt.errors):
            print(f"{name}: {fault}", file=sys.stderr)
        raise typer.Exit(EXIT_FAULTY)
    print(f"site {site} runs version {receipt.config_version} ({digest[:12]})")


def running_site(data_dir: Path) -> SiteConfig:
    """Return the configuration that the site here runs.

    Raises:
        Fatal: nothing runs.
        Retryable: nothing was applied yet.
    """
    configs = ConfigStore(connect(data_dir).need("edge_kafka"))
    try:
        return configs.latest().site
    finally:
        configs.close()


def _picture_of(config: SiteConfig, camera: str) -> Image | None:
    try:
        return first_picture(config.cameras[camera], os.environ)
    except (Rejected, Retryable) as error:
        print(f"cameras.{camera}: {error}; drawn without a picture", file=sys.stderr)
        return None


def unreadable(path: Path, error: OSError | UnicodeDecodeError) -> str:
    """Say why a site file cannot be read, and what to do."""
    why = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
    return f"{path} cannot be read: {why}; give the path of a site's YAML file"


def read_site(path: Path) -> tuple[str, SiteConfig]:
    """Read and check a site file; with faults, print them all and exit with 2."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(unreadable(path, error), file=sys.stderr)
        raise typer.Exit(EXIT_FAULTY) from error
    checked = check(text)
    for fault in checked.faults:
        print(f"{path}: {fault}", file=sys.stderr)
    if checked.config is None:
        raise typer.Exit(EXIT_FAULTY)
    return text, checked.config
