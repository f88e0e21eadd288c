"""From a detector's ONNX file to its card, so that adding one takes no code.

What the file tells itself (input size, number of classes, and in the metadata of Ultralytics'
exports the names of the classes) need not be said; what a format usually has, neither.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import Rejected
from streams.inference.catalogue import entry_of
from triton_models.kit.build import count_classes
from triton_models.kit.card import BadCard, Card
from triton_models.kit.formats import FORMATS
from triton_models.kit.labels import common_labels
from triton_models.kit.reading import card_from
from triton_models.kit.session import BadModelFile, Session, open_session

NO_LICENCE = "NOASSERTION"
"""SPDX's word for a licence that nobody has named."""


def card_of(model_file: Path, name: str, said: Mapping[str, Any]) -> str:
    """Return the card of a file as YAML text.

    Args:
        model_file: ONNX weights.
        name: of the model.
        said: values of the card that were given, by a card file or option by option; the format
            (``decoding``) may be missing only for files that the catalogue knows.

    Raises:
        Rejected: the file is not a detector of that format, or what it needs was not said.
    """
    if not model_file.is_file():
        raise Rejected(f"{model_file} is not there: name an ONNX file", reason="no-file")
    digest = sha256(model_file.read_bytes()).hexdigest()
    known = entry_of(digest)
    decoding = said.get("decoding", known.card["decoding"] if known else None)
    if decoding not in FORMATS:
        what = "its format is not known" if decoding is None else f"{decoding!r} is no format"
        raise Rejected(
            f"{model_file.name}: {what}; name one with --format: {', '.join(FORMATS)}",
            reason="unknown-format",
        )
    values: dict[str, Any] = {
        "licence": NO_LICENCE,
        "source": model_file.name,
        "sha256": digest,
        **FORMATS[decoding].usual,
    }
    if known is not None and known.card["decoding"] == decoding:
        values |= known.values
    values |= {**said, "name": name, "decoding": decoding}
    try:
        return _text(_completed(model_file, values, told_licence="licence" in said or bool(known)))
    except BadCard as error:
        raise Rejected(f"the card of {name}: {error}", reason="bad-card") from error
    except BadModelFile as error:
        raise Rejected(str(error), reason="bad-model") from error


def card_without_weights(name: str, said: Mapping[str, Any]) -> str:
    """Return the card of a model that has no file of weights, as YAML text.

    Raises:
        Rejected: it needs one, or its card is not whole.
    """
    try:
        card = card_from({"licence": NO_LICENCE, **said, "name": name})
    except BadCard as error:
        raise Rejected(f"the card of {name}: {error}", reason="bad-card") from error
    if not card.weightless:
        raise Rejected(
            f"{name} is read as {card.decoding} and needs weights: name its ONNX file",
            reason="no-file",
        )
    return _text(card)


def named_classes(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the class names in a file's metadata, as Ultralytics writes them; empty: none.

    >>> named_classes({"names": "{0: 'person', 1: 'car'}"})
    ('person', 'car')
    """
    names = _literal(metadata.get("names", ""))
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names)]
    return tuple(map(str, names)) if isinstance(names, list) else ()


def named_size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    """Return width and height in a file's metadata, which gives the height first.

    >>> named_size({"imgsz": "[384, 640]"})
    (640, 384)
    """
    size = _literal(metadata.get("imgsz", ""))
    match size:
        case [int(height), int(width)]:
            return width, height
    return None


def _completed(model_file: Path, values: dict[str, Any], *, told_licence: bool) -> Card:
    size = (values["width"], values["height"]) if {"width", "height"} <= set(values) else None
    session = open_session(model_file, size)
    metadata = session.metadata
    if not told_licence and metadata.get("license"):
        values["licence"] = metadata["license"].split()[0]
    values["width"], values["height"] = _size(session, model_file.name)
    labels = tuple(values.get("labels") or named_classes(metadata))
    card = card_from({**values, "labels": labels or ("unknown",)})
    classes = count_classes(replace(card, labels=labels), session, model_file.name)
    labels = labels or common_labels(classes or 0)
    if not labels:
        count = "does not say how many classes it tells" if classes is None else f"tells {classes}"
        raise BadModelFile(
            f"{model_file.name} {count} apart and names none: name them with --labels, in order"
        )
    return replace(card, labels=labels)


def _size(session: Session, file: str) -> tuple[int, int]:
    size = session.size or named_size(session.metadata)
    if size is None:
        raise BadModelFile(
            f"{file} leaves the size of its input open: say it with --size, as 640x640"
        )
    session.size = size
    return size


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None


def _text(card: Card) -> str:
    defaults = asdict(Card(name="", licence="", decoding="", labels=()))
    values = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in asdict(card).items()
        if key in ("width", "height") or value != defaults[key]
    }
    return yaml.safe_dump(values, sort_keys=False, default_flow_style=None, width=100)
