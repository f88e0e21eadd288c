"""The run file is private, whole, and remembers what outlives a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.local.process import identify
from infra.local.stack import Stack
from infra.local.state import FILE_NAME, StackRecord, StateStore, boot_id, read_record
from schemas.errors import Fatal


def test_no_file_is_no_stack(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    with pytest.raises(Fatal, match=r"no stack is running under .*; start one with `sightline up`"):
        Stack.attach(tmp_path)


def test_what_is_written_is_read_and_only_by_its_owner(tmp_path: Path) -> None:
    store = StateStore(tmp_path)
    secret = store.secret("postgres")
    store.change_part("mongo", state="ready", pid=7, start=8, ports={"wire": 9})
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    again = StateStore(tmp_path)
    assert again.secret("postgres") == secret and again.record.stack_id == store.record.stack_id
    part = again.record.parts["mongo"]
    assert (part.state, part.identity and part.identity.pid, part.ports) == (
        "ready",
        7,
        {"wire": 9},
    )
    assert part.since > 0


def test_since_moves_with_the_state_only(tmp_path: Path) -> None:
    store = StateStore(tmp_path)
    store.change_part("mongo", state="ready")
    since = store.record.parts["mongo"].since
    store.change_part("mongo", state="ready", message="x")
    assert store.record.parts["mongo"].since == since


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"stack_id": 3')
    with pytest.raises(Fatal, match=r"stack.json is damaged .*; move it away"):
        StateStore(tmp_path)


def test_a_supervisor_of_another_boot_does_not_run(tmp_path: Path) -> None:
    own = identify(os.getpid())
    assert own is not None
    record = StackRecord(
        stack_id="x", boot=boot_id(), supervisor_pid=own.pid, supervisor_start=own.start
    )
    assert record.supervised()
    record.boot = "before"
    assert not record.supervised()


def test_attach_refuses_a_stack_that_is_still_starting(tmp_path: Path) -> None:
    own = identify(os.getpid())
    assert own is not None
    store = StateStore(tmp_path)

    def begin(record: StackRecord) -> None:
        record.supervisor_pid, record.supervisor_start = own.pid, own.start
        record.phase = "starting"

    store.change(begin)
    with pytest.raises(Fatal, match="no stack is running"):
        Stack.attach(tmp_path)
