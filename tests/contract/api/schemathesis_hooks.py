"""For schemathesis: requests that get past the first check more often than chance would let them.

``SIGHTLINE_TEST_IDS`` holds ids of what is there as JSON, by the name of the path's parameter.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import schemathesis

Parameters = dict[str, Any] | None


@schemathesis.hook
def map_path_parameters(
    context: schemathesis.HookContext, path_parameters: Parameters
) -> Parameters:
    """Let half of the ids name something that is there."""
    known = json.loads(os.environ.get("SIGHTLINE_TEST_IDS", "{}"))
    named = {name: known[name] for name in path_parameters or {} if name in known}
    return {**(path_parameters or {}), **named} if random.random() < 0.5 else path_parameters


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: Parameters) -> Parameters:
    """Leave out what is nearly always refused: cursors, and times as far off as generated ones."""
    refused = {"cursor", "since", "until", "resume"}
    if query is None or random.random() < 0.2:
        return query
    kept = {name: value for name, value in query.items() if name not in refused}
    return {**kept, "since": "2026-01-01T00:00:00Z"} if "since" in query else kept
