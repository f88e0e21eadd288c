"""Creates and changes connectors through a Connect worker's REST interface."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import httpx

from schemas.errors import Fatal, Retryable

_POLL_S = 0.2
_SETTLE_S = 90.0
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
    """Create or change one connector, as :func:`apply_all` does."""
    apply_all(connect_url, {name: config}, within_s=within_s)


def apply_all(
    connect_url: str, configs: Mapping[str, Mapping[str, str]], *, within_s: float = _SETTLE_S
) -> None:
    """Create or change connectors by name, and wait until each and at least one task of it run.

    What is configured so already is left running, and started again where it has failed. Raises
    Fatal when Connect refuses a configuration or a task fails, Retryable when the worker is away
    or does not settle ``within_s``.
    """
    deadline = time.monotonic() + within_s
    with httpx.Client(base_url=connect_url, timeout=10.0) as client:
        for name, config in configs.items():
            if _stands(client, name, config):
                _restart_failed(client, name)
            else:
                _put(client, name, config, deadline)
        for name in configs:
            problem = _wait(client, name, deadline)
            if problem is not None:
                raise Retryable(
                    f"connector {name} at {connect_url} does not run after {within_s:.0f} s: "
                    f"{problem}"
                )


def _wait(client: httpx.Client, name: str, deadline: float) -> str | None:
    """Return None once the connector runs, or at the deadline what is still missing."""
    problem: str | None = "the worker has not answered"
    while time.monotonic() < deadline:
        try:
            answer = client.get(f"/connectors/{name}/status")
        except httpx.HTTPError as error:
            problem = f"{type(error).__name__}: {error}"
        else:
            if answer.status_code == 200:
                problem = problem_of(answer.json(), 1)
                if problem is None:
                    return None
        time.sleep(_POLL_S)
    return problem


def _stands(client: httpx.Client, name: str, config: Mapping[str, str]) -> bool:
    """Tell whether the connector has exactly this configuration."""
    try:
        answer = client.get(f"/connectors/{name}/config")
    except httpx.HTTPError:
        return False
    return answer.status_code == 200 and answer.json() == {**config, "name": name}


def _restart_failed(client: httpx.Client, name: str) -> None:
    """Start again what failed in an earlier run; its state outlives the worker."""
    with contextlib.suppress(httpx.HTTPError):
        client.post(
            f"/connectors/{name}/restart", params={"includeTasks": "true", "onlyFailed": "true"}
        )


def remove(connect_url: str, name: str) -> None:
    """Delete a connector; one that is not there is no error. Raises Retryable, Fatal."""
    try:
        answer = httpx.delete(f"{connect_url}/connectors/{name}", timeout=10.0)
    except httpx.HTTPError as error:
        raise Retryable(f"the Connect worker at {connect_url} does not answer: {error}") from error
    if answer.is_error and answer.status_code != 404:
        raise Fatal(f"Connect does not delete {name}: {_message(answer)}")


def _put(client: httpx.Client, name: str, config: Mapping[str, str], deadline: float) -> None:
    """Put the configuration; while the group rebalances (409) or cannot be reached, try again."""
    while True:
        try:
            answer = client.put(f"/connectors/{name}/config", json=dict(config))
        except httpx.HTTPError as error:
            reason = f"{type(error).__name__}: {error}"
        else:
            if answer.is_success:
                return
            reason = _message(answer)
            if answer.status_code != 409 and answer.status_code < 500:
                raise Fatal(f"Connect refuses the configuration of {name}: {reason}")
        if time.monotonic() > deadline:
            raise Retryable(f"connector {name} cannot be applied at {client.base_url}: {reason}")
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
