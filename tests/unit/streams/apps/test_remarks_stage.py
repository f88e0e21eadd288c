"""A remark as the filter's stage takes it from the topic of the candidates."""

from __future__ import annotations

from streams.apps.stages import all_stages
from tests.unit.streams.core.checks.test_remarks import CONFIG, remark, suppressed


def test_the_stage_takes_a_remark_under_the_version_of_the_input_before() -> None:
    stage, decision = suppressed()
    logic = all_stages()["filter"]
    (unit,) = logic.units(remark(1, decision, "confirmed"), "candidates")
    assert logic.version(logic.new_state("depot-7", "gate"), unit) == 1
    stage.state.config_version = 7
    assert logic.version(stage.state, unit) == 7
    step = logic.step(stage.state, unit, 0, logic.plan(CONFIG, "gate", 7))
    (output,) = step.outputs
    assert (output.topic, output.key) == ("judged", "gate")
    again = logic.step(step.state, unit, 0, logic.plan(CONFIG, "gate", 7))
    assert (again.outputs, again.dropped) == ((), "repeat")
