"""Configurations of sites: versions, checks, differences, publications."""

from __future__ import annotations

from consumers.api.shapes.configurations import (
    CheckShown,
    Differences,
    PublicationListed,
    StateShown,
    VersionListed,
    VersionShown,
)
from consumers.client.calls import Call, PageOf, ask, change, get, pages, post


def show(site: str) -> Call[VersionShown]:
    """Return the newest version with its text; its ``number`` goes into the next save."""
    return get(VersionShown, "sites", site, "configuration")


def save(site: str, text: str, version: int | None, note: str = "") -> Call[VersionListed]:
    """Save a text as the next version; nothing is sent to the site yet.

    ``version`` is the number of the version that was changed, 0 before the first; None: whatever
    version is the newest.

    Raises:
        Invalid: the text has faults; all of them are in ``errors``.
        Stale: somebody else saved meanwhile.
    """
    json = {"text": text, "note": note}
    path = "sites", site, "configuration"
    return change("PUT", VersionListed, *path, version=version, json=json)


def check(site: str, text: str) -> Call[CheckShown]:
    """Tell every fault of a text; nothing is saved."""
    return ask(CheckShown, "sites", site, "configuration", "check", json={"text": text})


def versions(site: str, limit: int | None = None) -> Call[PageOf[VersionListed]]:
    """Go through the versions, newest first, without their texts."""
    return pages(VersionListed, "sites", site, "configuration", "versions", limit=limit)


def version(site: str, number: int) -> Call[VersionShown]:
    """Return one version, which never changes."""
    return get(VersionShown, "sites", site, "configuration", "versions", number)


def differences(
    site: str, before: int | str = "running", after: int | str = "latest"
) -> Call[Differences]:
    """Return what one version means otherwise than another.

    Each is a number, or ``latest``, ``published`` or ``running``.
    """
    path = "sites", site, "configuration", "differences"
    return get(Differences, *path, before=before, after=after)


def state(site: str) -> Call[StateShown]:
    """Return the newest version, the one that was published last, and what the site runs."""
    return get(StateShown, "sites", site, "configuration", "state")


def publications(site: str, limit: int | None = None) -> Call[PageOf[PublicationListed]]:
    """Go through what was sent to the site, newest first."""
    return pages(PublicationListed, "sites", site, "configuration", "publications", limit=limit)


def publish(site: str, version: int) -> Call[StateShown]:
    """Send a version to the site; an older one rolls back. Whether it took it says ``state``."""
    json = {"version": version}
    return post(StateShown, "sites", site, "configuration", "publications", json=json)
