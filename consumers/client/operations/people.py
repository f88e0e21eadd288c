"""The organisation, its members, invitations and keys."""

from __future__ import annotations

from uuid import UUID

from consumers.access.permissions import Role
from consumers.api.shapes.people import Asker, Invitation, Key, LimitsBody, Organisation, User
from consumers.client.calls import Call, PageOf, change, get, once, pages, remove, several


def asker() -> Call[Asker]:
    """Tell what this key may do and see."""
    return get(Asker, "session")


def organisation() -> Call[Organisation]:
    """Return the organisation that the key belongs to."""
    return get(Organisation, "organisation")


def rename_organisation(name: str) -> Call[Organisation]:
    """Give the organisation another name; its slug stays."""
    return change("PUT", Organisation, "organisation", version=None, json={"name": name})


def users(limit: int | None = None) -> Call[PageOf[User]]:
    """Go through the members by mail address."""
    return pages(User, "users", limit=limit)


def user(user_id: UUID) -> Call[User]:
    """Return a member."""
    return get(User, "users", user_id)


def change_user(user_id: UUID, role: Role, limits: LimitsBody | None = None) -> Call[User]:
    """Change what a member is; without ``limits`` they are limited to nothing."""
    return change("PUT", User, "users", user_id, version=None, json=_grant(role, limits))


def remove_user(user_id: UUID) -> Call[None]:
    """End a membership, with the person's sessions here and the keys that they made."""
    return remove("users", user_id, version=None)


def invitations() -> Call[list[Invitation]]:
    """Return the invitations that can still be accepted."""
    return several(Invitation, "invitations")


def invite(mail: str, role: Role, limits: LimitsBody | None = None) -> Call[Invitation]:
    """Invite somebody by mail; an earlier invitation of theirs is void."""
    return once(Invitation, "invitations", json={"mail": mail, **_grant(role, limits)})


def withdraw_invitation(invitation_id: UUID) -> Call[None]:
    """Withdraw an invitation."""
    return remove("invitations", invitation_id, version=None)


def keys() -> Call[list[Key]]:
    """Return the keys that work; people make them, a key makes none."""
    return several(Key, "keys")


def revoke_key(key_id: UUID) -> Call[None]:
    """Revoke a key: its next request is refused."""
    return remove("keys", key_id, version=None)


def _grant(role: Role, limits: LimitsBody | None) -> dict[str, object]:
    limited = None if limits is None else limits.model_dump(mode="json")
    return {"role": Role(role).value, "limits": limited}
