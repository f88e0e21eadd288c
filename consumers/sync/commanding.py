"""Whether a command that came down is obeyed, and the receipt that says so. Pure.

``arm`` with ``{"mode": "away"}`` arms the site in that mode, and in no other; ``off`` in none. It
makes a new version of the configuration in force, so that it holds from one frame of each camera on
(docs/adr/0015). ``live`` is judged in :mod:`consumers.sync.live`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, replace
from typing import Any

from consumers.sync.applying import Answer
from schemas.errors import Rejected
from schemas.records import AppliedConfig, Command, Receipt
from schemas.site import Fault, parse

ARM = "arm"
LIVE = "live"
OFF = "off"
USUAL_MODES = ("home", "away")
KIND = "command"


def document_of(name: str) -> str:
    """Return the document of a command's receipt: of each kind of command the last answer counts."""
    return f"{KIND}/{name}" if name == ARM else KIND


def command_digest(command: Command) -> str:
    """Return the SHA-256 (hex) by which a receipt names the command it answers."""
    text = json.dumps([command.command_id, command.name, command.arguments])
    return hashlib.sha256(text.encode()).hexdigest()


class Refusal(Exception):
    """A command is not obeyed; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def obey(
    versions: Collection[AppliedConfig], command: Command, site: str, now_at: int
) -> Answer | None:
    """Judge a command: obeyed once, as the next version, or refused with the reason.

    Args:
        versions: those that are kept; a command that made one of them is not obeyed again.
        command: as it came down.
        site: this one.
        now_at: UTC ms; it is the receipt's revision too, so that the latest answer wins.

    Returns:
        None for a command that was taken back: nobody waits for an answer.
    """
    if command.deleted:
        return None
    in_force = max(versions, key=lambda one: one.config_version, default=None)
    try:
        if any(one.command_id == command.command_id for one in versions):
            applied = None
        else:
            applied = _next(in_force, command, site, now_at)
    except Refusal as refusal:
        return Answer(_receipt(in_force, command, site, (refusal.fault,), now_at))
    return Answer(_receipt(applied or in_force, command, site, (), now_at), applied)


def insist_on_time(command: Command, site: str, at: int) -> None:
    """Insist that a command is for this site and came in time; ``at`` is UTC ms.

    Raises:
        Refusal: it is not, or did not.
    """
    if command.site != site:
        raise refuse("site", f"the command is for site {command.site}, this is {site}", site)
    if command.expires_at <= at:
        late_s = (at - command.expires_at) / 1000
        raise refuse("expires_at", f"the command came {late_s:.1f} s too late", "send it again")


def arguments_of(command: Command) -> dict[str, Any]:
    """Return the arguments of a command; none where they are no JSON object."""
    try:
        arguments: Any = json.loads(command.arguments)
    except ValueError:
        arguments = None
    return arguments if isinstance(arguments, dict) else {}


def refuse(path: str, problem: str, allowed: str) -> Refusal:
    """Return the error that refuses a command: which argument, why, and what is allowed."""
    return Refusal(Fault(path, problem, allowed))


def _next(
    in_force: AppliedConfig | None, command: Command, site: str, now_at: int
) -> AppliedConfig | None:
    insist_on_time(command, site, now_at)
    if command.name != ARM:
        raise refuse("name", f'there is no command "{command.name}"', f"{ARM}, {LIVE}")
    if in_force is None:
        raise refuse("", "the site has no configuration to arm", "apply one first")
    modes = _modes(in_force, command)
    if modes == in_force.modes:
        return None
    return replace(
        in_force,
        config_version=in_force.config_version + 1,
        accepted_at=now_at,
        modes=modes,
        command_id=command.command_id,
    )


def _modes(in_force: AppliedConfig, command: Command) -> tuple[str, ...]:
    mode = arguments_of(command).get("mode")
    try:
        known = {*USUAL_MODES, *parse(in_force.body).known_modes()}
    except Rejected:
        # Accepted by an older version of this program; what its rules name is not known.
        known = set(USUAL_MODES)
    if mode == OFF:
        return ()
    if not isinstance(mode, str) or mode not in known:
        allowed = ", ".join([*sorted(known), OFF])
        raise refuse("mode", f"{json.dumps(mode)} is no mode of this site", allowed)
    return (mode,)


def _receipt(
    in_force: AppliedConfig | None,
    command: Command,
    site: str,
    faults: Collection[Fault],
    now_at: int,
) -> Receipt:
    modes = list(in_force.modes) if in_force else []
    version = in_force.config_version if in_force else 0
    document = document_of(command.name)
    return receipt_of(command, site, document, version, {"modes": modes}, faults, now_at)


def receipt_of(
    command: Command,
    site: str,
    document: str,
    version: int,
    details: Mapping[str, object],
    faults: Collection[Fault],
    now_at: int,
) -> Receipt:
    """Return the receipt of a command: obeyed, or refused for these faults."""
    return Receipt(
        receipt_id=f"{site}/{document}",
        site=site,
        document=document,
        kind=KIND,
        status="refused" if faults else "applied",
        config_version=version,
        sha256=command_digest(command),
        errors=json.dumps([asdict(fault) for fault in faults]),
        at=now_at,
        revision=now_at,
        details=json.dumps({"command_id": command.command_id, "name": command.name, **details}),
    )
