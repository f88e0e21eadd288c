"""The bucket of the analytics: whole objects only, so that readers see the old or the new one."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from minio.commonconfig import CopySource
from minio.error import S3Error

from consumers.sinks.objects import NOT_THERE, ObjectStore, retryable
from infra.runtime.settings import Settings

CONTENT_TYPE = "application/vnd.apache.parquet"


class AnalyticsBucket(ObjectStore):
    """Parquet objects; the bucket is made when it is not there."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Connect as the settings say.

        Raises:
            Fatal: a setting is missing.
        """
        return cls(
            settings.need("s3_url"),
            settings.need("s3_access_key"),
            settings.need("s3_secret_key"),
            settings.analytics_bucket,
        )

    def make(self) -> None:
        """Make the bucket, if it is not there.

        Raises:
            Retryable: the service does not answer, or refuses.
        """
        with retryable(f"has no bucket {self.bucket}"):
            if not self._client.bucket_exists(self.bucket):
                self._client.make_bucket(self.bucket)

    def put_file(self, key: str, path: Path, sha256: str) -> None:
        """Store a file under ``key``; whoever reads meanwhile sees what was there before.

        Raises:
            Retryable: the service does not answer, or refuses.
        """
        with retryable(f"did not take {key}"):
            self._client.fput_object(
                self.bucket, key, str(path), CONTENT_TYPE, metadata={"sha256": sha256}
            )

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has; None if there is none.

        Raises:
            Retryable: the service does not answer, or refuses.
        """
        with retryable(f"did not find {key}"):
            try:
                return self._client.stat_object(self.bucket, key).size
            except S3Error as error:
                if error.code not in NOT_THERE:
                    raise
        return None

    def move(self, source: str, key: str) -> bool:
        """Move an object of the bucket; False if there is none, at neither place.

        Raises:
            Retryable: the service does not answer, or refuses; moving again goes on.
        """
        with retryable(f"did not move {source}"):
            try:
                self._client.copy_object(self.bucket, key, CopySource(self.bucket, source))
            except S3Error as error:
                if error.code != "NoSuchKey":
                    raise
                # Moved before, by somebody who died before it was noted.
                return any(self._client.list_objects(self.bucket, prefix=key))
            self._client.remove_object(self.bucket, source)
        return True
