"""A small RTSP server that plays H.264 files as cameras: TCP, basic and digest login, faults.

RFC 2326 (RTSP), RFC 2617 (logins), RFC 6184 (H.264 over RTP, single NAL units and FU-A).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import struct
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, cast

import av
from av.bitstream import BitStreamFilterContext

HOST = "127.0.0.1"
_RTP_BYTES = 1400
_RTP_HZ = 90_000
_REALM, _NONCE = "cameras", "4f1c9a"

Condition = Literal["up", "down", "silent"]
Login = Literal["basic", "digest"]


@dataclass(frozen=True)
class Access:
    """One picture's NAL units, and its times in seconds since the file's first."""

    sent_s: float
    shown_s: float
    units: tuple[bytes, ...]


@dataclass
class Film:
    """A file, ready to be sent."""

    accesses: list[Access]
    duration_s: float
    parameter_sets: tuple[bytes, ...]


@dataclass
class Camera:
    """One stream of the server, its condition, and who is watching."""

    film: Film
    condition: Condition = "up"
    clients: set[asyncio.Transport] = field(default_factory=set)
    connections: int = 0


class RtspServer:
    """Serves files as live cameras, from a thread of its own, until :meth:`stop`.

    Args:
        films: file of each camera, H.264.
        password: asked for with the user name ``viewer``; None for cameras without a login.
        login: the one kind of login that is offered.
    """

    def __init__(
        self, films: Mapping[str, Path], *, password: str | None = None, login: Login = "digest"
    ) -> None:
        self.cameras = {name: Camera(load(path)) for name, path in films.items()}
        self.password = password
        self.login = login
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None

    def start(self) -> None:
        """Open a free port and begin to answer."""
        self._thread.start()
        self._wait(asyncio.run_coroutine_threadsafe(self._open(), self._loop))

    def address(self, name: str) -> str:
        """Return a camera's address, without a login."""
        return f"rtsp://{HOST}:{self.port}/{name}"

    def set(self, name: str, condition: Condition) -> None:
        """Let a camera go down (its viewers are cut off), fall silent, or come back."""

        def change() -> None:
            camera = self.cameras[name]
            camera.condition = condition
            if condition == "down":
                for transport in list(camera.clients):
                    transport.abort()

        self._loop.call_soon_threadsafe(change)

    def stop(self) -> None:
        """Cut everybody off and close the port."""
        self._wait(asyncio.run_coroutine_threadsafe(self._close(), self._loop))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport = cast(asyncio.Transport, writer.transport)
        playing: asyncio.Task[None] | None = None
        camera: Camera | None = None
        try:
            while (request := await _read_request(reader)) is not None:
                method, name, headers = request
                camera = self.cameras.get(name)
                status, extra, body = self._answer(method, camera, headers)
                writer.write(_response(status, headers.get("cseq", "0"), extra, body))
                if camera is not None and status == "200 OK" and method == "PLAY":
                    camera.clients.add(transport)
                    camera.connections += 1
                    playing = asyncio.create_task(_play(camera, writer))
                if method == "TEARDOWN":
                    return
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            # A cancelled handler must end quietly: asyncio's streams of 3.11 log it as an error.
            return
        finally:
            if playing is not None:
                playing.cancel()
            if camera is not None:
                camera.clients.discard(transport)
            transport.abort()

    def _answer(
        self, method: str, camera: Camera | None, headers: Mapping[str, str]
    ) -> tuple[str, list[str], str]:
        if method == "OPTIONS":
            return "200 OK", ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"], ""
        if self.password is not None and not self._allowed(method, headers):
            offered = f'Digest realm="{_REALM}", nonce="{_NONCE}"'
            if self.login == "basic":
                offered = f'Basic realm="{_REALM}"'
            return "401 Unauthorized", [f"WWW-Authenticate: {offered}"], ""
        if camera is None or camera.condition == "down":
            return "404 Not Found", [], ""
        if method == "DESCRIBE":
            return "200 OK", ["Content-Type: application/sdp"], _description(camera.film)
        if method == "SETUP":
            if "interleaved" not in headers.get("transport", ""):
                return "461 Unsupported Transport", [], ""
            return "200 OK", ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"], ""
        return "200 OK", ["Session: 1"], ""

    def _allowed(self, method: str, headers: Mapping[str, str]) -> bool:
        given = headers.get("authorization", "")
        if self.login == "basic":
            pair = base64.b64encode(f"viewer:{self.password}".encode()).decode()
            return given == f"Basic {pair}"
        fields = dict(re.findall(r'(\w+)="([^"]*)"', given))
        owner = _md5(f"viewer:{_REALM}:{self.password}")
        asked = _md5(f"{method}:{fields.get('uri', '')}")
        return fields.get("response") == _md5(f"{owner}:{_NONCE}:{asked}")

    def _wait(self, future: Future[Any]) -> None:
        future.result(10)


