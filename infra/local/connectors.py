"""Creates and changes connectors through a Connect worker's REST interface."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import httpx

from schemas.errors import Fatal, Retryable

_POLL_S = 0.2
_SETTLE_S = 30.0
_TRACE_CHARACTERS = 600


def problem_of(status: Mapping[str, Any], tasks: int) -> str | None:
    """Say why a connector is not running yet, from its ``/status``; None when it is.

    Raises Fatal when the connector or one of its tasks has failed.
    """
    pieces = [("connector", status["connector"])]
    pieces += [(f"task {task['id']}", task) for task in status["tasks"]]
    for what, piece in pieces:
        if piece["state"] == "FAILED":
            raise Fatal(
                f"{what} of {status['name']} failed: {_cause(str(piece.get('trace') or ''))}; "
                "correct its configuration and apply it again"
            )
    waiting = [
        f"{what} is {piece['state']}" for what, piece in pieces if piece["state"] != "RUNNING"
    ]
    if len(status["tasks"]) < tasks:
        waiting.append(f"{len(status['tasks'])} of {tasks} tasks have started")
    return ", ".join(waiting) or None


def apply(
    connect_url: str, name: str, config: Mapping[str, str], *, within_s: float = _SETTLE_S
) -> None:
    """Create or change a connector and wait until it and at least one task run.

    The same configuration applied again changes nothing. Raises Fatal when Connect refuses it or
    a task fails, Retryable when the worker is away or does not settle ``within_s``.
    """
    url = f"{connect_url}/connectors/{name}"
    deadline = time.monotonic() + within_s
    problem: str | None = "the worker has not answered"
    with httpx.Client(timeout=10.0) as client:
        _put(client, f"{url}/config", name, config, deadline)
        while time.monotonic() < deadline:
            try:
                answer = client.get(f"{url}/status")
            except httpx.HTTPError as error:
                problem = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code == 200:
                    problem = problem_of(answer.json(), 1)
                    if problem is None:
                        return
            time.sleep(_POLL_S)
    raise Retryable(
        f"connector {name} at {connect_url} does not run after {within_s:.0f} s: {problem}"
    )


def remove(connect_url: str, name: str) -> None:
    """Delete a connector; one that is not there is no error. Raises Retryable, Fatal."""
    try:
        answer = httpx.delete(f"{connect_url}/connectors/{name}", timeout=10.0)
    except httpx.HTTPError as error:
        raise Retryable(f"the Connect worker at {connect_url} does not answer: {error}") from error
    if answer.is_error and answer.status_code != 404:
        raise Fatal(f"Connect does not delete {name}: {_message(answer)}")


def _put(
    client: httpx.Client, url: str, name: str, config: Mapping[str, str], deadline: float
) -> None:
    """Put the configuration; while the group rebalances (409) or cannot be reached, try again."""
    while True:
        try:
            answer = client.put(url, json=dict(config))
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            if answer.is_success:
                return
            reason = _message(answer)
            if answer.status_code != 409 and answer.status_code < 500:
                raise Fatal(f"Connect refuses the configuration of {name}: {reason}")
        if time.monotonic() > deadline:
            raise Retryable(f"connector {name} cannot be applied at {url}: {reason}")
        time.sleep(_POLL_S)


def _message(answer: httpx.Response) -> str:
    """Return Connect's own words in one line."""
    try:
        text = str(answer.json().get("message", answer.text))
    except ValueError:
        text = answer.text
    return " ".join(text.split())[:_TRACE_CHARACTERS]


def _cause(trace: str) -> str:
    """Return the last cause of a Java stack trace in one line."""
    causes = [line for line in trace.splitlines() if line.startswith("Caused by: ")]
    first = trace.splitlines()[0] if trace else "no reason given"
    return (causes[-1].removeprefix("Caused by: ") if causes else first)[:_TRACE_CHARACTERS]
