from __future__ import annotations

from pathlib import Path

from streams.apps.caution import SPAN, Caution


def test_caution_outlives_the_process_and_ends_after_its_span(tmp_path: Path) -> None:
    path = tmp_path / "sense" / "caution.json"
    assert not Caution(path).covers("detections", 3, 10)
    Caution(path).note("detections", 3, 10)

    again = Caution(path)
    assert again.covers("detections", 3, 4)
    assert again.covers("detections", 3, 10 + SPAN)
    assert not again.covers("detections", 4, 10)
    assert not again.covers("triggers", 3, 10)
    assert not again.covers("detections", 3, 11 + SPAN)
    assert not Caution(path).covers("detections", 3, 10)


def test_a_damaged_note_is_no_note(tmp_path: Path) -> None:
    path = tmp_path / "caution.json"
    for text in ("", "[1]", '{"detections/3": "soon"}'):
        path.write_text(text, encoding="utf-8")
        assert not Caution(path).covers("detections", 3, 1)
