"""Which models look at a camera's pictures: a name, a list, or a map, made into one map."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from schemas.site.entry import Entry
from schemas.site.faults import Finding, Loc, findings_of, refuse, shown
from schemas.site.values import NAME_ALLOWED, NAME_PATTERN, Labels, Rate, exact_rate, text

_ALLOWED = "a model's name, a list of names, or a map of name to {fps, classes}"
_NAME = text(NAME_PATTERN, f"a model's name: {NAME_ALLOWED}")


class ModelUse(Entry):
    """How a camera uses one model."""

    fps: Rate | None = None
    """Frames a second for this model; the camera's where not given."""
    classes: Labels = None
    """Detections of this model that are kept; all where not given."""

    @property
    def fps_fraction(self) -> Fraction | None:
        """The exact rate, None for ``native`` and where the camera's holds."""
        return None if self.fps is None else exact_rate(self.fps)


def parse_models(value: Any) -> dict[str, ModelUse]:
    """Make the map of model name to use out of any of its three written forms.

    Raises:
        PydanticCustomError: with one finding per mistake.
    """
    named: list[tuple[Loc, Any, Any]]
    if isinstance(value, str):
        named = [((), value, None)]
    elif isinstance(value, (list, tuple)) and value:
        named = [((i,), name, None) for i, name in enumerate(value)]
    elif isinstance(value, Mapping) and value:
        named = [((name,), name, use) for name, use in value.items()]
    else:
        empty = isinstance(value, (list, tuple, Mapping))
        problem = "is empty" if empty else f"{shown(value)} is not a model"
        raise refuse(Finding((), problem, _ALLOWED))
    bad: list[Finding] = []
    models: dict[str, ModelUse] = {}
    for loc, name, use in named:
        try:
            good_name = _NAME.parse(name)
            if good_name in models:
                bad.append(Finding(loc, f"{shown(name)} is listed twice", "each once"))
            models[good_name] = ModelUse() if use is None else ModelUse.model_validate(use)
        except PydanticCustomError as error:
            bad += findings_of([{"loc": loc, "ctx": error.context}])
        except ValidationError as error:
            bad += [f._replace(loc=loc + f.loc) for f in findings_of(error.errors())]
    if bad:
        raise refuse(*bad)
    return models


def dump_models(models: Mapping[str, ModelUse]) -> dict[str, Any]:
    """Write the map form."""
    return {name: use.model_dump(mode="json", exclude_none=True) for name, use in models.items()}


_NAME_SCHEMA = {"type": "string", "pattern": f"^{NAME_PATTERN}$"}
MODELS_SCHEMA: dict[str, Any] = {
    "anyOf": [
        _NAME_SCHEMA,
        {"type": "array", "items": _NAME_SCHEMA, "minItems": 1, "uniqueItems": True},
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": _NAME_SCHEMA,
            "additionalProperties": {
                **ModelUse.model_json_schema(),
                "type": ["object", "null"],
            },
        },
    ]
}
