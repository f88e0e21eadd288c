"""Triton's model repository: put a model in whole or not at all, and have Triton take it up.

A model's folder holds ``config.pbtxt``, the card as ``model.yaml``, and one folder for each
version with its own card and weights, so that a version is the same whenever it is loaded again.
Which version is served, and which was before: ``streams.inference.versions``.
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
from streams.inference.versions import alone, order_of, outlived, put_in_force, versions_in
from triton_models.kit.card import Card

_INCOMING, _WITHDRAWN = ".incoming", ".withdrawn"
WEIGHTS = "model.onnx"
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

    The model is built and asked once before anything is written. What is served already, card and
    weights alike, keeps its version. The last three versions are kept, and the last three that were
    served. Several processes may do this at once.

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
        if model_file is not None:
            _check_whole(name, model_file, staged / WEIGHTS, card)
        with alone(repository):
            folder.mkdir(exist_ok=True)
            order = order_of(folder)
            if not order or not _same(folder / order[-1], staged):
                order.append(_add_version(folder, staged))
            put_in_force(folder, order, instances or os.cpu_count() or 1)
            for old in outlived(folder):
                shutil.rmtree(folder / old)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return order[-1]


def load(client: TritonClient, repository: Path, name: str, version: str) -> None:
    """Have Triton serve a version; one that fails to load is taken out again, see :func:`withdraw`.

    Triton goes on serving the version before until the new one is ready.

    Raises:
        Rejected: Triton cannot load it; the version before stays in force.
        Retryable: Triton does not answer.
    """
    folder = repository / name
    try:
        with alone(repository):
            order = order_of(folder)
            if version in versions_in(folder) and version != order[-1]:
                put_in_force(folder, [*(one for one in order if one != version), version])
        serve(client, name, version)
    except Rejected:
        withdraw(repository, name, version)
        raise


def serve(client: TritonClient, name: str, version: str) -> None:
    """Have Triton serve what is in force, as at a start; the repository stays as it is.

    Raises:
        Rejected: Triton cannot load it, or serves another version.
        Retryable: Triton does not answer.
    """
    client.load(name)
    served = client.versions(name)
    if version not in served:
        raise Rejected(
            f"Triton serves {name} in the versions {', '.join(served) or 'none'}, not {version}",
            reason="not-served",
        )


def rollback(client: TritonClient, repository: Path, name: str) -> str:
    """Have Triton serve the version that was served before, and return it.

    No request fails meanwhile. The version that is left stays in the repository, so its number is
    never given to another model; only a new import or :func:`load` brings it back.

    Raises:
        Rejected: there is none before, or Triton cannot load it; what is served stays in force.
        Retryable: Triton does not answer; it serves the version before once it is back.
    """
    folder = repository / name
    with alone(repository):
        order = order_of(folder)
        if len(order) < 2:
            known = f"only version {order[0]} of it" if order else "no such model"
            raise Rejected(
                f"there is no version of {name} to go back to: {repository} holds {known}",
                reason="no-version-before",
            )
        put_in_force(folder, order[:-1])
    try:
        serve(client, name, order[-2])
    except Rejected:
        with alone(repository):
            put_in_force(folder, order)
        raise
    return order[-2]


def withdraw(repository: Path, name: str, version: str) -> None:
    """Take a version out of the repository; without any left the model goes too.

    Its files stay in ``.withdrawn``: what Triton cannot load today may be all there is of a model.
    """
    folder = repository / name
    with alone(repository):
        order = [one for one in order_of(folder) if one != version]
        if (folder / version).is_dir():
            kept = repository / _WITHDRAWN / f"{name}-{version}"
            shutil.rmtree(kept, ignore_errors=True)
            kept.parent.mkdir(exist_ok=True)
            (folder / version).rename(kept)
        order = order or versions_in(folder)
        if order:
            put_in_force(folder, order)
        else:
            shutil.rmtree(folder, ignore_errors=True)


def versions(repository: Path, name: str) -> list[str]:
    """Return a model's versions in the repository, oldest first."""
    return versions_in(repository / name)


def installed(repository: Path) -> dict[str, str]:
    """Return each model in the repository with the version that is in force."""
    if not repository.is_dir():
        return {}
    names = sorted(
        entry.name for entry in repository.iterdir() if NAME_PATTERN.fullmatch(entry.name)
    )
    found = {name: order_of(repository / name) for name in names}
    return {name: order[-1] for name, order in found.items() if order}


def local_model(repository: Path, name: str) -> LocalModel:
    """Return an installed model in the version that is in force, to run in this process.

    Raises:
        Rejected: there is no such model.
    """
    version = version_folder(repository, name)
    weights = version / WEIGHTS
    return LocalModel(
        name,
        weights if weights.is_file() else None,
        card=(version / CARD_FILE).read_text(encoding="utf-8"),
        version=version.name,
    )


def version_folder(repository: Path, name: str) -> Path:
    """Return the folder of the version that is in force: its card and, with weights, ``WEIGHTS``.

    Raises:
        Rejected: there is no such model.
    """
    order = order_of(repository / name) if NAME_PATTERN.fullmatch(name) else []
    if not order:
        known = ", ".join(installed(repository)) or "none"
        raise Rejected(
            f"the model {name!r} is not in {repository}; there is {known}: "
            "add it with `sightline models import`",
            reason="unknown-model",
        )
    return repository / name / order[-1]


def check_runs(name: str, model_file: Path | None, card: str) -> None:
    """Build a model and ask it for a grey picture.

    Raises:
        Rejected: it cannot be built, or does not answer.
    """
    model = LocalModel(name, model_file, card=card)
    grey = cv2.imencode(".jpg", np.full((64, 96, 3), 128, np.uint8))[1].tobytes()
    model.infer(grey)


def _check_whole(name: str, model_file: Path, copy: Path, card: str) -> None:
    """Insist that a file which runs where it lies runs as a copy, too."""
    try:
        LocalModel(name, copy, card=card)
    except Rejected as error:
        raise Rejected(
            f"{model_file.name} keeps weights in a second file: save them as one with "
            f"`onnx.save(onnx.load('{model_file.name}'), 'whole.onnx')` and import that",
            reason="bad-model",
        ) from error


def _write_version(folder: Path, card: Card, text: str, model_file: Path | None) -> None:
    (folder / CARD_FILE).write_text(text, encoding="utf-8")
    (folder / "model.py").write_text(_MODEL, encoding="utf-8")
    (folder / "card.json").write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
    if model_file is not None:
        shutil.copyfile(model_file, folder / WEIGHTS)
    folder.chmod(0o755)


def _same(version: Path, staged: Path) -> bool:
    ours = {entry.name: entry.read_bytes() for entry in staged.iterdir()}
    theirs = {entry.name: entry.read_bytes() for entry in version.iterdir() if entry.is_file()}
    return ours == theirs


def _add_version(folder: Path, staged: Path) -> str:
    numbers = versions_in(folder)
    version = str(int(numbers[-1]) + 1 if numbers else 1)
    staged.rename(folder / version)
    return version
