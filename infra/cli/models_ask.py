"""``sightline models test``: ask a served model about a picture, and see what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from infra.cli.connection import DEFAULT_DATA_DIR, DataDir, connect
from schemas.errors import Rejected
from streams.inference.answer import Answer
from streams.inference.client import TritonClient
from triton_models.kit.picture import BadPicture, Colour, decode_colour

_COLOURS = ((60, 220, 60), (60, 160, 255), (255, 140, 60), (220, 80, 220), (80, 230, 230))
_QUALITY = 95


def register(models: typer.Typer) -> None:
    """Add the command."""
    models.command("test")(ask_model)


def ask_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name in the repository.")],
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="A picture of any usual kind.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PICTURE.jpg", help="Draw the boxes into it.")
    ] = None,
    least: Annotated[float, typer.Option("--min-score", help="Show objects from here on.")] = 0.3,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Ask the served model about a picture; boxes are in its pixels."""
    picture, jpeg = picture_in(image)
    client = TritonClient(connect(data_dir).need("triton_grpc"))
    try:
        stateless = not client.needs_background(name)
        answer = client.infer(name, jpeg)
    finally:
        client.close()
    rows = boxes_of(answer, picture, least)
    table = Table(box=None)
    for column in ("label", "score", "x1", "y1", "x2", "y2"):
        table.add_column(column, justify="left" if column == "label" else "right")
    for label, score, box in rows:
        table.add_row(label, f"{score:.2f}", *map(str, box))
    if rows:
        Console().print(table)
    weaker = len(answer.scores) - len(rows)
    print(
        f"{name} version {answer.model_version} found {len(rows)} objects with a score of "
        f"{least:g} or more, and {weaker} weaker ones"
    )
    if not stateless:
        print(f"{name} looks for what moved since earlier frames: one picture alone shows nothing")
    if out is not None:
        save(drawn(picture, rows), out)
        print(f"drawn into {out}")


Row = tuple[str, float, tuple[int, int, int, int]]


def picture_in(path: Path) -> tuple[Colour, bytes]:
    """Return a picture's pixels and its JPEG: the file's own bytes where it is one.

    Raises:
        Rejected: it is no picture that can be read.
    """
    content = path.read_bytes()
    try:
        return decode_colour(content), content
    except BadPicture:
        pass
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if picture is None:
        raise Rejected(f"{path} is no picture: give a JPEG, PNG or the like", reason="bad-picture")
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    return np.asarray(picture, np.uint8), cv2.imencode(".jpg", picture, quality)[1].tobytes()


def boxes_of(answer: Answer, picture: Colour, least: float) -> list[Row]:
    """Return label, score and box in pixels of each object from ``least`` on, best first."""
    height, width = picture.shape[:2]
    sides = (width, height, width, height)
    rows = []
    for index, (label, score) in enumerate(zip(answer.labels, answer.scores, strict=True)):
        if score >= least:
            box = answer.boxes[4 * index : 4 * index + 4]
            x1, y1, x2, y2 = (round(part * side) for part, side in zip(box, sides, strict=True))
            rows.append((label, score, (x1, y1, x2, y2)))
    return rows


def drawn(picture: Colour, rows: list[Row]) -> Colour:
    """Return the picture with the boxes in it, one colour for each label."""
    canvas = picture.copy()
    labels = sorted({label for label, _, _ in rows})
    for label, score, (x1, y1, x2, y2) in reversed(rows):
        colour = _COLOURS[labels.index(label) % len(_COLOURS)]
        cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, 2)
        text, at = f"{label} {score:.2f}", (max(0, x1), max(10, y1 - 4))
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)
    return canvas


def save(picture: Colour, path: Path) -> None:
    """Write a picture in the kind that its name asks for.

    Raises:
        Rejected: there is no such kind.
    """
    try:
        encoded = cv2.imencode(path.suffix, picture)[1]
    except cv2.error as error:
        raise Rejected(
            f"{path} names no kind of picture: use .jpg or .png", reason="bad-picture"
        ) from error
    path.write_bytes(encoded.tobytes())