def load(path: Path) -> Film:
    """Read an H.264 file into NAL units."""
    accesses: list[Access] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        interval_s = float(1 / (stream.average_rate or 25))
        filtering = BitStreamFilterContext("h264_mp4toannexb", stream)
        packets = [done for packet in container.demux(stream) for done in filtering.filter(packet)]
        scale = float(stream.time_base or 0)
    known = [packet for packet in packets if packet.dts is not None and packet.pts is not None]
    first = min(cast(int, packet.dts) for packet in known)
    for packet in known:
        sent_s, shown_s = ((cast(int, at) - first) * scale for at in (packet.dts, packet.pts))
        accesses.append(Access(sent_s, shown_s, tuple(_units(bytes(packet)))))
    sets = [unit for access in accesses for unit in access.units if unit[0] & 31 in (7, 8)]
    return Film(accesses, accesses[-1].sent_s + interval_s, tuple(dict.fromkeys(sets)))


async def _play(camera: Camera, writer: asyncio.StreamWriter) -> None:
    loop = asyncio.get_running_loop()
    began_s, passed_s, sequence = loop.time(), 0.0, 0
    while True:
        for access in camera.film.accesses:
            await asyncio.sleep(max(0.0, began_s + passed_s + access.sent_s - loop.time()))
            while camera.condition == "silent":
                await asyncio.sleep(0.05)
            stamp = round((passed_s + access.shown_s) * _RTP_HZ) & 0xFFFFFFFF
            for index, unit in enumerate(access.units):
                ends = index == len(access.units) - 1
                for payload, last in _payloads(unit):
                    marker = 0x80 if ends and last else 0
                    header = struct.pack(">BBHII", 0x80, 96 | marker, sequence, stamp, 1)
                    framed = struct.pack(">BBH", 0x24, 0, len(header) + len(payload))
                    writer.write(framed + header + payload)
                    sequence = (sequence + 1) & 0xFFFF
            await writer.drain()
        passed_s += camera.film.duration_s


def _payloads(unit: bytes) -> Iterator[tuple[bytes, bool]]:
    if len(unit) <= _RTP_BYTES:
        yield unit, True
        return
    indicator, kind = unit[0] & 0xE0 | 28, unit[0] & 31
    for start in range(1, len(unit), _RTP_BYTES):
        last = start + _RTP_BYTES >= len(unit)
        flags = (0x80 if start == 1 else 0) | (0x40 if last else 0)
        yield bytes((indicator, flags | kind)) + unit[start : start + _RTP_BYTES], last


def _units(annexb: bytes) -> Iterator[bytes]:
    for unit in re.split(rb"\x00\x00\x00?\x01", annexb):
        if unit:
            yield unit


def _description(film: Film) -> str:
    sets = ",".join(base64.b64encode(unit).decode() for unit in film.parameter_sets)
    lines = (
        "v=0",
        f"o=- 0 0 IN IP4 {HOST}",
        "s=camera",
        "t=0 0",
        "m=video 0 RTP/AVP 96",
        f"a=rtpmap:96 H264/{_RTP_HZ}",
        f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}",
        "a=control:track",
    )
    return "\r\n".join(lines) + "\r\n"


async def _read_request(
    reader: asyncio.StreamReader,
) -> tuple[str, str, dict[str, str]] | None:
    """Return method, camera and headers; what the viewer sends between requests is skipped."""
    first = await reader.read(1)
    while first == b"$":
        _, length = struct.unpack(">BH", await reader.readexactly(3))
        await reader.readexactly(length)
        first = await reader.read(1)
    if not first:
        return None
    text = (first + await reader.readuntil(b"\r\n\r\n")).decode()
    line, *rest = text.strip().split("\r\n")
    method, address, _ = line.split(" ", 2)
    headers = {key.lower(): value for key, _, value in (one.partition(": ") for one in rest)}
    path = address.split("://", 1)[-1].partition("/")[2]
    return method, path.split("/")[0], headers


def _response(status: str, sequence: str, extra: list[str], body: str) -> bytes:
    lines = [f"RTSP/1.0 {status}", f"CSeq: {sequence}", *extra]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
