"""The process of the analytics: track index, rollups, Parquet, and the fleet in figures."""

from __future__ import annotations

import time
from collections.abc import Callable

from consumers.etl.parquet.bucket import AnalyticsBucket
from consumers.etl.postgres import session
from consumers.etl.watching import watch_certificate, watch_fleet
from consumers.etl.working import EVERY_S, Exporter, RollupWorker
from consumers.sinks.tracks import run_track_index
from infra.runtime.service import Service
from infra.runtime.side_by_side import run_side_by_side
from schemas.errors import Retryable

RETRY_FIRST_S, RETRY_LAST_S = 0.5, 30.0
WATCH_EVERY_S = 15.0
CERTIFICATE_EVERY_S = 3600.0


def run_etl(service: Service) -> None:
    """Keep the analytics right until the service stops.

    Any number may run beside each other, with a ``worker`` name each. While Postgres, Kafka or
    object storage is away, what needs it waits, and says so on /healthz.

    Raises:
        Fatal: a setting is missing, or the tables are not there.
    """
    settings = service.settings
    dsn = settings.need("postgres_dsn")
    bucket = AnalyticsBucket.from_settings(settings)
    stopping = service.stopping
    worker, exporter = RollupWorker(stopping.is_set), Exporter(bucket, stopping.is_set)

    def rollups() -> None:
        with session(dsn) as connection:
            worker.work(connection, time.monotonic())

    def parquet() -> None:
        with session(dsn) as connection:
            exporter.work(connection)

    def fleet() -> None:
        with session(dsn) as connection:
            watch_fleet(connection)

    def certificate() -> None:
        problem = watch_certificate(settings.public_url)
        if problem:
            raise Retryable(problem)

    run_side_by_side(
        service,
        {
            "track-index": lambda: run_track_index(service),
            "rollups": lambda: _patiently(service, "rollups", rollups, EVERY_S["minute"]),
            "parquet": lambda: _patiently(service, "parquet", parquet, EVERY_S["export"]),
            "fleet": lambda: _patiently(service, "fleet", fleet, WATCH_EVERY_S),
            "certificate": lambda: _patiently(
                service, "certificate", certificate, CERTIFICATE_EVERY_S
            ),
        },
    )


def _patiently(service: Service, name: str, step: Callable[[], None], every_s: float) -> None:
    """Repeat a step; while what it needs is away it is tried again, and the check ``name`` says so."""
    problem: list[str] = []
    service.checks[name] = lambda: problem[0] if problem else None
    tries = 0
    while not service.stopping.is_set():
        try:
            step()
        except Retryable as error:
            if not problem:
                service.log.warning(f"{name} waits", error=str(error))
            problem[:] = [str(error)]
            wait_s = min(RETRY_LAST_S, RETRY_FIRST_S * 2.0 ** min(tries, 10))
            tries += 1
        else:
            if problem:
                service.log.info(f"{name} goes on")
            problem.clear()
            wait_s, tries = every_s, 0
        service.stopping.wait(wait_s)
