"""Which models a replay asks, and where it takes each from."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from infra.cli.replay_arguments import ReplayArguments
from schemas.errors import Rejected
from schemas.records import Reading
from schemas.site import Camera
from streams.inference.cards import included_card, included_cards, read_card
from streams.inference.choosing import Use, uses_in
from streams.inference.local import LocalModel
from streams.inference.repository import local_model


def uses_for(wanted: ReplayArguments, camera: Camera) -> tuple[Use, ...]:
    """Return the models that look at a camera's frames.

    ``--model`` stands for all of the camera's; one of them keeps the rate it has there.
    """
    configured = uses_in(camera)
    if wanted.model is None:
        return configured
    return tuple(use for use in configured if use.model == wanted.model) or (Use(wanted.model),)


def models_for(wanted: ReplayArguments, names: Iterable[str]) -> dict[str, LocalModel]:
    """Return the models of these names, ready to answer.

    Raises:
        Rejected: a model's weights are not given, or a file is given that could be of several.
    """
    needed = list(dict.fromkeys(names))
    files = files_for(wanted, needed)
    return {name: _model(name, files.get(name), wanted.data_dir) for name in needed}


def files_for(wanted: ReplayArguments, names: Sequence[str]) -> Mapping[str, Path]:
    """Return the file of each model that was given one.

    A file without a name belongs to ``--model``, to the only model, or to the only one left that
    needs weights.

    Raises:
        Rejected: it could belong to several, or a file is named for a model that is not asked.
    """
    files = dict(wanted.named_files)
    strange = [name for name in files if name not in names]
    if strange:
        raise Rejected(
            f"--model-file {strange[0]}=…: no camera here has the model {strange[0]}, "
            f"they have {', '.join(names) or 'none'}"
        )
    if wanted.model_file is None:
        return files
    left = [name for name in names if name not in files]
    owners = left if len(left) == 1 else [name for name in left if _needs_weights(name)]
    if len(owners) != 1:
        raise Rejected(
            f"--model-file {wanted.model_file} could belong to {' or '.join(owners or names)}: "
            f"write --model-file {(owners or names)[0]}={wanted.model_file}"
        )
    return files | {owners[0]: wanted.model_file}


def _model(name: str, file: Path | None, data_dir: Path | None) -> LocalModel:
    if file is None and data_dir is not None and (data_dir / "models" / name).is_dir():
        return local_model(data_dir / "models", name)
    return LocalModel(name, file)


def _needs_weights(name: str) -> bool:
    return name not in included_cards() or not read_card(included_card(name), name).weightless


class Troubles:
    """Counts the looks that failed, for the person who reads the results."""

    def __init__(self) -> None:
        self._looks: Counter[str] = Counter()
        self._failed: Counter[tuple[str, str | None]] = Counter()

    def add(self, reading: Reading) -> None:
        """Take in one reading."""
        for look in reading.looks:
            self._looks[look.model] += 1
            if look.outcome != "ok":
                self._failed[look.model, look.reason] += 1

    def tell(self) -> None:
        """Print what failed.

        Raises:
            Rejected: a model answered not once.
        """
        for (model, reason), count in self._failed.items():
            of = self._looks[model]
            if count == of:
                raise Rejected(
                    f"the model {model} failed on all {of} frames it was asked about ({reason}): "
                    "is its file the network that its card describes?"
                )
            print(f"{model} failed on {count} of {of} frames: {reason}", file=sys.stderr)
