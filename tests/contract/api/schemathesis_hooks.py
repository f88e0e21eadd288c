"""For schemathesis: requests that get past the first check more often than chance would let them.

``SIGHTLINE_TEST_IDS`` holds ids of what is there as JSON, by the name of the path's parameter;
``SIGHTLINE_TEST_OWN`` those of who asks: a run that removes its own key asks nothing more.
"""

from __future__ import annotations

import json
import os
import random
import uuid
from typing import Any

import schemathesis

Parameters = dict[str, Any] | None


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """Let half of the ids name something that is there, and none who asks.

    Here, and not where values are made: schemathesis uses ids again that answers told it.
    """
    known = json.loads(os.environ["SIGHTLINE_TEST_IDS"])
    own = json.loads(os.environ["SIGHTLINE_TEST_OWN"])
    for name, value in list((case.path_parameters or {}).items()):
        if name in known and random.random() < 0.5:
            case.path_parameters[name] = known[name]
        elif value in own:
            case.path_parameters[name] = str(uuid.uuid4())


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: Parameters) -> Parameters:
    """Leave out what is nearly always refused: cursors, and times as far off as generated ones."""
    refused = {"cursor", "since", "until", "resume"}
    if query is None or random.random() < 0.2:
        return query
    kept = {name: value for name, value in query.items() if name not in refused}
    return {**kept, "since": "2026-01-01T00:00:00Z"} if "since" in query else kept
