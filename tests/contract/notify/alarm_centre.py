"""A receiver of an alarm centre, written from the standard alone: it shares no code with the sender.

It reads frames of SIA DC-09 over TCP, decrypts, checks CRC, length and time, and answers.
"""

from __future__ import annotations

import re
import socketserver
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def crc_by_table(data: bytes) -> int:
    """CRC-16/ARC by a table made from polynomial division, most significant bit first."""
    table = []
    for byte in range(256):
        value = int(f"{byte:08b}"[::-1], 2) << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x8005) & 0xFFFF if value & 0x8000 else value << 1
        table.append(int(f"{value:016b}"[::-1], 2))
    crc = 0
    for byte in data:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc


@dataclass(frozen=True)
class Alarm:
    """One message that was acknowledged, or not."""

    token: str
    sequence: str
    account: str
    content: str
    encrypted: bool


class AlarmCentre:
    """Listens on a free port; ``answers`` are given first, then everything is acknowledged."""

    def __init__(self, key: bytes = b"", clock_ahead: timedelta = timedelta()) -> None:
        self.key = key
        self.clock_ahead = clock_ahead
        self.got: list[Alarm] = []
        self.answers: list[str] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while frame := self._frame():
                    answer = outer.answer(frame)
                    if answer:
                        self.wfile.write(answer)

            def _frame(self) -> bytes:
                found = b""
                while not found.endswith(b"\r"):
                    piece = self.rfile.read(1)
                    if not piece:
                        return b""
                    found += piece
                return found

        socketserver.ThreadingTCPServer.allow_reuse_address = True
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, frame: bytes) -> bytes:
        assert frame[:1] == b"\n" and frame[-1:] == b"\r"
        crc, length, body = frame[1:5], frame[5:9], frame[9:-1]
        assert re.fullmatch(rb"[0-9A-F]{4}", crc) and int(crc, 16) == crc_by_table(body)
        assert re.fullmatch(rb"0[0-9A-F]{3}", length) and int(length, 16) == len(body)
        match = re.fullmatch(
            rb'"(\*?)(SIA-DCS|NULL)"(\d{4})((?:R[0-9A-F]{1,6})?L[0-9A-F]{1,6})#([0-9A-F]{3,16})\[(.*)',
            body,
            re.DOTALL,
        )
        assert match is not None, body
        star, token, sequence, place, account, rest = match.groups()
        assert bool(star) == bool(self.key)
        if star:
            rest = self._decrypt(rest)
        # As a foreign parser does: what fills up, the bar, the content, the time.
        content = re.fullmatch(
            rb"(?P<content>.*\])_(?P<time>\d\d:\d\d:\d\d,\d\d-\d\d-\d{4})", rest, re.DOTALL
        )
        assert content is not None, rest
        told_at = datetime.strptime(content["time"].decode(), "%H:%M:%S,%m-%d-%Y").replace(
            tzinfo=UTC
        )
        now = datetime.now(UTC) + self.clock_ahead
        if not timedelta(seconds=-40) < told_at - now < timedelta(seconds=20):
            return self._frame(f'"NAK"0000R0L0A0[]_{now:%H:%M:%S,%m-%d-%Y}'.encode())
        if self.answers:
            kind = self.answers.pop(0)
            if kind == "silence":
                return b""
            if kind == "garbage":
                return b"\n00000010what?\r"
            if kind == "other":
                return self._frame(b'"ACK"9999L0#' + account + b"[]")
            return self._frame(f'"{kind}"'.encode() + sequence + place + b"#" + account + b"[]")
        self.got.append(
            Alarm(
                token.decode(),
                sequence.decode(),
                account.decode(),
                content["content"].decode("cp1252"),
                bool(star),
            )
        )
        if not star:
            return self._frame(b'"ACK"' + sequence + place + b"#" + account + b"[]")
        secret = self._encrypt(f"]_{now:%H:%M:%S,%m-%d-%Y}".encode())
        return self._frame(b'"*ACK"' + sequence + place + b"#" + account + b"[" + secret)

    def _frame(self, body: bytes) -> bytes:
        return b"\n%04X0%03X" % (crc_by_table(body), len(body)) + body + b"\r"

    def _decrypt(self, digits: bytes) -> bytes:
        cipher = Cipher(algorithms.AES(self.key), modes.CBC(bytes(16))).decryptor()
        plain = cipher.update(bytes.fromhex(digits.decode())) + cipher.finalize()
        padding, bar, content = plain.partition(b"|")
        assert bar and 1 <= len(padding) <= 16 and not set(b"[]|") & set(padding)
        return content

    def _encrypt(self, plain: bytes) -> bytes:
        padded = b"x" * (-len(plain) % 16) + plain
        cipher = Cipher(algorithms.AES(self.key), modes.CBC(bytes(16))).encryptor()
        return (cipher.update(padded) + cipher.finalize()).hex().upper().encode()
