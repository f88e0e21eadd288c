"""``sightline models export``: a model for Triton servers that are not ours."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, get_args

import typer

from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, models_folder
from infra.runtime.settings import Settings
from schemas.errors import Rejected
from streams.inference.cards import CARD_FILE
from streams.inference.repository import WEIGHTS, version_folder
from streams.inference.stock import Precision, export


class Target(StrEnum):
    """What the model is exported for."""

    STOCK = "stock"


def register(models: typer.Typer) -> None:
    """Add the command."""
    models.command("export")(export_model)


def export_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name in the repository.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    target: Annotated[
        Target, typer.Option("--target", help="stock: NVIDIA's own Triton image, with a GPU.")
    ] = Target.STOCK,
    tensorrt: Annotated[
        str | None,
        typer.Option("--tensorrt", help="Have ONNX Runtime use TensorRT: fp32 or fp16."),
    ] = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write the version in force as a model repository for another Triton; none need run."""
    precision: Precision | None = next((p for p in get_args(Precision) if p == tensorrt), None)
    if tensorrt is not None and precision is None:
        raise Rejected(f"--tensorrt is {tensorrt!r}; give fp32 or fp16", reason="bad-precision")
    repository = Settings.from_environment(os.environ).model_repository or models_folder(data_dir)
    version = version_folder(Path(repository), name)
    weights = version / WEIGHTS
    made = export(
        folder,
        name,
        (version / CARD_FILE).read_text(encoding="utf-8"),
        weights if weights.is_file() else None,
        version=version.name,
        tensorrt=precision,
    )
    print(f"{target.value}: {', '.join(made)} of {name} version {version.name} in {folder}")
    print(f"{folder / 'README.md'} says what the image must have")
