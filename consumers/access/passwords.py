"""Passwords: argon2id, in few threads of their own, so that logins neither stop the loop nor fill memory."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.errors import Backpressure, Rejected

SHORTEST = 12
LONGEST = 256
_DIFFERENT_CHARACTERS = 5
# OWASP Password Storage Cheat Sheet, second of its equal choices for argon2id: few passes over little
# memory, so that a hundred logins at a time fit a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_THREADS = 2
_WAITING = 64


class _Workers:
    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="passwords")
        self.waiting = 0


@cache
def _workers() -> _Workers:
    return _Workers()


async def hashed(password: str) -> str:
    """Return what is kept of a password.

    Raises:
        Backpressure: too many wait already.
    """
    return await _work(password, None) or ""


async def verified(password: str, kept: str | None) -> bool:
    """Tell whether it is the password; without one to compare with it takes just as long.

    Raises:
        Backpressure: too many wait already.
    """
    return await _work(password, kept) is not None and kept is not None


def outdated(kept: str) -> bool:
    """Tell whether it was hashed with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def check_password(password: str, mail: str) -> None:
    """Insist on a password that is not guessed at once (NIST SP 800-63B: long, no composition rules).

    Raises:
        Rejected: it is too short, too long or plain.
    """
    plain = password.lower()
    if len(password) < SHORTEST:
        raise Rejected(f"a password has at least {SHORTEST} characters", reason="weak-password")
    if len(password) > LONGEST:
        raise Rejected(f"a password has at most {LONGEST} characters", reason="weak-password")
    if len(set(plain)) < _DIFFERENT_CHARACTERS or plain in mail or mail.split("@")[0] == plain:
        raise Rejected(
            "this password is guessed at once: choose several unrelated words",
            reason="weak-password",
        )


async def _work(password: str, kept: str | None) -> str | None:
    """Verify against ``kept``, or hash where there is none; None where it is not the password."""
    workers = _workers()
    if workers.waiting >= _WAITING:
        raise Backpressure("too many log in at this moment; try again", retry_after_s=2)
    workers.waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(
            workers.threads, _work_now, password, kept
        )
    finally:
        workers.waiting -= 1


def _work_now(password: str, kept: str | None) -> str | None:
    if kept is None:
        return _HASHER.hash(password)
    try:
        _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return None
    return kept
