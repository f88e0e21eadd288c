"""YAML text to plain values, strictly: YAML 1.2 scalars, no surprises, everything bounded.

PyYAML's own constructors follow YAML 1.1, where ``off`` is a boolean, ``20:30`` is 1230 and a date
is an object. Here the parser's events are turned into values directly by YAML 1.2's core schema,
and every key's place in the file is kept, so that a fault can name its line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from schemas.site.faults import Fault, Loc, path_text

MAX_CHARACTERS = 1_000_000
"""A configuration travels in one Kafka record, whose default limit is 1 MB."""
MAX_DEPTH = 32
MAX_VALUES = 100_000
"""Values in the file with every alias written out: an alias bomb is refused before it grows."""

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STR_TAG = "tag:yaml.org,2002:str"
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


@dataclass
class Loaded:
    """A file's value, the place of each key and item in it, and what could not be read."""

    value: Any = None
    places: dict[Loc, tuple[int, int]] = field(default_factory=dict)
    faults: list[tuple[Loc, Fault]] = field(default_factory=list)
    readable: bool = True


class Unreadable:
    """Stands for a value that already has its fault, so that nothing takes it for absent."""


UNREADABLE = Unreadable()


class _Stop(Exception):
    """Nothing after this point can be read."""


def load(text: str) -> Loaded:
    """Read one YAML document; never raises, whatever ``text`` holds."""
    loaded = Loaded()
    reader = _Reader(loaded)
    text = text.removeprefix("\ufeff")
    try:
        if len(text) > MAX_CHARACTERS:
            reader.fault((), f"the file has {len(text)} characters", f"at most {MAX_CHARACTERS}")
            raise _Stop
        if bad := _FORBIDDEN.search(text):
            line = text.count("\n", 0, bad.start()) + 1
            column = bad.start() - text.rfind("\n", 0, bad.start())
            problem = f"character U+{ord(bad.group()):04X} is not allowed"
            loaded.faults.append(((), Fault("", problem, "printable text", line, column)))
            raise _Stop
        loaded.value = reader.document(yaml.parse(text, Loader=_loader()))
    except _Stop:
        loaded.readable = False
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (None, None)
        said = error.problem or "it cannot be read"
        if error.context and error.context_mark:
            said += f" {error.context} that begins on line {error.context_mark.line + 1}"
        loaded.faults.append(((), Fault("", f"not valid YAML: {said}", "", *place)))
        loaded.readable = False
    except yaml.YAMLError as error:
        loaded.faults.append(((), Fault("", f"not valid YAML: {' '.join(str(error).split())}")))
        loaded.readable = False
    return loaded


def _loader() -> Any:
    # libyaml also reads "?" inside a plain scalar in braces, which the Python parser refuses.
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


class _Reader:
    """Builds values out of parser events."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.values = 0

    def fault(self, loc: Loc, problem: str, allowed: str = "", event: Any = None) -> None:
        line, column = _place(event) if event else (None, None)
        self.loaded.faults.append((loc, Fault(path_text(loc), problem, allowed, line, column)))

    def document(self, events: Iterator[Any]) -> Any:
        event: Any = None
        value: Any = None
        seen = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                seen += 1
                if seen > 1:
                    self.fault((), "a second document begins here", "one document", event)
                    raise _Stop
                value, _ = self.value(next(events), events, ())
        if not seen:
            self.fault((), "the file is empty", "a mapping with version, site, cameras, ...")
            raise _Stop
        return value

    def value(self, event: Any, events: Iterator[Any], loc: Loc) -> tuple[Any, int]:
        """Return the value that begins with ``event``, and its size with aliases written out."""
        if len(loc) > MAX_DEPTH:
            self.fault(loc[:4], "is nested too deeply", f"at most {MAX_DEPTH} levels", event)
            raise _Stop
        self.count(1, event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, loc)
        anchor = event.anchor
        if anchor is not None:
            self.anchors[anchor] = None
        before = self.values
        result: Any
        if isinstance(event, yaml.ScalarEvent):
            result = self.scalar(event, loc)
        elif isinstance(event, yaml.SequenceStartEvent):
            self.check_tag(event, loc)
            result = self.sequence(events, loc)
        else:
            self.check_tag(event, loc)
            result = self.mapping(events, loc)
        size = self.values - before + 1
        if anchor is not None:
            self.anchors[anchor] = (result, size)
        return result, size

    def count(self, more: int, event: Any) -> None:
        self.values += more
        if self.values > MAX_VALUES:
            self.fault((), "the file holds too many values", f"at most {MAX_VALUES}", event)
            raise _Stop

    def alias(self, event: Any, loc: Loc) -> tuple[Any, int]:
        known = self.anchors.get(event.anchor)
        if known is None:
            inside = event.anchor in self.anchors
            why = "refers to what it is part of" if inside else "refers to no anchor"
            self.fault(loc, f"*{event.anchor} {why}", "an anchor that ends before it", event)
            return UNREADABLE, 1
        self.count(known[1], event)
        return known

    def sequence(self, events: Iterator[Any], loc: Loc) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            here = (*loc, len(items))
            self.loaded.places[here] = _place(event)
            items.append(self.value(event, events, here)[0])
        return items

    def mapping(self, events: Iterator[Any], loc: Loc) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self.fault(loc, "a key must be text, not a list, mapping or alias", "", event)
                self.value(event, events, (*loc, "?"))
                self.value(next(events), events, (*loc, "?"))
                continue
            # A key is its text: a camera may be called 007, on or null.
            key = event.value
            here = (*loc, key)
            if event.anchor is not None:
                self.anchors[event.anchor] = (key, 1)
            self.count(1, event)
            if bad := _FORBIDDEN.search(key):
                self.fault(here, f"character U+{ord(bad.group()):04X} is not allowed", "", event)
            if key == "<<" and event.implicit[0]:
                self.fault(here, "merge keys are not read", "write the keys out", event)
                self.value(next(events), events, here)
            elif key in items:
                first = self.loaded.places[here][0]
                self.fault(here, f"is given twice, first on line {first}", "once", event)
                self.value(next(events), events, (*here, "(again)"))
            else:
                self.loaded.places[here] = _place(event)
                items[key] = self.value(next(events), events, here)[0]
        return items

    def check_tag(self, event: Any, loc: Loc) -> None:
        if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self.fault(loc, f"tag {event.tag} is not allowed", "no tags", event)

    def scalar(self, event: Any, loc: Loc) -> Any:
        text = event.value
        if event.tag not in (None, "!", _STR_TAG):
            self.fault(loc, f"tag {event.tag} is not allowed", "no tags", event)
            return UNREADABLE
        if bad := _FORBIDDEN.search(text):
            self.fault(loc, f"character U+{ord(bad.group()):04X} is not allowed", "", event)
            return UNREADABLE
        if event.tag is not None or not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            if len(text) > 40:
                self.fault(loc, "is a number of too many digits", "at most 40 digits", event)
                return UNREADABLE
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text, base)
        if _FLOAT.fullmatch(text):
            number = math.nan if text[-1].isalpha() else float(text)
            if not math.isfinite(number):
                self.fault(loc, f"{text} is not a finite number", "a finite number", event)
                return UNREADABLE
            return number
        return text
