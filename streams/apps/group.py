"""The consumer group of a stage: how Faust is set up."""

from __future__ import annotations

from pathlib import Path

import faust

from streams.apps.delivery import BulkTransport
from streams.apps.logic import StageLogic

_BUFFER = 500
"""Messages that wait for a stage; so many more are fetched ahead."""
SESSION_S = 10.0
"""After so long without a sign the group gives this worker's partitions to another."""


def faust_app(logic: StageLogic, bootstrap: str, worker: str, scratch: Path) -> faust.App:
    """Return the app of one stage and worker; its id is the group's."""
    scratch.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        f"sightline.{logic.name}",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        datadir=scratch / logic.name,
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=f"{logic.name}-{worker}",
        # A message still in hand is read again after a rebalance; waiting for it here can hang.
        stream_wait_empty=False,
        broker_commit_interval=1.0,
        broker_session_timeout=SESSION_S,
        broker_heartbeat_interval=2.0,
        stream_buffer_maxsize=_BUFFER,
    )
    app.transport = BulkTransport(app.conf.broker_consumer, app)
    return app
