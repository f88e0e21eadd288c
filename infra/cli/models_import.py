"""``sightline models import`` and ``pull``: adding a detector by its file, without code."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from infra.cli.fetching import fetch
from infra.runtime.settings import Settings
from schemas.errors import Rejected
from streams.inference.cards import included_card, included_cards, read_card, read_values
from streams.inference.catalogue import catalogue, entry_named
from streams.inference.client import TritonClient
from streams.inference.importing import NO_LICENCE, card_of, card_without_weights
from streams.inference.repository import install, load
from streams.inference.updating.downloading import is_address
from triton_models.kit.formats import FORMATS

WeightsArgument = Annotated[
    Path | None,
    typer.Argument(metavar="FILE.onnx", help="Weights; left out for models without."),
]
FormatOption = Annotated[
    str | None,
    typer.Option("--format", help=f"How its output is read: {', '.join(FORMATS)}."),
]
CardOption = Annotated[
    Path | None,
    typer.Option(
        "--card", metavar="CARD.yaml", help="Values of its card; what is left out is told."
    ),
]
LabelsOption = Annotated[
    str | None,
    typer.Option("--labels", metavar="FILE|A,B,C", help="Class names in order: lines, or commas."),
]
SizeOption = Annotated[
    str | None,
    typer.Option("--size", metavar="WxH", help="Of the input, where the file leaves it open."),
]
StageOption = Annotated[
    str | None,
    typer.Option(
        "--stage", metavar="detector|crop", help="crop: it looks at cut-outs of what others found."
    ),
]
LicenceOption = Annotated[
    str | None, typer.Option("--licence", help="SPDX identifier of the weights' licence.")
]


@dataclass(frozen=True)
class Said:
    """What the command line says of a card."""

    decoding: str | None = None
    card: Path | None = None
    labels: str | None = None
    size: str | None = None
    licence: str | None = None
    stage: str | None = None

    def values(self) -> dict[str, Any]:
        """Return the values of the card that were given; options win over the card's file.

        Raises:
            Rejected: the card's file or the size cannot be read.
        """
        values: dict[str, Any] = {}
        if self.card is not None:
            values = read_values(self.card.read_text(encoding="utf-8"), str(self.card))
        options: Mapping[str, Any] = {
            "decoding": self.decoding,
            "labels": None if self.labels is None else _labels(self.labels),
            "licence": self.licence,
            "stage": self.stage,
            **_size(self.size),
        }
        return values | {key: value for key, value in options.items() if value is not None}


def register(models: typer.Typer) -> None:
    """Add the commands."""
    models.command("import")(import_model)
    models.command("pull")(pull_model)


def import_model(
    name: Annotated[str, typer.Option("--as", help="Name in the repository.")],
    model_file: WeightsArgument = None,
    decoding: FormatOption = None,
    card: CardOption = None,
    labels: LabelsOption = None,
    size: SizeOption = None,
    licence: LicenceOption = None,
    stage: StageOption = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Add a detector and have Triton serve it.

    The format may be left out for files of the catalogue and for models whose card comes with
    Sightline; the file, for models without weights.
    """
    said = Said(decoding, card, labels, size, licence, stage)
    text = card_for(model_file, name, said)
    _add(connect(data_dir), name, model_file, text)


def pull_model(
    what: Annotated[
        str,
        typer.Argument(metavar="NAME|ADDRESS", help=f"Of the catalogue: {', '.join(catalogue())}."),
    ],
    sha256: Annotated[
        str | None, typer.Option("--sha256", help="Checksum of what an address gives.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--as", help="Name in the repository; by default the catalogue's.")
    ] = None,
    decoding: FormatOption = None,
    card: CardOption = None,
    labels: LabelsOption = None,
    size: SizeOption = None,
    licence: LicenceOption = None,
    stage: StageOption = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Fetch a detector, check its checksum, add it and have Triton serve it."""
    settings = connect(data_dir)
    address, digest, name = _wanted(what, sha256, name)
    with tempfile.TemporaryDirectory(prefix="sightline-pull-") as folder:
        file = Path(folder) / f"{name}.onnx"
        fetch(address, digest, file, instead=f"`sightline models import FILE.onnx --as {name}`")
        said = Said(decoding, card, labels, size, licence, stage)
        _add(settings, name, file, card_of(file, name, said.values()))


def card_for(model_file: Path | None, name: str, said: Said) -> str:
    """Return the text of a model's card, from what was said and what the file tells.

    Raises:
        Rejected: the file is not what was said, it is needed, or too little was said.
    """
    values = said.values()
    if "decoding" not in values and name in included_cards():
        values = read_values(included_card(name), name) | values
    if model_file is None:
        return card_without_weights(name, values)
    return card_of(model_file, name, values)


def import_into(settings: Settings, name: str, model_file: Path | None, card: str) -> str:
    """Install a model by one of the included cards, load it, and return its version.

    Raises:
        Rejected: the file is not the model that the card describes; nothing has changed.
        Retryable: Triton does not answer.
    """
    return _put(settings, name, model_file, included_card(card))


def _add(settings: Settings, name: str, model_file: Path | None, text: str) -> None:
    version = _put(settings, name, model_file, text)
    card = read_card(text, name)
    size = "" if card.weightless else f"{card.width}x{card.height}, "
    print(
        f"Triton serves {name} version {version}: {card.decoding}, {size}"
        f"{len(card.labels)} classes from {card.labels[0]!r} to {card.labels[-1]!r}"
    )
    if card.licence == NO_LICENCE:
        print("nobody has named the licence of its weights: name it with --licence")


def _put(settings: Settings, name: str, model_file: Path | None, text: str) -> str:
    repository = Path(settings.need("model_repository"))
    client = TritonClient(settings.need("triton_grpc"))
    try:
        version = install(repository, name, model_file, text)
        load(client, repository, name, version)
    finally:
        client.close()
    return version


def _wanted(what: str, sha256: str | None, name: str | None) -> tuple[str, str, str]:
    if not is_address(what):
        entry = entry_named(what)
        return entry.address, sha256 or entry.sha256, name or what
    if sha256 is None or name is None:
        raise Rejected(
            "an address needs --sha256 with the checksum of its file, and --as with a name",
            reason="no-checksum",
        )
    return what, sha256.lower(), name


def _labels(text: str) -> list[str]:
    path = Path(text)
    parts = path.read_text(encoding="utf-8").splitlines() if path.is_file() else text.split(",")
    return [part.strip() for part in parts if part.strip()]


def _size(text: str | None) -> dict[str, int]:
    if text is None:
        return {}
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise Rejected(f"--size is {text!r}; give width and height as 640x640", reason="bad-size")
    return {"width": int(match[1]), "height": int(match[2])}
