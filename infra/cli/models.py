"""``sightline models``: what Triton serves, and adding, asking, exporting detectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.cli import models_ask, models_export, models_import, rollout
from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from schemas.errors import Retryable
from streams.inference.cards import CARD_FILE, read_card
from streams.inference.catalogue import catalogue
from streams.inference.client import TritonClient
from streams.inference.repository import WEIGHTS, installed, rollback, version_folder, versions
from triton_models.kit.card import Card

ModelName = Annotated[str, typer.Argument(metavar="NAME", help="Name in the repository.")]


def register(app: typer.Typer) -> None:
    """Add the ``models`` commands."""
    models = typer.Typer(help="Models in the Triton repository.")
    models.command("list")(list_models)
    models.command("show")(show_model)
    models.command("rollback")(roll_back)
    for part in (models_import, models_ask, models_export, rollout):
        part.register(models)
    app.add_typer(models, name="models")


def list_models(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Show the models of the repository, their versions, and whether Triton serves them."""
    settings = connect(data_dir)
    repository = Path(settings.need("model_repository"))
    client = TritonClient(settings.need("triton_grpc"))
    table = Table(box=None)
    for column in ("model", "version", "served", "kept", "format", "input", "classes", "licence"):
        table.add_column(column)
    for name, version in installed(repository).items():
        card = _card(repository, name)
        size = f"{card.width}x{card.height}" if card.width else ""
        kept = ", ".join(versions(repository, name))
        table.add_row(
            *(name, version, _served(client, name), kept),
            *(card.decoding, size, str(len(card.labels)), card.licence),
        )
    client.close()
    Console().print(table)
    print(f"to fetch with `sightline models pull NAME`: {', '.join(catalogue())}")


def show_model(name: ModelName, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Show a model's card, its versions and what Triton serves."""
    settings = connect(data_dir)
    repository = Path(settings.need("model_repository"))
    folder = version_folder(repository, name)
    client = TritonClient(settings.need("triton_grpc"))
    rows = {
        "in force": f"version {folder.name}",
        "served": _served(client, name),
        "kept": ", ".join(versions(repository, name)),
    }
    client.close()
    weights = folder / WEIGHTS
    if weights.is_file():
        rows["weights"] = f"{weights.stat().st_size / 1e6:.1f} MB"
    for key, value in rows.items():
        print(f"{key}: {value}")
    print((folder / CARD_FILE).read_text(encoding="utf-8"), end="")


def roll_back(name: ModelName, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Go back to the version that was served before, without a break."""
    settings = connect(data_dir)
    repository = Path(settings.need("model_repository"))
    client = TritonClient(settings.need("triton_grpc"))
    left = installed(repository).get(name)
    try:
        version = rollback(client, repository, name)
    finally:
        client.close()
    print(f"Triton serves {name} version {version} again; version {left} stays in {repository}")


def _card(repository: Path, name: str) -> Card:
    text = (version_folder(repository, name) / CARD_FILE).read_text(encoding="utf-8")
    return read_card(text, name)


def _served(client: TritonClient, name: str) -> str:
    try:
        return ", ".join(client.versions(name)) or "no"
    except Retryable:
        return "Triton does not answer"
