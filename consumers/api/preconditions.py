"""Documents that several people change: ETag shows the version, If-Match says which was changed.

    async def put(..., if_match: IfMatch = None) -> ...:
        ...
        insist(if_match, version_tag(row["version"]))      # 428 without, 412 where it has moved on

The route names ``responses=CHANGED_ELSEWHERE`` beside its own.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any

from fastapi import Header

from consumers.api.problems import Problem, ProblemDocument

_TAG = re.compile(r'(W/)?"([^"]*)"')

IfMatch = Annotated[
    str | None,
    Header(max_length=1000, description="The `ETag` of what you have seen, or `*` for any."),
]
IfNoneMatch = Annotated[
    str | None,
    Header(max_length=1000, description="The `ETag` that you hold: 304 where it is the same."),
]
CHANGED_ELSEWHERE: dict[int | str, dict[str, Any]] = {
    412: {"model": ProblemDocument, "description": "Somebody changed it: read it again."},
    428: {"model": ProblemDocument, "description": "If-Match is missing."},
}
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "It is as you hold it."}}


def version_tag(*version: object) -> str:
    """Return the ETag of a version.

    >>> version_tag(7)
    '"7"'
    >>> version_tag(2, 7)
    '"2-7"'
    """
    return '"' + "-".join(str(part) for part in version) + '"'


def content_tag(body: str) -> str:
    """Return the ETag of an answer that has no version: it is of its content."""
    return f'"{hashlib.blake2b(body.encode(), digest_size=12).hexdigest()}"'


def insist(if_match: str | None, tag: str) -> None:
    """Let a change through only if it was made to the present version.

    Raises:
        Problem: 428 without If-Match, 412 where it names another version.
    """
    if if_match is None:
        raise Problem(
            428,
            "precondition-required",
            "Which version?",
            "send the ETag of the version that you have seen as If-Match: somebody else may have "
            "changed it since",
        )
    if if_match.strip() != "*" and tag not in _strong_tags(if_match):
        raise Problem(
            412,
            "stale-version",
            "Changed meanwhile",
            f"it is at version {tag} now: read it again, and make your change to that",
            headers={"ETag": tag},
        )


def is_held(if_none_match: str | None, tag: str) -> bool:
    """Tell whether the client holds this version already (304)."""
    if if_none_match is None:
        return False
    held = {f'"{text}"' for _, text in _TAG.findall(if_none_match)}
    return if_none_match.strip() == "*" or tag in held


def _strong_tags(header: str) -> set[str]:
    # RFC 9110, 13.1.1: If-Match compares strongly, a weak tag never matches.
    return {f'"{text}"' for weak, text in _TAG.findall(header) if not weak}
