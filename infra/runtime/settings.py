"""Where a process finds the other parts: read once from ``SIGHTLINE_*`` in the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from schemas.errors import Fatal

PREFIX = "SIGHTLINE_"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Addresses and names; an empty text means that the part is not there.

    Each field is read from the variable of its name: ``edge_kafka`` from ``SIGHTLINE_EDGE_KAFKA``.
    """

    site: str = ""
    worker: str = "w1"
    """Name of this worker among its like: static membership of consumer groups."""
    edge_kafka: str = ""
    cloud_kafka: str = ""
    triton_grpc: str = ""
    """host:port; of several servers, separated by commas, the first is the one that models are
    imported into."""
    triton_requests: str = ""
    """Requests under way at each model server; by default two for each core of this machine."""
    triton_http: str = ""
    model_repository: str = ""
    postgres_dsn: str = ""
    mongo_url: str = ""
    s3_url: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = ""
    s3_bucket: str = "evidence"
    analytics_bucket: str = "analytics"
    """Parquet for data teams."""
    data_dir: str = ".sightline"
    recording_gib: str = "100"
    """Most that continuous video of all cameras takes on the disk of the site's Kafka, in GiB."""
    checkpoint_s: str = "600"
    """Seconds between two checkpoints of a stage, for replays."""
    http_port: str = "0"
    """Port of /metrics and /healthz; 0 picks a free one."""
    listen: str = "127.0.0.1:8080"
    """host:port of the cloud's API."""
    public_url: str = ""
    """Where people and systems reach the API, for links in mails and notifications; by default
    ``http://`` and ``listen``."""
    secret_key: str = ""
    """At least 32 characters, the same for all services of a cloud: signs links and seals what is
    stored encrypted."""
    smtp_url: str = ""
    """smtp://user:password@host:port, or smtps://; empty: no mail."""
    mail_from: str = "sightline@localhost"
    sms_url: str = ""
    """Webhook of an SMS gateway; empty: no SMS."""
    notify_private: str = ""
    """``true``: notifications may go to loopback, private and link-local addresses that users
    name, such as a broker in the operator's own network."""
    local_targets: str = ""
    """File of the site's own targets, which rules name under ``notify``; empty: none."""
    oidc: str = ""
    """Identity providers: a JSON list of {name, issuer, client_id, client_secret, organisation,
    role, domains}; see docs/cloud.md."""
    log_format: str = "json"
    """``json`` or ``console``."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; a variable that is not set keeps its default."""
        names = {field.name: PREFIX + field.name.upper() for field in fields(cls)}
        return cls(**{name: environment[key] for name, key in names.items() if key in environment})

    def environment(self) -> dict[str, str]:
        """Return the variables that make a child process read these settings."""
        return {PREFIX + f.name.upper(): str(getattr(self, f.name)) for f in fields(self)}

    def need(self, name: str) -> str:
        """Return a setting that must be there.

        Raises:
            Fatal: it is empty; the message names the variable to set.
        """
        value = str(getattr(self, name))
        if not value:
            raise Fatal(f"{PREFIX}{name.upper()} is not set: start with `sightline up`, or set it")
        return value

    @property
    def base_url(self) -> str:
        """Where people and systems reach the API, without a slash at the end."""
        return self.public_url.rstrip("/") or f"http://{self.listen}"

    @property
    def triton_servers(self) -> tuple[str, ...]:
        """The addresses of all model servers."""
        return tuple(url.strip() for url in self.triton_grpc.split(",") if url.strip())

    @property
    def data(self) -> Path:
        """Folder of what this process keeps on disk."""
        return Path(self.data_dir)
