from __future__ import annotations

from io import StringIO

import numpy as np
from rich.console import Console

from infra.cli.learned import draw_learned, table_of
from streams.core.learning.perspective import Sizes
from streams.core.learning.place import Cell, Learned
from streams.core.learning.told import Word


def learned() -> Learned:
    rows = {row: [((row + k / 4) / 18, 0.02 * row) for k in range(4)] for row in range(9, 16)}
    return Learned(
        cells={"person/16/9": Cell(tracks=12.0, hours=3, hour=1, at=1)},
        sizes={"person": Sizes(rows=rows), "car": Sizes(rows={9: [(0.5, 0.1)]})},
        words=[Word("door", "person", 0.2, 0.5, 0.3, 5, 1)],
    )


def test_the_table_tells_places_sizes_and_words() -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(table_of(learned()))
    text = console.export_text()
    for part in (
        "12.0 tracks in 3 hours",
        "0.52, 0.53",
        "tall",
        "too few yet",
        "rule door",
        "5 dis",
    ):
        assert part in text


def test_the_picture_darkens_where_things_stand_and_leaves_the_given_one_alone() -> None:
    given = np.full((540, 960, 3), 200, np.uint8)
    drawn = draw_learned(given, learned())
    assert (given == 200).all() and drawn.shape == given.shape
    inside, outside = drawn[285, 495], drawn[100, 700]
    assert (outside == 200).all() and inside[0] < 100 < inside[2]
    assert draw_learned(None, Learned()).shape == (720, 1280, 3)
