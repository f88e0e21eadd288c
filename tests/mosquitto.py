"""A real MQTT broker: mosquitto of Debian's package, on a free port, with or without TLS."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.certificates import write_certificate
from tests.debian_parts import libraries, program

START_S = 20.0
USER, PASSWORD = "sightline", "a password of tests"
_LIBRARIES = ("libcjson1", "libdlt2", "libwrap0", "libmosquitto1")


@dataclass(frozen=True)
class Broker:
    """Where it listens."""

    host: str
    port: int
    ca_certificate: str
    """PEM; empty without TLS."""


@contextmanager
def mosquitto(folder: Path, *, tls: bool = False) -> Iterator[Broker]:
    """Run a broker that takes one user alone, or skip the test where there is none."""
    binary = program("mosquitto", "mosquitto")
    environment = dict(os.environ)
    if not _starts(binary, environment):
        environment = libraries(*_LIBRARIES)
        if not _starts(binary, environment):
            pytest.skip(
                "mosquitto does not start: `apt-get install mosquitto` brings its libraries"
            )
    port = _free_port()
    passwords = folder / "passwords"
    subprocess.run(
        [
            *(str(program("mosquitto_passwd", "mosquitto")), "-b", "-c"),
            *(str(passwords), USER, PASSWORD),
        ],
        env=environment,
        check=True,
        capture_output=True,
    )
    passwords.chmod(0o644)
    # Started as root it becomes another user, who has to read these files.
    folder.chmod(0o755)
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {passwords}",
        f"user {'root' if os.geteuid() == 0 else ''}".strip(),
    ]
    ca = ""
    if tls:
        ca = write_certificate(folder)
        lines += [f"certfile {folder / 'server.pem'}", f"keyfile {folder / 'server.key'}"]
    configuration = folder / "mosquitto.conf"
    configuration.write_text("\n".join(line for line in lines if line != "user") + "\n")
    log = (folder / "mosquitto.log").open("wb")
    running = subprocess.Popen(
        [str(binary), "-c", str(configuration)], env=environment, stdout=log, stderr=log
    )
    try:
        _await(port, running, folder / "mosquitto.log")
        yield Broker("localhost" if tls else "127.0.0.1", port, ca)
    finally:
        running.terminate()
        running.wait(20)
        log.close()


def _starts(binary: Path, environment: dict[str, str]) -> bool:
    # It knows no option for this; asked for help it says so and ends.
    done = subprocess.run([str(binary), "-h"], env=environment, capture_output=True, check=False)
    return b"mosquitto version" in done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s and running.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.stderr.write(log.read_text())
    raise AssertionError("mosquitto does not listen")
