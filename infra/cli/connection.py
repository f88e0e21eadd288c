"""Where the running parts are: from the environment, else from the stack under the data folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from infra.local.stack import Stack
from infra.local.state import Endpoints
from infra.runtime.settings import Settings
from schemas.errors import Fatal

DataDir = Annotated[
    Path,
    typer.Option("--data-dir", envvar="SIGHTLINE_HOME", help="Folder of the embedded stack."),
]
DEFAULT_DATA_DIR = Path(".sightline")


def connect(data_dir: Path) -> Settings:
    """Return the addresses of the parts.

    Raises:
        Fatal: nothing is set in the environment and no stack runs under ``data_dir``.
    """
    settings = Settings.from_environment(os.environ)
    if settings.edge_kafka or settings.cloud_kafka or settings.postgres_dsn:
        return settings
    return settings_of(Stack.attach(data_dir), data_dir, recorded_site(data_dir))


def settings_of(ends: Endpoints, data_dir: Path, site: str) -> Settings:
    """Return the settings that make a process use the stack that listens at ``ends``."""
    return Settings(
        site=site,
        edge_kafka=ends.edge_kafka,
        cloud_kafka=ends.cloud_kafka,
        triton_grpc=ends.triton_grpc,
        triton_http=ends.triton_http,
        model_repository=str(models_folder(data_dir)),
        postgres_dsn=ends.postgres_dsn,
        mongo_url=ends.mongo_url,
        s3_url=ends.s3_url,
        s3_access_key=ends.s3_access_key,
        s3_secret_key=ends.s3_secret_key,
        s3_bucket=ends.s3_bucket,
        listen=urlsplit(ends.api_url).netloc,
        public_url=ends.api_url,
        secret_key=ends.secret_key,
        # Whoever runs the stack on this machine also names the targets, and tries them out here.
        notify_private="true",
        data_dir=str(data_dir),
    )


def models_folder(data_dir: Path) -> Path:
    """Return the Triton model repository of the stack under ``data_dir``."""
    return (data_dir / "models").resolve()


def recorded_site(data_dir: Path) -> str:
    """Return the site that the data under ``data_dir`` belongs to; empty before the first start."""
    path = data_dir / "site"
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def check_owner(data_dir: Path, site: str) -> None:
    """Insist that the data under ``data_dir`` is this site's, or nobody's yet.

    Raises:
        Fatal: it belongs to another site, whose state would be mixed with this one's.
    """
    owner = recorded_site(data_dir)
    if owner and owner != site:
        raise Fatal(
            f"the data under {data_dir} belongs to site {owner}, not {site}: give --data-dir another "
            f"folder, or remove {data_dir} to start afresh"
        )
