from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.notify.guard import Guard, guard_of, is_public
from infra.runtime.settings import Settings
from schemas.errors import Fatal, Rejected, Retryable

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "10.0.0.1",
    "172.16.3.4",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "no address",
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_of_the_internet_is_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_let_through(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8"))
def test_no_clothing_hides_a_private_address(address: Any) -> None:
    number = int(address)
    for prefix in ("::ffff:", "64:ff9b::"):
        assert not is_public(f"{prefix}{number >> 16:x}:{number & 0xFFFF:x}")
    assert not is_public(f"2002:{number >> 16:x}:{number & 0xFFFF:x}::")


def resolved(monkeypatch: pytest.MonkeyPatch, guard: Guard, *addresses: str) -> str:
    async def look(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]

    async def ask() -> str:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look, raising=False)
        return await guard.resolve("hooks.example", 443)

    return asyncio.run(ask())


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolved(monkeypatch, Guard(), "8.8.8.8") == "8.8.8.8"
    with pytest.raises(Rejected) as refused:
        resolved(monkeypatch, Guard(), "8.8.8.8", "10.0.0.1")
    assert refused.value.reason == "private-address" and "10.0.0.1" not in str(refused.value)
    assert resolved(monkeypatch, Guard(private=True), "10.0.0.1") == "10.0.0.1"
    with pytest.raises(Retryable):
        resolved(monkeypatch, Guard())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "LOCALHOST.", "10.1.2.3"])
def test_what_can_be_seen_is_refused_without_asking(host: str) -> None:
    with pytest.raises(Rejected):
        Guard().check(host)
    Guard(private=True).check(host)


def test_names_and_public_addresses_pass_the_first_look() -> None:
    for host in ("hooks.example", "8.8.8.8", ""):
        Guard().check(host)


def test_the_operator_says_true_or_false() -> None:
    assert guard_of(replace(Settings(), notify_private=" True ")) == Guard(private=True)
    assert guard_of(Settings()) == Guard()
    with pytest.raises(Fatal, match="SIGHTLINE_NOTIFY_PRIVATE"):
        guard_of(replace(Settings(), notify_private="yes"))
