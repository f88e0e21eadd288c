"""Live view: asking a site for a camera's frames."""

from __future__ import annotations

from uuid import UUID

from consumers.api.shapes.commands import OrderShown
from consumers.client.calls import Call, content, get, place, post, waiting


def show(site: str, camera: str, fps: int = 5, seconds: int = 60) -> Call[OrderShown]:
    """Ask a site to send a camera's frames for a while; asked again, it goes on."""
    json = {"fps": fps, "seconds": seconds}
    return post(OrderShown, "cameras", site, camera, "live", json=json)


def answer(site: str, camera: str, command_id: UUID | str, wait_s: float = 0.0) -> Call[OrderShown]:
    """Return what the site said; with ``wait_s``, up to 30, once it has."""
    call = get(OrderShown, "cameras", site, camera, "live", command_id, wait_s=wait_s)
    return waiting(call, wait_s)


def picture(site: str, camera: str) -> Call[bytes]:
    """Return the next frame that comes, a JPEG; ask for frames first."""
    return content("cameras", site, camera, "live.jpg")


def pictures(site: str, camera: str) -> Call[None]:
    """Follow the frames that come; the clients read them as they come."""
    return Call("GET", place("cameras", site, camera, "live"), lambda _: None)
