"""Ports stay the same from run to run, and two stacks never share a block."""

from __future__ import annotations

import os
import socket

import pytest

from infra.local import ports
from infra.local.ports import BLOCK, HOST, PortBlock, holder, is_free
from schemas.errors import Fatal


def listener(port: int = 0) -> socket.socket:
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((HOST, port))
    server.listen(1)
    return server


def test_a_port_with_a_listener_is_not_free_and_its_holder_is_named() -> None:
    with listener() as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert str(os.getpid()) in holder(port)
    assert is_free(port)


def test_a_block_keeps_its_ports() -> None:
    first = PortBlock(0, {}, {})
    chosen = first.named("kafka", ("broker", "controller"))
    assert len(set(chosen.values())) == 2
    assert all(first.base < port < first.base + BLOCK for port in chosen.values())
    first.release()
    again = PortBlock(first.base, first.ports, {})
    assert again.base == first.base and again.named("kafka", chosen) == chosen
    again.release()


def test_two_blocks_never_meet() -> None:
    first = PortBlock(0, {}, {})
    second = PortBlock(first.base, first.ports, {})
    assert abs(first.base - second.base) >= BLOCK
    first.release()
    second.release()


def test_a_remembered_port_taken_by_another_gives_a_new_block() -> None:
    first = PortBlock(0, {}, {})
    port = first.port("a.b")
    first.release()
    with listener(port):
        second = PortBlock(first.base, first.ports, {})
        assert second.port("a.b") != port
        second.release()


def test_a_fixed_port_is_used_and_a_taken_one_is_an_error_that_names_the_holder() -> None:
    with listener() as server:
        port = server.getsockname()[1]
        with pytest.raises(Fatal, match=rf"port {port}, asked for postgres.sql, is in use by"):
            PortBlock(0, {}, {"postgres.sql": port})
    block = PortBlock(0, {"postgres.sql": 1}, {"postgres.sql": port})
    assert block.port("postgres.sql") == port
    block.release()


def test_a_full_block_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    block = PortBlock(0, {}, {})
    monkeypatch.setattr(ports, "is_free", lambda _port: False)
    with pytest.raises(Fatal, match="no free port left"):
        block.port("a.b")
    block.release()
