"""Sites, cameras, groups of cameras, health."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict, Unpack
from uuid import UUID

from consumers.api.shapes.sites import (
    Camera,
    CameraGroup,
    CameraGroupDetails,
    Health,
    Site,
    SiteChange,
)
from consumers.client.calls import Call, PageOf, change, get, pages, post, remove


class SiteOf(TypedDict, total=False):
    """What to change of a site."""

    name: str
    timezone: str


class CamerasOf(TypedDict, total=False):
    """Filters of cameras."""

    site: Sequence[str]
    group: UUID
    state: Sequence[str]
    limit: int


class HealthOf(TypedDict, total=False):
    """Filters of health."""

    site: Sequence[str]
    kind: Sequence[Literal["camera", "process"]]
    state: Sequence[str]
    limit: int


def sites(limit: int | None = None) -> Call[PageOf[Site]]:
    """List sites."""
    return pages(Site, "sites", limit=limit)


def site(name: str) -> Call[Site]:
    """Show a site."""
    return get(Site, "sites", name)


def change_site(site: str, tag: str | None, **changes: Unpack[SiteOf]) -> Call[Site]:
    """Change a site."""
    json = SiteChange(**changes).model_dump(mode="json", exclude_unset=True)
    return change("PATCH", Site, "sites", site, version=tag, json=json)


def cameras(**filters: Unpack[CamerasOf]) -> Call[PageOf[Camera]]:
    """List cameras."""
    return pages(Camera, "cameras", **filters)


def camera(site: str, name: str) -> Call[Camera]:
    """Show a camera."""
    return get(Camera, "cameras", site, name)


def change_camera(site: str, camera: str, name: str, tag: str | None) -> Call[Camera]:
    """Give a camera a name for people."""
    return change("PATCH", Camera, "cameras", site, camera, version=tag, json={"name": name})


def health(**filters: Unpack[HealthOf]) -> Call[PageOf[Health]]:
    """List health."""
    return pages(Health, "health", **filters)


def camera_groups() -> Call[PageOf[CameraGroup]]:
    """List groups of cameras."""
    return pages(CameraGroup, "camera-groups")


def camera_group(group_id: UUID) -> Call[CameraGroupDetails]:
    """Show a group of cameras."""
    return get(CameraGroupDetails, "camera-groups", group_id)


def make_camera_group(name: str, cameras: Sequence[str]) -> Call[CameraGroupDetails]:
    """Make a group of cameras."""
    json = {"name": name, "cameras": list(cameras)}
    return post(CameraGroupDetails, "camera-groups", json=json)


def change_camera_group(
    group_id: UUID, name: str, cameras: Sequence[str], tag: str | None
) -> Call[CameraGroupDetails]:
    """Change a group of cameras."""
    json = {"name": name, "cameras": list(cameras)}
    path = "camera-groups", group_id
    return change("PUT", CameraGroupDetails, *path, version=tag, json=json)


def remove_camera_group(group_id: UUID, tag: str | None) -> Call[None]:
    """Remove a group of cameras."""
    return remove("camera-groups", group_id, version=tag)
