"""A camera's password, from where the configuration says it is; it appears in no message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schemas.errors import Rejected
from schemas.site import Credentials


def read_password(credentials: Credentials, where: str, environment: Mapping[str, str]) -> str:
    """Return the password; a file's trailing line break is not part of it.

    Args:
        credentials: names the variable or the file.
        where: the camera's address, for messages.
        environment: variables.

    Raises:
        Rejected: it is not there.
    """
    if credentials.password_env is not None:
        password = environment.get(credentials.password_env)
        if password is None:
            raise Rejected(
                f"{where} needs a password: set the variable {credentials.password_env} for the "
                "capture process",
                reason="no-password",
            )
        return password
    assert credentials.password_file is not None, "the configuration names one of the two"
    try:
        text = Path(credentials.password_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Rejected(
            f"{where} needs a password: {credentials.password_file} cannot be read: {why}",
            reason="no-password",
        ) from None
    return text.rstrip("\r\n")
