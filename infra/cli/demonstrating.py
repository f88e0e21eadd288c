"""``sightline demo``: the whole thread on this machine, with its events as they arrive."""

from __future__ import annotations

import signal
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from consumers.sync.publish import await_receipt, publish, receipts_end
from infra.cli import demo_report, demo_site
from infra.cli.compiling import compile_whole
from infra.cli.connection import (
    DEFAULT_DATA_DIR,
    DataDir,
    check_owner,
    models_folder,
    recorded_site,
)
from infra.cli.models_import import import_into
from infra.cli.platform import Platform, timed
from infra.local.display import StartDisplay
from infra.local.stack import Stack, StackConfig
from producers.sources.file import FileSource
from schemas.errors import Rejected
from schemas.site import parse
from streams.inference.local import LocalModel

EXIT_NO_EVENTS = 3
CONFIG_WAIT_S = 60.0


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    video: Path | None
    site: Path | None
    model: str | None
    model_file: Path | None
    seconds: float | None
    data_dir: Path


def register(app: typer.Typer) -> None:
    """Add the ``demo`` command."""

    @app.command("demo")
    def demo(
        video: Annotated[
            Path | None, typer.Option(help="Real footage instead of the scene.")
        ] = None,
        site: Annotated[
            Path | None,
            typer.Option(help="Sensors and rules for the footage.", metavar="SITE.yaml"),
        ] = None,
        model: Annotated[str | None, typer.Option(help="Model that looks at the frames.")] = None,
        model_file: Annotated[
            Path | None, typer.Option(help="Weights of the model.", metavar="FILE.onnx")
        ] = None,
        seconds: Annotated[
            float | None,
            typer.Option(help="End by itself after that long; exit 0 only with events."),
        ] = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Start edge and cloud, run a camera, and print each event as it reaches the cloud."""
        wish = Wish(video, site, model, model_file, seconds, data_dir)
        raise typer.Exit(run(wish, Console()))


def run(wish: Wish, console: Console) -> int:
    """Run the demo; return its exit code."""
    site_text = demo_site.text_for(wish.video, wish.site, wish.model)
    config = parse(site_text)
    compile_whole(config)
    wish = replace(wish, data_dir=_own_folder(wish.data_dir, config.site))
    check_owner(wish.data_dir, config.site)
    _check_files(wish)
    watching, stopping = threading.Event(), threading.Event()
    with _signals(watching, stopping):
        stack = Stack(
            StackConfig(data_dir=wish.data_dir, model_repository=models_folder(wish.data_dir))
        )
        platform = Platform(stack, wish.data_dir, config.site)
        try:
            with StartDisplay(console) as display:
                stack.start(display.report)
                platform.start(display.report)
                if wish.model_file is not None:
                    timed(display.report, "weights", lambda: _import(platform, wish))
                timed(display.report, "configuration", lambda: _apply(platform, site_text))
            watching.set()
            return demo_report.watch(platform, wish.seconds, stopping, console)
        finally:
            console.print("stopping …")
            stack.stop()


def _own_folder(data_dir: Path, site: str) -> Path:
    """Return the folder given, or one beside the default where that holds another site's data."""
    if data_dir == DEFAULT_DATA_DIR and recorded_site(data_dir) not in ("", site):
        return Path(f"{DEFAULT_DATA_DIR}-{site}")
    return data_dir


def _import(platform: Platform, wish: Wish) -> None:
    assert wish.model_file is not None
    name = wish.model or wish.model_file.stem
    import_into(platform.settings, name, wish.model_file, name)


def _apply(platform: Platform, site_text: str) -> None:
    """Publish through the cloud's topic, as an operator far away would, and await the receipt."""
    cloud = platform.stack.endpoints.cloud_kafka
    before = receipts_end(cloud)
    digest = publish(cloud, platform.site, site_text, author="demo")
    receipt = await_receipt(cloud, platform.site, digest, wait_s=CONFIG_WAIT_S, start=before)
    if receipt.status == "refused":
        raise Rejected(f"the site refuses the configuration: {receipt.errors}")


def _check_files(wish: Wish) -> None:
    """Try the files before anything starts: what is wrong with them is known in a second."""
    try:
        if wish.video is not None:
            with closing(FileSource(wish.video)) as video:
                video.open()
                next(iter(video), None)
        if wish.model_file is not None:
            LocalModel(wish.model or wish.model_file.stem, wish.model_file)
    except Rejected as error:
        raise Rejected(f"nothing was started: {error}") from error


@contextmanager
def _signals(watching: threading.Event, stopping: threading.Event) -> Any:
    """Let Ctrl-C and SIGTERM end the watch with its summary; before it, and once more, all."""

    def stop(*_: Any) -> None:
        if stopping.is_set() or not watching.is_set():
            raise KeyboardInterrupt
        stopping.set()

    before = {sig: signal.signal(sig, stop) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
