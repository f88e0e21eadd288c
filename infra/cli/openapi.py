"""``sightline openapi``: the API's OpenAPI document, as the Python client ships it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from consumers.api.app import build
from infra.runtime.settings import Settings

SHIPPED = Path(__file__).parents[2] / "consumers" / "client" / "openapi.json"


def register(app: typer.Typer) -> None:
    """Add the ``openapi`` command."""

    @app.command("openapi")
    def openapi(
        out: Annotated[
            Path | None, typer.Option(help="Write it there; without, it is printed.")
        ] = None,
        ship: Annotated[
            bool, typer.Option("--ship", help="Write it to where the client's package has it.")
        ] = False,
    ) -> None:
        """Print or write the OpenAPI document of the main API."""
        text = document()
        target = SHIPPED if ship else out
        if target is None:
            print(text, end="")
        else:
            target.write_text(text, encoding="utf-8")


def document() -> str:
    """Return the document as JSON text; the parts of the API are not opened for it."""
    return json.dumps(build(Settings()).openapi(), indent=1, sort_keys=True) + "\n"
