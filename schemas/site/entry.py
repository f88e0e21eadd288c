"""The base of every mapping in the file: strict, frozen, and telling all its faults at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from schemas.site.faults import REFUSED, Finding, Loc, meant, nearest, refuse, shown


class Entry(BaseModel):
    """A mapping with fixed keys.

    Every error below it is turned into a :class:`Finding` here, where the keys are known, and
    all of them travel up in one pydantic error of the type ``refused``.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    hints: ClassVar[Mapping[str, str]] = {}
    """What to say about certain unknown keys."""

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> Iterator[Finding]:
        """Yield what is wrong between keys; ``values`` holds only those that are good alone."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _tell_all(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            instance = handler(value)
        except ValidationError as error:
            found = _explain(cls, value, error)
            if isinstance(value, Mapping):
                wrong = {finding.loc[0] for finding in found if finding.loc}
                misspelt = not wrong <= set(cls.model_fields)
                for finding in cls.conflicts(_good_values(cls, value, wrong)):
                    # An unknown key may be the very one that the whole seems to lack.
                    if finding.loc or not misspelt:
                        found.append(finding)
            raise refuse(*found) from None
        found = list(cls.conflicts({name: getattr(instance, name) for name in cls.model_fields}))
        if found:
            raise refuse(*found)
        return instance


@cache
def _adapters(cls: type[Entry]) -> dict[str, TypeAdapter[Any]]:
    return {
        name: TypeAdapter(field.rebuild_annotation()) for name, field in cls.model_fields.items()
    }


def _good_values(cls: type[Entry], value: Mapping[str, Any], wrong: set[Any]) -> dict[str, Any]:
    good: dict[str, Any] = {}
    if cls.conflicts.__func__ is Entry.conflicts.__func__:  # type: ignore[attr-defined]
        return good
    for name, field in cls.model_fields.items():
        if name in wrong:
            continue
        if name in value:
            good[name] = _adapters(cls)[name].validate_python(value[name])
        elif not field.is_required():
            good[name] = field.get_default(call_default_factory=True)
    return good


def _explain(cls: type[Entry], value: Any, error: ValidationError) -> list[Finding]:
    """Translate pydantic's errors on ``cls``, one finding per mistake."""
    found: list[Finding] = []
    unknown: list[str] = []
    missing: list[str] = []
    for item in error.errors(include_url=False):
        loc: Loc = tuple(
            part for part in item["loc"] if not (isinstance(part, str) and part.startswith("<"))
        )
        kind = item["type"]
        if kind == REFUSED:
            keyless = loc[:-1] if loc and loc[-1] == "[key]" else loc
            found += [f._replace(loc=keyless + f.loc) for f in item["ctx"]["findings"]]
        elif kind == "extra_forbidden":
            unknown.append(str(item["loc"][-1]))
        elif kind == "missing":
            missing.append(str(item["loc"][-1]))
        else:
            found.append(_other(loc, kind, item))
    for key in unknown:
        hint = cls.hints.get(key)
        problem = f"unknown key: {hint}" if hint else f"unknown key{meant(key, cls.model_fields)}"
        found.append(Finding((key,), problem, ", ".join(cls.model_fields)))
    for key in missing:
        if not any(nearest(other, cls.model_fields) == key for other in unknown):
            about = (cls.model_fields[key].description or "").split("\n")[0]
            found.append(Finding((key,), "is missing", about))
    return found


def _other(loc: Loc, kind: str, item: Mapping[str, Any]) -> Finding:
    """Translate the few errors that pydantic itself raises on our models."""
    value, context = item["input"], item.get("ctx", {})
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return Finding(loc, f"{shown(value)} is not a mapping", "a mapping of keys to values")
    if kind == "tuple_type":
        return Finding(loc, f"{shown(value)} is not a list", "a list")
    if kind == "too_short":
        return Finding(loc, "has too few items", f"at least {context['min_length']}")
    if kind == "too_long":
        return Finding(loc, "has too many items", f"at most {context['max_length']}")
    if kind == "literal_error":
        return Finding(loc, f"{shown(value)} is not known", str(context["expected"]))
    return Finding(loc, str(item["msg"]))
