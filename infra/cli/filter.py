"""``sightline filter``: what the false-positive filter has learned, and an operator's word on it."""

from __future__ import annotations

import getpass
import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated, Literal, cast
from uuid import uuid4

import msgspec
import typer
from rich.console import Console

from consumers.sync.opinions import CANDIDATES_TOPIC, document_of, feedback_digest
from consumers.sync.publish import await_receipt, receipts_end, send_feedback
from infra.cli.commanding import Local, Site, site_of
from infra.cli.configuring import running_site
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.cli.learned import draw_learned, table_of
from infra.cli.picturing import first_picture, read_picture
from infra.runtime.kafka import RecordProducer, read_all
from producers.picture import encoded
from producers.privacy import Image
from schemas.codec import decode_as
from schemas.errors import Rejected, Retryable
from schemas.records import Feedback, Remark, State
from streams.core.filter import FilterState
from streams.core.learning.place import Learned

EXIT_REFUSED = 2
WORDS = ("confirmed", "dismissed", "ignored_here")
Camera = Annotated[str, typer.Argument(metavar="CAMERA")]


def register(app: typer.Typer) -> None:
    """Add the ``filter`` commands."""
    commands = typer.Typer(help="What the false-positive filter has learned, and words on it.")

    @commands.command("show")
    def show(
        camera: Camera,
        out: Annotated[Path | None, typer.Option(help="Draw it into this JPEG, too.")] = None,
        picture: Annotated[
            Path | None, typer.Option(help="Draw on this picture instead of the camera's own.")
        ] = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Show what was learned of a camera: what stands there, sizes, and operators' words."""
        learned = learned_of(connect(data_dir).need("edge_kafka"), camera)
        Console().print(table_of(learned))
        if out is not None:
            shown = read_picture(picture) if picture else _picture_of(data_dir, camera)
            out.write_bytes(encoded(draw_learned(shown, learned)).jpeg)
            print(out)

    @commands.command("reset")
    def reset(camera: Camera, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Forget what was learned of a camera, at the site, from the next candidate on."""
        settings = connect(data_dir)
        found = _states(settings.need("edge_kafka"), camera)
        if not found:
            raise Rejected(f"nothing has been learned of a camera {camera}: see `filter show`")
        producer = RecordProducer(settings.need("edge_kafka"), "sightline.filter")
        for key, state in found.items():
            remark = Remark(
                site=state.site,
                key=key,
                config_version=state.config_version,
                remark_id=str(uuid4()),
                verdict="reset",
                author=getpass.getuser(),
                said_at=time.time_ns() // 1_000_000,
                camera=camera,
            )
            producer.send(CANDIDATES_TOPIC, remark, key=key)
        producer.flush(30)
        print(f"what was learned of {camera} is forgotten")

    @commands.command("say")
    def say(
        event: Annotated[str, typer.Argument(metavar="ID", help="An event, or a candidate.")],
        word: Annotated[str, typer.Argument(metavar="|".join(WORDS))],
        candidate: Annotated[bool, typer.Option(help="ID is a candidate's.")] = False,
        site: Site = "",
        local: Local = False,
        wait_s: Annotated[float, typer.Option(help="Seconds to wait for the receipt.")] = 30,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Say what an event was; a suppressed candidate that is confirmed becomes an event."""
        if word not in WORDS:
            raise Rejected(f'"{word}" is no word on an event: say one of {", ".join(WORDS)}')
        settings = connect(data_dir)
        bootstrap = settings.need("edge_kafka" if local else "cloud_kafka")
        feedback = Feedback(
            feedback_id=str(uuid4()),
            site=site_of(settings, site),
            candidate_id=event if candidate else None,
            event_id=None if candidate else event,
            verdict=cast(Literal["confirmed", "dismissed", "ignored_here"], word),
            author=getpass.getuser(),
            at=time.time_ns() // 1_000_000,
        )
        before = receipts_end(bootstrap)
        send_feedback(bootstrap, feedback)
        receipt = await_receipt(
            bootstrap,
            feedback.site,
            feedback_digest(feedback),
            document_of(feedback.feedback_id),
            wait_s=wait_s,
            start=before,
        )
        if receipt.status == "refused":
            for fault in json.loads(receipt.errors):
                print(f"site {feedback.site} refused: {fault['problem']}", file=sys.stderr)
            raise typer.Exit(EXIT_REFUSED)
        print(f"site {feedback.site} has heard it")

    app.add_typer(commands, name="filter")


def learned_of(bootstrap: str, camera: str) -> Learned:
    """Return what the filter's stored state holds of a camera.

    Raises:
        Rejected: it has learned nothing of it.
        Retryable: Kafka does not answer.
    """
    found = [state.learned[camera] for state in _states(bootstrap, camera).values()]
    if not found:
        raise Rejected(
            f"nothing has been learned of a camera {camera}: give one whose rules have had "
            "candidates, by its name in the site's configuration"
        )
    return found[0]


def _states(bootstrap: str, camera: str) -> dict[str, FilterState]:
    """Return the newest state of every key that has learned of a camera, its own first."""
    newest: dict[str, State] = {}
    for message in read_all(bootstrap, "state.filter"):
        if message.value is None:
            continue
        stored = decode_as(State, message.value)
        known = newest.get(stored.key)
        order = (stored.claim, stored.sequence)
        if known is None or order >= (known.claim, known.sequence):
            newest[stored.key] = stored
    found: dict[str, FilterState] = {}
    for key, stored in sorted(newest.items(), key=lambda one: (one[0] != camera, one[0])):
        if key.startswith("/"):
            continue
        state = msgspec.msgpack.decode(stored.body, type=FilterState)
        if camera in state.learned:
            found[key] = state
    return found


def _picture_of(data_dir: Path, camera: str) -> Image | None:
    config = running_site(data_dir)
    if camera not in config.cameras:
        return None
    try:
        return first_picture(config.cameras[camera], os.environ)
    except (Rejected, Retryable) as error:
        print(f"cameras.{camera}: {error}; drawn without a picture", file=sys.stderr)
        return None
