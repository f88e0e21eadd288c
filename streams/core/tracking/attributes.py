"""What models of the second stage say of an object, and of a track by and by."""

from __future__ import annotations

import msgspec

from schemas.errors import Rejected

Attributes = dict[str, dict[str, float]]
"""{model: {label: score}}; a model that looked and saw nothing has an empty map."""

MAX_MODELS = 4
MAX_LABELS = 16
"""Of one model."""
_DECODER = msgspec.json.Decoder(Attributes)


class Told(msgspec.Struct):
    """What one model has said of a track."""

    looks: int = 0
    sums: dict[str, float] = {}
    """Sum of the scores of each label."""


def attributes_in(text: str) -> Attributes:
    """Return the attributes that a reading gives one of its objects.

    Raises:
        Rejected: the text is not of that form.

    >>> attributes_in('{"ppe":{"helmet":0.5}}')
    {'ppe': {'helmet': 0.5}}
    """
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError as error:
        raise Rejected(
            f"the attributes of an object are {text[:80]!r}: {error}; they must be JSON, "
            "{model: {label: score}}",
            reason="bad-attributes",
        ) from error


def add(told: dict[str, Told], attributes: Attributes) -> None:
    """Take in what was said of one sighting, in place; what is beyond the limits is left out."""
    for model, scores in attributes.items():
        if model not in told:
            if len(told) >= MAX_MODELS:
                continue
            told[model] = Told(sums={})
        one = told[model]
        one.looks += 1
        for label, score in scores.items():
            if label in one.sums or len(one.sums) < MAX_LABELS:
                one.sums[label] = one.sums.get(label, 0.0) + score


def summary(told: dict[str, Told]) -> Attributes:
    """Return the mean score of each label over all looks of its model.

    >>> summary({"ppe": Told(4, {"helmet": 3.0})})
    {'ppe': {'helmet': 0.75}}
    """
    return {
        model: {label: total / one.looks for label, total in one.sums.items()}
        for model, one in told.items()
    }
