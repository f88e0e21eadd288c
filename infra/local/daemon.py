"""The supervisor as a process of its own: ``python -m infra.local.daemon``, used by ``up --detach``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.local import logs
from infra.local.install import install
from infra.local.paths import check_disk, make_folder
from infra.local.process import wait_gone
from infra.local.stack import Stack, StackConfig
from infra.local.state import StackRecord, StateStore, read_record
from infra.local.supervisor import Progress, end_orphans
from schemas.errors import Fatal, SightlineError

LOG_NAME = "supervisor"
STOP_WITHIN_S = 60.0
_POLL_S = 0.1
_LOG = logging.getLogger(__name__)


def arguments_of(config: StackConfig) -> list[str]:
    """Return the command line that gives ``config`` back through ``config_of``."""
    arguments = ["--data-dir", str(config.data_dir.absolute())]
    for part in sorted(config.parts or ()):
        arguments += ["--part", part]
    if config.model_repository is not None:
        arguments += ["--model-repository", str(config.model_repository.absolute())]
    for model in config.models:
        arguments += ["--model", model]
    for name, port in config.ports.items():
        arguments += ["--port", f"{name}={port}"]
    if config.java is not None:
        arguments += ["--java", str(config.java)]
    return arguments


def config_of(arguments: Sequence[str]) -> StackConfig:
    """Read a command line of ``arguments_of``."""
    parser = argparse.ArgumentParser(prog="sightline-supervisor")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--part", action="append")
    parser.add_argument("--model-repository", type=Path)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--port", action="append", default=[])
    parser.add_argument("--java", type=Path)
    given = parser.parse_args(arguments)
    pairs = (pair.split("=", 1) for pair in given.port)
    return StackConfig(
        data_dir=given.data_dir,
        parts=frozenset(given.part) if given.part else None,
        model_repository=given.model_repository,
        models=tuple(given.model),
        ports={name: int(port) for name, port in pairs},
        java=given.java,
    )


def serve(
    stack: Stack,
    progress: Progress | None,
    ready: Callable[[], None],
    then: Callable[[], None] | None = None,
) -> bool:
    """Start the stack and what ``then`` adds, keep it until SIGINT, SIGTERM or SIGHUP, stop it.

    Returns False when the signal came before the stack was ready. Raises Fatal.
    """
    was_ready = False
    interrupted = threading.Event()

    def on_signal(_signum: int, _frame: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, on_signal)
    try:
        stack.start(progress, then)
        was_ready = True
        ready()
        while True:
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        stack.stop()
    return was_ready


def detach(
    config: StackConfig, progress: Progress, command: Sequence[str] | None = None
) -> StackRecord:
    """Start a supervisor in the background and wait until its stack is ready. Raises Fatal.

    ``command`` is what runs it, this module by default.
    """
    install(progress, config.java)
    data = config.data_dir.absolute()
    # Seen here already: on a full disk the supervisor could not even write down what is wrong.
    check_disk(data)
    make_folder(data / "logs")
    log = data / "logs" / f"{LOG_NAME}.log"
    with log.open("ab") as output:
        began_at = log.stat().st_size
        process = subprocess.Popen(
            command or [sys.executable, "-m", "infra.local.daemon", *arguments_of(config)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        record = _await_ready(process, data, progress)
    except BaseException:
        process.terminate()
        raise
    if record is not None:
        return record
    last = logs.tail(log, max(1, log.stat().st_size - began_at)).strip().splitlines()
    if not last:
        raise Fatal(f"the supervisor ended without a word; see {log}")
    raise Fatal(last[-1].removeprefix("sightline: "))


def _await_ready(
    process: subprocess.Popen[bytes], data: Path, progress: Progress
) -> StackRecord | None:
    """Report what the supervisor does until its stack is ready; None when it ends before."""
    seen: dict[str, str] = {}
    began = time.monotonic()
    while process.poll() is None:
        record = read_record(data)
        if record is not None and record.supervisor_pid == process.pid:
            for name, part in record.parts.items():
                if part.state != seen.get(name):
                    seen[name] = part.state
                    progress(name, part.state, time.monotonic() - began)
            if record.phase == "ready":
                return record
        time.sleep(_POLL_S)
    return None


def stop_running(data_dir: Path) -> bool:
    """Ask the supervisor of ``data_dir`` to stop and wait; False when none runs. Raises Fatal."""
    record = read_record(data_dir)
    if record is None or not record.supervised():
        return False
    try:
        os.kill(record.supervisor_pid, signal.SIGTERM)
    except PermissionError:
        raise Fatal(
            f"the stack under {data_dir} belongs to another user; stop it as that user"
        ) from None
    if not wait_gone(record.supervisor, STOP_WITHIN_S):
        raise Fatal(
            f"the supervisor {record.supervisor_pid} has not stopped after {STOP_WITHIN_S:.0f} s; "
            f"see {data_dir / 'logs'}"
        )
    return True


def end_left_overs(data_dir: Path) -> list[str]:
    """End the parts that a killed supervisor left running; return their names."""
    record = read_record(data_dir)
    if record is None or record.supervised():
        return []
    return end_orphans(StateStore(data_dir))


def main(arguments: Sequence[str]) -> int:
    """Run the supervisor until SIGTERM; one line on standard error when it fails."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)

    def report(name: str, state: str, seconds: float) -> None:
        _LOG.info("%s %s %.1f s", name, state, seconds)

    try:
        serve(Stack(config_of(arguments)), report, lambda: _LOG.info("the stack is ready"))
    except SightlineError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
