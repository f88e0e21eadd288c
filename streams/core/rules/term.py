"""``{sensor, trigger, direction?, classes?}``: one trigger of one sensor."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.records import Trigger
from streams.core.rules.node import Match, Moment, Node
from streams.core.rules.states import NodeState, TermState


@dataclass(frozen=True)
class Term(Node):
    """One trigger; ``direction`` and ``classes`` None: any."""

    sensor: str
    trigger: str
    direction: str | None
    classes: tuple[str, ...] | None

    @property
    def leads(self) -> bool:
        """It waits for a trigger, never for a time."""
        return False

    def begin(self, at: int | None, *, repeats: bool) -> NodeState:
        """Return the empty state."""
        return TermState()

    def observe(self, state: NodeState, moment: Moment) -> list[Match]:
        """Match the trigger if it fits."""
        trigger = moment.trigger
        if moment.serial is None or trigger is None or not self.fits(trigger):
            return []
        return [Match((moment.serial,), moment.at, moment.at)]

    def fits(self, trigger: Trigger) -> bool:
        """Tell whether it is the sensor's trigger in question, by an object of a class in question."""
        return (
            trigger.sensor == self.sensor
            and trigger.trigger == self.trigger
            and self.direction in (None, trigger.direction)
            and (self.classes is None or trigger.class_name in self.classes)
        )
