"""How Faust's messages reach a stage: in bulk, without tasks of their own.

Faust wraps the delivery of each message in four tasks, so that a delivery that is held up ends when
the group is given away; and a stream takes two turns of the event loop for each. Together that is more
than a stage's own work on a message. Most deliveries cannot be held up, and a stage takes all
that has come at once.
"""

from __future__ import annotations

from typing import Any

from faust import Schema
from faust.transport.drivers.aiokafka import Consumer, Transport


class PromptConsumer(Consumer):
    """Delivers a message at once where nothing can hold it up."""

    async def wait_first(self, *waited: Any, timeout: Any = None) -> Any:
        """Wait for one of several; of a delivery beside the group's suspension, for it alone."""
        if timeout is not None or len(waited) != 2 or not self._is_free():
            return await super().wait_first(*waited, timeout=timeout)
        delivery, suspension = waited
        suspension.close()
        await delivery
        return None

    def _is_free(self) -> bool:
        return self.app.flow_control.is_active() and not any(
            topic.queue.full() for topic in self.app.topics
        )


class PromptTransport(Transport):
    """Kafka as Faust reads it, by that consumer."""

    Consumer = PromptConsumer


class AsRead(Schema[Any, Any]):
    """Messages as they stand in Kafka: a stage reads them itself, and refuses what it cannot."""

    def compile(
        self,
        app: Any,
        *,
        on_key_decode_error: Any = None,
        on_value_decode_error: Any = None,
        default_propagate: bool = False,
    ) -> Any:
        """Return the function that makes an event of a message."""
        create_event = app.create_event

        async def decode(message: Any, *, propagate: bool = default_propagate) -> Any:
            return create_event(message.key, message.value, message.headers, message)

        return decode


async def take_all(stream: Any) -> list[Any]:
    """Wait for a message of a stream, and return it with all that have come with it.

    Those from before the group was given away last are left out: they come again.
    """
    app, queue = stream.app, stream.channel.queue
    events = [await queue.get()]
    while not queue.empty():
        events.append(queue.get_nowait())
    generation = app.consumer_generation_id
    if not app.flow_control.is_active():
        return []
    return [event for event in events if event.message.generation_id == generation]
