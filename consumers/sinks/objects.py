"""Evidence in object storage (S3): where each object lies, and how it gets there."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

from infra.runtime.settings import Settings
from schemas.errors import Fatal, Rejected, Retryable
from schemas.ids import NAME_PATTERN, SITE_PATTERN
from schemas.records import Evidence

NOT_THERE = frozenset({"NoSuchKey", "NoSuchBucket"})
"""Codes of the service for an object that it does not have."""
SUFFIXES = {"image/jpeg": "jpg", "video/mp4": "mp4"}
HASH_CHARACTERS = 16
TIMEOUT_S = 30.0
PIECE_BYTES = 1 << 16
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def object_key(evidence: Evidence) -> str:
    """Return the key ``<site>/<yyyy>/<mm>/<dd>/<event or candidate>/<id>-<hash>.<suffix>``.

    The day is that of ``from_at`` in UTC. With part of the hash in it no object is ever changed.

    Raises:
        Rejected: a part cannot stand in a key, or the content is of no known type.
    """
    subject = evidence.event_id or evidence.candidate_id or ""
    suffix = SUFFIXES.get(evidence.content_type)
    if suffix is None:
        raise Rejected(f"{evidence.content_type!r} is no type of evidence", reason="bad-type")
    for text, pattern in (
        (evidence.site, SITE_PATTERN),
        (evidence.camera, NAME_PATTERN),
        (subject, _ID),
        (evidence.evidence_id, _ID),
    ):
        if pattern.fullmatch(text) is None:
            raise Rejected(
                f"{text[:80]!r} cannot stand in an object's key or metadata", reason="bad-id"
            )
    try:
        day = datetime.fromtimestamp(evidence.from_at / 1000, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Rejected(f"{evidence.from_at} is no time", reason="bad-time") from error
    name = f"{evidence.evidence_id}-{evidence.sha256[:HASH_CHARACTERS]}.{suffix}"
    return f"{evidence.site}/{day:%Y/%m/%d}/{subject}/{name}"


class ObjectStore:
    """One bucket of an S3 service."""

    def __init__(self, url: str, access_key: str, secret_key: str, bucket: str) -> None:
        """Connect to nothing yet.

        Raises:
            Fatal: ``url`` is no http(s) URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise Fatal("SIGHTLINE_S3_URL is no http:// or https:// URL: correct it")
        self.bucket = bucket
        self._client = Minio(
            parts.netloc,
            access_key=access_key,
            secret_key=secret_key,
            secure=parts.scheme == "https",
            region="us-east-1",
            # Retries are the caller's, so that it keeps its place in the consumer group meanwhile.
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(TIMEOUT_S, connect=5.0), retries=False
            ),
        )

    @classmethod
    def from_settings(cls, settings: Settings) -> ObjectStore:
        """Connect as the settings say.

        Raises:
            Fatal: a setting is missing.
        """
        return cls(
            settings.need("s3_url"),
            settings.need("s3_access_key"),
            settings.need("s3_secret_key"),
            settings.s3_bucket,
        )

    def put(self, key: str, evidence: Evidence) -> None:
        """Store the object under ``key``; storing it again changes nothing.

        Raises:
            Retryable: the service does not answer, or refuses.
        """
        metadata: dict[str, str | list[str] | tuple[str]] = {
            "sha256": evidence.sha256,
            "evidence-id": evidence.evidence_id,
            "kind": evidence.kind,
            "site": evidence.site,
            "camera": evidence.camera,
            "from-at": str(evidence.from_at),
            "to-at": str(evidence.to_at),
        }
        with retryable(f"did not take {key}"):
            self._client.put_object(
                self.bucket,
                key,
                io.BytesIO(evidence.data),
                len(evidence.data),
                content_type=evidence.content_type,
                metadata=metadata,
            )

    def link(self, bucket: str, key: str, lifetime: timedelta, file_name: str) -> str:
        """Return a link by which anybody may fetch the object; signed here, without asking the
        service.
        """
        headers: dict[str, str | list[str] | tuple[str]] = {
            "response-content-disposition": f'inline; filename="{file_name}"',
            "response-cache-control": "private, no-store",
        }
        return str(
            self._client.presigned_get_object(
                bucket, key, expires=lifetime, response_headers=headers
            )
        )

    def read(self, bucket: str, key: str, offset: int, length: int) -> Iterator[bytes]:
        """Return the object's bytes from ``offset`` on, in pieces; close it when done.

        Raises:
            Rejected: there is no such object (``reason`` is ``gone``).
            Retryable: the service does not answer.
        """
        with retryable(f"did not give {key}"):
            try:
                answer = self._client.get_object(bucket, key, offset=offset, length=length)
            except S3Error as error:
                if error.code in NOT_THERE:
                    raise Rejected(f"{key} is not in object storage", reason="gone") from error
                raise
        return _pieces(answer)

    def remove(self, bucket: str, keys: Sequence[str]) -> None:
        """Remove objects of any bucket; one that is not there is no error.

        Raises:
            Retryable: the service does not answer, or keeps one back.
        """
        with retryable(f"did not remove objects of {bucket}"):
            wanted = [DeleteObject(key) for key in keys]
            kept = list(self._client.remove_objects(bucket, wanted)) if wanted else []
        if kept:
            raise Retryable(f"object storage keeps {kept[0].name}: {kept[0].message}")


@contextmanager
def retryable(what: str) -> Iterator[None]:
    """Turn an error of the service, or of the way to it, into a Retryable that says ``what``."""
    try:
        yield
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise Retryable(f"object storage {what}: {error}") from error


def _pieces(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        yield from answer.stream(PIECE_BYTES)
    finally:
        answer.close()
        answer.release_conn()
