"""Triton's model repository: put a model in whole or not at all, and have Triton take it up.

A model's folder holds ``config.pbtxt``, the card as ``model.yaml``, and one folder for each
version with its own card and weights, so that a version is the same whenever it is loaded again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from schemas.errors import Rejected
from schemas.ids import NAME_PATTERN
from streams.inference.cards import CARD_FILE, read_card
from streams.inference.client import TritonClient
from streams.inference.local import LocalModel
from triton_models.kit.card import Card

KEPT_VERSIONS = 3
MAX_BATCH = 16
_INCOMING = ".incoming"
_WEIGHTS = "model.onnx"
_MODEL = """\
import os
import sys

# Triton's interpreter is isolated and ignores PYTHONPATH.
sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)

from triton_models.kit.backend import TritonPythonModel  # noqa: E402, F401
"""


def install(
    repository: Path,
    name: str,
    model_file: Path | None,
    card: str,
    *,
    instances: int | None = None,
) -> str:
    """Put a model into the repository and return its version; Triton has it after :func:`load`.

    The model is built and asked once before anything is written. What is there already, card and
    weights alike, keeps its version. The last three versions are kept.

    Args:
        repository: Triton's model folder; made if it is missing.
        name: the model's name in the repository.
        model_file: ONNX weights; None for models without.
        card: YAML text of the model card.
        instances: how many requests it answers at once; by default as many as there are cores.

    Raises:
        Rejected: the name, the card or the file is bad; the repository is as it was.
    """
    if not NAME_PATTERN.fullmatch(name):
        raise Rejected(
            f"{name!r} is no name for a model: use letters, digits, _ and -, at most 64",
            reason="bad-name",
        )
    read = read_card(card, name)
    check_runs(name, model_file, card)
    folder = repository / name
    (repository / _INCOMING).mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=repository / _INCOMING))
    try:
        _write_version(staged, read, card, model_file)
        folder.mkdir(exist_ok=True)
        version = _same_as_latest(folder, staged) or _add_version(folder, staged)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    _replace(folder / CARD_FILE, card)
    _replace(folder / "config.pbtxt", config_text(name, read, instances or os.cpu_count() or 1))
    for old in versions(repository, name)[:-KEPT_VERSIONS]:
        shutil.rmtree(folder / old)
    return version


def load(client: TritonClient, repository: Path, name: str, version: str) -> None:
    """Have Triton serve the latest version; one that fails to load is taken out again.

    Triton goes on serving the version before until the new one is ready.

    Raises:
        Rejected: Triton cannot load it; the version before stays in force.
        Retryable: Triton does not answer.
    """
    try:
        client.load(name)
        served = client.versions(name)
        if version not in served:
            raise Rejected(
                f"Triton serves {name} in the versions {', '.join(served) or 'none'}, not {version}",
                reason="not-served",
            )
    except Rejected:
        withdraw(repository, name, version)
        raise


def withdraw(repository: Path, name: str, version: str) -> None:
    """Take a version out of the repository; without any left the model goes too."""
    folder = repository / name
    shutil.rmtree(folder / version, ignore_errors=True)
    left = versions(repository, name)
    if not left:
        shutil.rmtree(folder, ignore_errors=True)


def versions(repository: Path, name: str) -> list[str]:
    """Return a model's versions in the repository, oldest first."""
    folder = repository / name
    if not folder.is_dir():
        return []
    return sorted((entry.name for entry in folder.iterdir() if entry.name.isdigit()), key=int)


def installed(repository: Path) -> dict[str, str]:
    """Return each model in the repository with its latest version."""
    if not repository.is_dir():
        return {}
    names = sorted(
        entry.name for entry in repository.iterdir() if NAME_PATTERN.fullmatch(entry.name)
    )
    found = {name: versions(repository, name) for name in names}
    return {name: numbers[-1] for name, numbers in found.items() if numbers}


def local_model(repository: Path, name: str) -> LocalModel:
    """Return the latest version of an installed model, to run in this process.

    Raises:
        Rejected: there is no such model.
    """
    numbers = versions(repository, name)
    if not numbers:
        known = ", ".join(installed(repository)) or "none"
        raise Rejected(
            f"the model {name!r} is not in {repository}; there is {known}: "
            "add it with `sightline models import`",
            reason="unknown-model",
        )
    folder = repository / name / numbers[-1]
    weights = folder / _WEIGHTS
    return LocalModel(
        name,
        weights if weights.is_file() else None,
        card=(folder / CARD_FILE).read_text(encoding="utf-8"),
        version=numbers[-1],
    )


def check_runs(name: str, model_file: Path | None, card: str) -> None:
    """Build a model and ask it for a grey picture.

    Raises:
        Rejected: it cannot be built, or does not answer.
    """
    model = LocalModel(name, model_file, card=card)
    grey = cv2.imencode(".jpg", np.full((64, 96, 3), 128, np.uint8))[1].tobytes()
    model.infer(grey)


def config_text(name: str, card: Card, instances: int) -> str:
    """Return the model's ``config.pbtxt``: the same interface for every model.

    Batches are not formed by waiting: models answer frame by frame, so they would gain nothing.
    """
    inputs = ["JPEG", "BACKGROUND"] if card.weightless else ["JPEG"]
    outputs = [("OBJECTS", "TYPE_FP32", "-1, 6"), ("COUNT", "TYPE_INT32", "1")]
    outputs.append(("LABELS", "TYPE_STRING", "-1"))
    return "\n".join(
        (
            f'name: "{name}"',
            'backend: "python"',
            f"max_batch_size: {MAX_BATCH}",
            *(f'input {{ name: "{one}" data_type: TYPE_STRING dims: [1] }}' for one in inputs),
            *(
                f'output {{ name: "{one}" data_type: {kind} dims: [{dims}] }}'
                for one, kind, dims in outputs
            ),
            f"instance_group {{ count: {instances} kind: KIND_CPU }}",
            "version_policy { latest { num_versions: 1 } }",
            "",
        )
    )


def _write_version(folder: Path, card: Card, text: str, model_file: Path | None) -> None:
    (folder / CARD_FILE).write_text(text, encoding="utf-8")
    (folder / "model.py").write_text(_MODEL, encoding="utf-8")
    (folder / "card.json").write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
    if model_file is not None:
        shutil.copyfile(model_file, folder / _WEIGHTS)
    folder.chmod(0o755)


def _same_as_latest(folder: Path, staged: Path) -> str | None:
    numbers = versions(folder.parent, folder.name)
    if not numbers:
        return None
    latest = folder / numbers[-1]
    ours = {entry.name: entry.read_bytes() for entry in staged.iterdir()}
    theirs = {entry.name: entry.read_bytes() for entry in latest.iterdir() if entry.is_file()}
    return numbers[-1] if ours == theirs else None


def _add_version(folder: Path, staged: Path) -> str:
    numbers = versions(folder.parent, folder.name)
    version = str(int(numbers[-1]) + 1 if numbers else 1)
    staged.rename(folder / version)
    return version


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
