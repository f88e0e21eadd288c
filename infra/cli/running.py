"""``sightline run PART``: one long-running process of the platform.

Each command imports its own part only, so that a process holds no more than it needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from infra.runtime.service import Service
from infra.runtime.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the ``run`` commands."""
    run = typer.Typer(help="Run one process of the platform until it is stopped.")

    @run.command("capture")
    def capture() -> None:
        """Cameras to frames, for the whole site."""
        from producers.main import run_capture

        _run("capture", run_capture)

    @run.command("detect")
    def detect() -> None:
        """Frames to detections, through Triton."""
        from streams.inference.detect import run_detect

        _run("detect", run_detect)

    @run.command("streams")
    def streams(
        only: Annotated[
            list[str] | None, typer.Option(help="A stage: sense, match, filter, group.")
        ] = None,
    ) -> None:
        """Detections to events: the Faust stages, all in one process or some alone."""
        from streams.apps.worker import run_streams

        name = "streams" if not only else "-".join(only)
        _run(name, lambda service: run_streams(service, tuple(only or ())))

    @run.command("evidence")
    def evidence() -> None:
        """Snapshots and clips for events."""
        from streams.evidence.run import run_evidence

        _run("evidence", run_evidence)

    @run.command("agent")
    def agent() -> None:
        """The site's side of configuration, and beats for cameras whose process died."""
        from consumers.sync.agent import run_agent
        from infra.cli.compiling import compile_whole

        _run("agent", lambda service: run_agent(service, compile_whole))

    @run.command("updates")
    def updates() -> None:
        """The site's models as they are wanted: fetched, tried, switched, rolled back."""
        from streams.inference.updating.run import run_models

        _run("updates", run_models)

    @run.command("local-notify")
    def local_notify() -> None:
        """The site's events to its own targets, cloud or no cloud."""
        from consumers.notify.local.run import run_local_notify

        _run("local-notify", run_local_notify)

    @run.command("evidence-sink")
    def evidence_sink() -> None:
        """Evidence of all sites to object storage, with an index row in Postgres."""
        from consumers.sinks.evidence import run_evidence_sink

        _run("evidence-sink", run_evidence_sink)

    @run.command("api")
    def api() -> None:
        """The cloud's API, streams of events included, on SIGHTLINE_LISTEN."""
        from consumers.api.serve import run_api

        _run("api", run_api)

    @run.command("realtime")
    def realtime() -> None:
        """Streams of events alone: the API's routes for them, on SIGHTLINE_LISTEN."""
        from consumers.api.registry import STREAMS
        from consumers.api.serve import run_api

        _run("realtime", lambda service: run_api(service, STREAMS))

    @run.command("notify")
    def notify() -> None:
        """Events to people and systems: webhooks, mail, MQTT, browsers, alarm centres."""
        from consumers.notify.run import run_notify

        _run("notify", run_notify)

    @run.command("etl")
    def etl() -> None:
        """Rollups, the index of tracks, Parquet."""
        from consumers.etl.run import run_etl

        _run("etl", run_etl)

    @run.command("keeping")
    def keeping() -> None:
        """Retention, erasures, partitions of the days to come."""
        from consumers.keeping.run import run_keeping

        _run("keeping", run_keeping)

    @run.command("cloud")
    def cloud() -> None:
        """All services of a small cloud in one process: api, notify, etl, keeping."""
        from consumers.api.serve import run_api
        from consumers.etl.run import run_etl
        from consumers.keeping.run import run_keeping
        from consumers.notify.run import run_notify
        from infra.runtime.side_by_side import run_side_by_side

        def main(service: Service) -> None:
            parts = {"api": run_api, "notify": run_notify, "etl": run_etl, "keeping": run_keeping}
            mains = {name: partial(part, service) for name, part in parts.items()}
            run_side_by_side(service, mains)

        _run("cloud", main)

    app.add_typer(run, name="run")


def _run(name: str, main: Callable[[Service], None]) -> None:
    service = Service(name, Settings.from_environment(os.environ))
    raise typer.Exit(service.run(main))
