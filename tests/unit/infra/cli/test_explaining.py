"""What a person is told of an event's provenance."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from infra.cli.explaining import tree_of
from streams.core.grouping.provenance import decision_json
from tests.unit.streams.core.grouping.test_provenance import told


@dataclass(frozen=True)
class Details:
    """An event as ``explain`` is given it."""

    event: Any
    changes: tuple[Any, ...] = ()
    evidence: tuple[Any, ...] = ()


def test_explain_tells_what_each_model_said() -> None:
    said = {"ppe": {"helmet": 0.75}, "colour": {}}
    chain = json.loads(decision_json(told({"attributes": said})))

    class Row:
        event_id = rule = camera = state = severity = mode = verdict = "x"
        model, model_version = "yolox", "1"
        revision = config_version = 1
        score = 0.9
        provenance = json.dumps([chain])

    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tree_of(Details(Row())))
    text = console.export_text()
    assert "ppe says of the object: helmet 0.750" in text
    assert "colour says of the object: nothing" in text
