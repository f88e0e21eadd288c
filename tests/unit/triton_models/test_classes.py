"""A classifier names the whole picture, whether it gives logits or probabilities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.inference.importing import card_of
from streams.inference.local import LocalModel
from tests.unit.streams.inference.scenes import ground, jpeg
from tests.unit.triton_models.networks import constant
from triton_models.kit.card import Card
from triton_models.kit.formats import FORMATS
from triton_models.kit.formats.format import Misfit, softmax

LABELS = ("helmet", "cap", "bare")
CARD = Card(
    name="ppe", licence="MIT", decoding="classes", labels=LABELS, width=64, height=64, min_score=0.2
)
LOGITS = st.lists(st.floats(-8, 8, width=32), min_size=3, max_size=3)


@given(LOGITS)
def test_logits_and_their_probabilities_say_the_same(values: list[float]) -> None:
    logits = np.array(values, np.float32)
    one = FORMATS["classes"].decode([softmax(logits)], CARD)
    other = FORMATS["classes"].decode([logits], CARD)
    assert one.labels.tolist() == [i for i, p in enumerate(softmax(logits)) if p >= 0.2]
    assert (one.boxes == [0, 0, 64, 64]).all() and one.boxes.shape == (len(one.labels), 4)
    if abs(float(logits.sum()) - 1) > 0.1 or logits.min() < 0:
        assert one.labels.tolist() == other.labels.tolist()
        assert one.scores == pytest.approx(other.scores, abs=1e-6)


@pytest.mark.parametrize("shapes", [[(1,)], [(3, 4)], [(3,), (3,)], []])
def test_other_shapes_are_refused_with_what_is_wanted(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(Misfit, match="two classes or more"):
        FORMATS["classes"].classes(shapes, replace(CARD, labels=()))


def test_an_imported_classifier_is_of_the_second_stage(tmp_path: Path) -> None:
    file = constant(tmp_path / "ppe.onnx", [np.array([2.0, 0.0, 1.9], np.float32)])
    said = {"decoding": "classes", "labels": list(LABELS)}
    model = LocalModel("ppe", file, card=card_of(file, "ppe", said))
    assert model.sees_crops and model.card.fit == "stretch"
    answer = model.infer(jpeg(ground()))
    assert answer.labels == ("helmet", "bare")
    assert answer.boxes == (0.0, 0.0, 1.0, 1.0) * 2
    assert not LocalModel(
        "ppe", file, card=card_of(file, "ppe", said | {"stage": "detector"})
    ).sees_crops
