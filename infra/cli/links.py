"""Links to evidence that anybody may open for a while."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from minio import Minio

from infra.runtime.settings import Settings

LIFETIME = timedelta(hours=12)


class EvidenceLinks:
    """Makes signed links to objects of the evidence store."""

    def __init__(self, settings: Settings) -> None:
        address = urlsplit(settings.need("s3_url"))
        self._client = Minio(
            address.netloc,
            access_key=settings.need("s3_access_key"),
            secret_key=settings.need("s3_secret_key"),
            secure=address.scheme == "https",
            region="us-east-1",
        )

    def link(self, bucket: str, key: str) -> str:
        """Return a link to one object; signed here, without asking the store."""
        return str(self._client.presigned_get_object(bucket, key, expires=LIFETIME))
