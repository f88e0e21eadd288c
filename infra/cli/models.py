"""``sightline models``: what Triton serves, and adding detectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.runtime.settings import Settings
from schemas.errors import Retryable
from streams.inference.cards import included_card, included_cards
from streams.inference.client import TritonClient
from streams.inference.repository import install, installed, load


def register(app: typer.Typer) -> None:
    """Add the ``models`` commands."""
    models = typer.Typer(help="Models in the Triton repository.")

    @models.command("list")
    def show(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
        """Show the models of the repository, their versions, and whether Triton serves them."""
        settings = connect(data_dir)
        client = TritonClient(settings.need("triton_grpc"))
        table = Table(box=None)
        for column in ("model", "version", "served"):
            table.add_column(column)
        for name, version in installed(Path(settings.need("model_repository"))).items():
            table.add_row(name, version, _served(client, name))
        Console().print(table)

    @models.command("import")
    def import_model(
        model_file: Annotated[Path, typer.Argument(metavar="FILE.onnx")],
        name: Annotated[str, typer.Option("--as", help="Name in the repository.")],
        card: Annotated[
            str | None,
            typer.Option("--format", help=f"Card to read it by: {', '.join(included_cards())}."),
        ] = None,
        data_dir: DataDir = DEFAULT_DATA_DIR,
    ) -> None:
        """Add a detector's weights and have Triton serve them."""
        version = import_into(connect(data_dir), name, model_file, card or name)
        print(f"Triton serves {name} version {version}")

    app.add_typer(models, name="models")


def import_into(settings: Settings, name: str, model_file: Path | None, card: str) -> str:
    """Install a model by one of the included cards, load it, and return its version.

    Raises:
        Rejected: the file is not the model that the card describes; nothing has changed.
        Retryable: Triton does not answer.
    """
    repository = Path(settings.need("model_repository"))
    client = TritonClient(settings.need("triton_grpc"))
    try:
        version = install(repository, name, model_file, included_card(card))
        load(client, repository, name, version)
    finally:
        client.close()
    return version


def _served(client: TritonClient, name: str) -> str:
    try:
        return ", ".join(client.versions(name)) or "no"
    except Retryable:
        return "Triton does not answer"
