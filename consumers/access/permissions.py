"""What each role may do. A new route names one permission; the matrix stands here alone."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """One thing that somebody may do; the value is also the scope of an API key."""

    EVENTS_READ = "events:read"
    EVENTS_HANDLE = "events:handle"
    """Acknowledge, comment, assign, mark true or false, restore."""
    EVIDENCE_READ = "evidence:read"
    TRACKS_READ = "tracks:read"
    COUNTS_READ = "counts:read"
    SITES_READ = "sites:read"
    SITES_WRITE = "sites:write"
    """Names of sites and cameras, camera groups."""
    LIVE_VIEW = "live:view"
    COMMANDS_SEND = "commands:send"
    CONFIG_READ = "config:read"
    CONFIG_WRITE = "config:write"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    NOTIFY_OWN = "notify:own"
    """One's own browser subscriptions and mutes."""
    NOTIFY_READ = "notify:read"
    NOTIFY_WRITE = "notify:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"
    RETENTION_WRITE = "retention:write"
    HOLDS_WRITE = "holds:write"
    DATA_ERASE = "data:erase"
    ORGANISATION_WRITE = "organisation:write"


class Role(StrEnum):
    """What somebody is in an organisation; each may be limited to sites or camera groups."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"


_VIEWER = frozenset(
    {
        Permission.EVENTS_READ,
        Permission.EVIDENCE_READ,
        Permission.TRACKS_READ,
        Permission.COUNTS_READ,
        Permission.SITES_READ,
        Permission.NOTIFY_OWN,
    }
)
_OPERATOR = _VIEWER | {
    Permission.EVENTS_HANDLE,
    Permission.LIVE_VIEW,
    Permission.COMMANDS_SEND,
    Permission.CONFIG_READ,
    Permission.MODELS_READ,
    Permission.NOTIFY_READ,
}
_OWNER = frozenset(Permission)
ROLES: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: _OWNER - {Permission.ORGANISATION_WRITE},
    Role.OWNER: _OWNER,
}

STEP_UP = frozenset(
    {
        Permission.DATA_ERASE,
        Permission.HOLDS_WRITE,
        Permission.RETENTION_WRITE,
        Permission.KEYS_WRITE,
        Permission.USERS_WRITE,
        Permission.ORGANISATION_WRITE,
    }
)
"""Dangerous: a session must have proved itself again with a second factor a short while ago."""

WHOLE_ORGANISATION = frozenset(
    {
        Permission.USERS_READ,
        Permission.USERS_WRITE,
        Permission.AUDIT_READ,
        Permission.RETENTION_WRITE,
        Permission.ORGANISATION_WRITE,
        Permission.MODELS_WRITE,
        Permission.NOTIFY_WRITE,
    }
)
"""Not for somebody who is limited to sites or camera groups: they concern all of them."""
