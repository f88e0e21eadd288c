"""Structured logging: one JSON object a line for machines, colours for a person at a terminal."""

from __future__ import annotations

import logging
import sys

import structlog

QUIET_S = 10.0
"""A client library's line comes at most this often: a broker away makes thousands of them."""
_CLIENTS = ("aiokafka", "faust", "mode", "librdkafka", "httpx", "httpcore", "onveef")


class _Repeats(logging.Filter):
    """Lets each kind of line of a client library through once in ``QUIET_S`` seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(_CLIENTS):
            return True
        kind = f"{record.name} {str(record.msg)[:40]}"
        if record.created - self._shown.get(kind, 0.0) < QUIET_S:
            return False
        if len(self._shown) > 1000:
            self._shown.clear()
        self._shown[kind] = record.created
        return True


def configure_logging(style: str = "json", level: int = logging.INFO) -> None:
    """Send structlog and the standard library's logging to stderr in one format."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if style == "console"
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Repeats())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processor=renderer)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Client libraries repeat themselves while a broker is away, and write every address that they
    # ask, with the secrets that are in some of them; their warnings say enough.
    for noisy in _CLIENTS:
        logging.getLogger(noisy).setLevel(logging.WARNING)
