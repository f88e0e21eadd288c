"""Trying a new version of a model in a process of its own, before anything is switched.

Whatever the weights do there (crash, hang, take all memory) costs that process and the update,
and nothing else. In process and in Triton the same code answers, so the answers are the same.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from schemas.errors import Rejected, Retryable
from streams.inference.updating.comparing import Limits, differing, unsound

LONGEST_S = 120.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A card and its weights on disk."""

    card: str
    """YAML text."""
    weights: Path | None
    """None for models without."""


def try_out(
    name: str,
    candidate: Version,
    before: Version | None,
    pictures: Sequence[bytes],
    limits: Limits,
    stopping: Callable[[], bool],
    *,
    longest_s: float = LONGEST_S,
) -> None:
    """Ask a new version about some JPEGs, and the version before too.

    Args:
        name: the model's.
        candidate: the new version.
        before: what runs now; None: nothing to compare with.
        pictures: at least one JPEG.
        limits: what the new version must keep to.
        stopping: tells when to give up because the process ends.
        longest_s: for the whole trial; a version that hangs is ended.

    Raises:
        Rejected: it fails, is too slow, or differs by more than the limits.
        Retryable: this process ends before the trial does.
    """
    with tempfile.TemporaryDirectory(prefix="sightline-trial-") as folder:
        files = [Path(folder) / f"{index}.jpg" for index in range(len(pictures))]
        for path, jpeg in zip(files, pictures, strict=True):
            path.write_bytes(jpeg)
        order = {
            "name": name,
            "candidate": _plain(candidate),
            "before": None if before is None else _plain(before),
            "pictures": [str(path) for path in files],
            "limits": asdict(limits),
        }
        found = _in_a_process(name, orjson.dumps(order), Path(folder), stopping, longest_s)
    if found:
        raise Rejected(
            f"the new version of {name} is not taken over: {'; '.join(found)}",
            reason="failed-trial",
        )


def judge(order: bytes) -> list[str]:
    """Do the trial, in the process made for it, and return what is wrong."""
    from streams.inference.local import LocalModel

    wanted = orjson.loads(order)
    limits = Limits(**wanted["limits"])
    pictures = [Path(path).read_bytes() for path in wanted["pictures"]]

    def model(version: dict[str, str | None]) -> LocalModel:
        weights = version["weights"]
        return LocalModel(wanted["name"], Path(weights) if weights else None, card=version["card"])

    try:
        new = model(wanted["candidate"])
        new.infer(pictures[0])
        began_s = time.perf_counter()
        after = [new.infer(picture) for picture in pictures]
        answer_s = (time.perf_counter() - began_s) / len(pictures)
    except Rejected as error:
        return [str(error)]
    found = sorted({problem for answer in after for problem in unsound(answer)})
    if answer_s > limits.max_answer_s:
        found.append(f"an answer takes {answer_s:.2f} s, and {limits.max_answer_s:g} s is the most")
    if found or wanted["before"] is None:
        return found
    try:
        old = model(wanted["before"])
        answers = [old.infer(picture) for picture in pictures]
    except Rejected:
        # What runs now is no measure if it does not work itself.
        return []
    return differing(answers, after, limits)


def _in_a_process(
    name: str, order: bytes, folder: Path, stopping: Callable[[], bool], longest_s: float
) -> list[str]:
    wanted, result = folder / "order.json", folder / "result.json"
    wanted.write_bytes(order)
    child = subprocess.Popen(
        [sys.executable, "-m", __name__, str(wanted), str(result)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline_s = time.monotonic() + longest_s
        while True:
            try:
                _, errors = child.communicate(timeout=_POLL_S)
                break
            except subprocess.TimeoutExpired:
                pass
            if stopping():
                raise Retryable(f"the trial of {name} was given up: this process ends")
            if time.monotonic() >= deadline_s:
                return [f"it has not answered within {longest_s:g} s"]
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    if child.returncode or not result.is_file():
        said = errors.decode(errors="replace").strip().splitlines() or ["no word"]
        return [f"its process ended with {child.returncode}: {said[-1]}"]
    found: list[str] = orjson.loads(result.read_bytes())
    return found


def _plain(version: Version) -> dict[str, str | None]:
    return {"card": version.card, "weights": str(version.weights) if version.weights else None}


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(orjson.dumps(judge(Path(sys.argv[1]).read_bytes())))
