"""Mongo's errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import DuplicateKeyError, PyMongoError

from schemas.errors import Retryable


@contextmanager
def answering() -> Iterator[None]:
    """Tell that Mongo does not answer as an error of ours; what is there already stays pymongo's.

    Raises:
        Retryable: Mongo does not answer.
    """
    try:
        yield
    except DuplicateKeyError:
        raise
    except PyMongoError as error:
        why = " ".join(str(error).split())[:200]
        raise Retryable(
            f"Mongo does not answer: {why}; see `sightline status`, or correct SIGHTLINE_MONGO_URL"
        ) from error
