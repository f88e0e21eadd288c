"""What a rule waits for: one trigger, or triggers in order, together, alternatively, or absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Discriminator, Field, Tag

from schemas.site.entry import Entry
from schemas.site.faults import Finding, meant, refuse, shown
from schemas.site.sensors import TRIGGERS
from schemas.site.values import Flag, Labels, Name, PositiveDuration, choice

MAX_TERMS = 32
FORMS: Mapping[str, str] = {
    "sensor": "{sensor, trigger, direction?, classes?}",
    "sequence": "{sequence: [...], within_s, same_track?}",
    "all": "{all: [...], within_s}",
    "any": "{any: [...]}",
    "absent": "{absent: ..., for_s}",
}
"""The key that tells a form, and how the form is written."""

_T = TypeVar("_T")
_Several = Annotated[tuple[_T, ...], Field(min_length=1, max_length=MAX_TERMS)]


class TriggerTerm(Entry):
    """One trigger of one sensor."""

    hints: ClassVar[Mapping[str, str]] = {
        "camera": "the sensor says which camera",
        "kind": "it belongs to the sensor",
        "within_s": "it belongs to sequence and all",
        "for_s": "it belongs to absent",
    }

    sensor: Name
    """The sensor's name."""
    trigger: Annotated[str, choice(*TRIGGERS)]
    """One of the triggers of that sensor's kind."""
    direction: Annotated[Literal["forward", "backward"], choice("forward", "backward")] | None = (
        None
    )
    """Lines only: to the right (forward) or to the left, along the line on the screen."""
    classes: Labels = None
    """Classes of the object that count; all where not given."""


class Sequence(Entry):
    """All of its terms, in order."""

    sequence: _Several[When]
    """What must come, in order."""
    within_s: PositiveDuration
    """Seconds from the first to the last; what comes exactly then is too late."""
    same_track: Flag | None = None
    """true: all the same track, false: all different, not given: indifferent."""

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> Iterator[Finding]:
        """Refuse an absence that could only complete when it is too late."""
        within_s = values.get("within_s")
        for i, term in enumerate(values.get("sequence", ())):
            if i and within_s is not None and isinstance(term, Absent) and term.for_s >= within_s:
                problem = f"an absence of {term.for_s:g} s never completes within {within_s:g} s"
                yield Finding(("sequence", i, "for_s"), problem, "less than the within_s around it")


class AllOf(Entry):
    """All of its terms, in any order."""

    hints: ClassVar[Mapping[str, str]] = {"same_track": "it belongs to sequence"}

    all: _Several[When]
    """What must come, in any order."""
    within_s: PositiveDuration
    """Seconds from the first to the last; what comes exactly then is too late."""


class AnyOf(Entry):
    """One of its terms."""

    hints: ClassVar[Mapping[str, str]] = {
        "same_track": "it belongs to sequence",
        "within_s": "it belongs to sequence and all",
    }

    any: _Several[When]
    """Of which one is enough."""


class Absent(Entry):
    """Nothing of the kind for a time."""

    hints: ClassVar[Mapping[str, str]] = {"within_s": "for absent it is for_s"}

    absent: When
    """What must not come."""
    for_s: PositiveDuration
    """Seconds that it must stay away."""


def _tag(value: Any) -> str | None:
    if isinstance(value, Entry):
        value = dict(value)
    if not isinstance(value, Mapping):
        return None
    forms = [form for form in FORMS if form in value]
    if not forms and "trigger" in value:
        forms = ["sensor"]
    return f"<{forms[0]}>" if len(forms) == 1 else None


def _known_form(value: Any) -> Any:
    if _tag(value) is not None:
        return value
    allowed = " or ".join(FORMS.values())
    if not isinstance(value, Mapping):
        raise refuse(Finding((), f"{shown(value)} is not a trigger or a composition", allowed))
    forms = [form for form in FORMS if form in value]
    if forms:
        problem = f"mixes {' and '.join(forms)}"
        raise refuse(Finding((), problem, f"one of {', '.join(FORMS)}"))
    guess = next((hint for key in value if (hint := meant(key, FORMS))), "")
    keys = ", ".join(shown(key) for key in list(value)[:5]) or "no keys"
    raise refuse(Finding((), f"is none of the forms, it has {keys}{guess}", allowed))


When = Annotated[
    Annotated[TriggerTerm, Tag("<sensor>")]
    | Annotated[Sequence, Tag("<sequence>")]
    | Annotated[AllOf, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Absent, Tag("<absent>")],
    Discriminator(_tag),
    BeforeValidator(_known_form),
]


def terms(when: When) -> Iterator[TriggerTerm]:
    """Yield every trigger term of a ``when``, in the order of the file."""
    match when:
        case TriggerTerm():
            yield when
        case Absent(absent=inner):
            yield from terms(inner)
        case Sequence(sequence=several) | AllOf(all=several) | AnyOf(any=several):
            for inner in several:
                yield from terms(inner)


for _form in (Sequence, AllOf, AnyOf, Absent):
    _form.model_rebuild()
