"""What must fit between the parts of a configuration: names, triggers, ground planes, paces.

Works on the plain values of the file, so that one broken entry hides no fault of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schemas.site.faults import Finding, Loc, meant, nearest, shown
from schemas.site.sensors import KINDS, Sensor

SECTIONS = ("cameras", "sensors", "rules")


def references(document: Any) -> list[Finding]:
    """Return every fault between entries of a document; places are from its top."""
    if not isinstance(document, Mapping):
        return []
    cameras, sensors = _section(document, "cameras"), _section(document, "sensors")
    found = list(_sensor_faults(cameras, sensors))
    for name, rule in (_section(document, "rules") or {}).items():
        if isinstance(rule, Mapping):
            found += _rule_faults(("rules", name), rule, cameras, sensors)
    return found


def _section(document: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """Return a section's entries; None where they cannot be known (misspelt, or no mapping)."""
    section = document.get(key)
    if section is None:
        unknown = [other for other in document if other not in SECTIONS]
        return None if any(nearest(other, SECTIONS) == key for other in unknown) else {}
    return section if isinstance(section, Mapping) else None


def _sensor_faults(
    cameras: Mapping[str, Any] | None, sensors: Mapping[str, Any] | None
) -> Iterator[Finding]:
    for name, sensor in (sensors or {}).items():
        camera = sensor.get("camera") if isinstance(sensor, Mapping) else None
        if not isinstance(camera, str) or cameras is None:
            continue
        if camera not in cameras:
            yield _unknown(("sensors", name, "camera"), "camera", camera, cameras)
            continue
        body = cameras[camera]
        if isinstance(body, Mapping) and body.get("ground") is None:
            for key in ("speed", "distance_m"):
                if sensor.get(key) is not None:
                    problem = f"camera {camera} has no `ground`, so metres cannot be known"
                    loc: Loc = ("sensors", name, key)
                    yield Finding(loc, problem, f"{key} with a camera that has `ground`")


def _rule_faults(
    loc: Loc,
    rule: Mapping[str, Any],
    cameras: Mapping[str, Any] | None,
    sensors: Mapping[str, Any] | None,
) -> Iterator[Finding]:
    if sensors is None:
        return
    concerned: set[str] = set()
    for place, term in _terms((*loc, "when"), rule.get("when")):
        name = term.get("sensor")
        if not isinstance(name, str):
            continue
        if name not in sensors:
            yield _unknown((*place, "sensor"), "sensor", name, sensors)
            continue
        sensor = sensors[name]
        if not isinstance(sensor, Mapping):
            continue
        if isinstance(sensor.get("camera"), str):
            concerned.add(sensor["camera"])
        kind = sensor.get("kind")
        if isinstance(kind, str) and kind in KINDS:
            yield from _term_faults(place, term, name, sensor, KINDS[kind])
    yield from _pace_faults(str(loc[-1]), concerned, cameras or {})


def _term_faults(
    place: Loc,
    term: Mapping[str, Any],
    name: str,
    sensor: Mapping[str, Any],
    kind: type[Sensor],
) -> Iterator[Finding]:
    trigger, called = term.get("trigger"), sensor["kind"]
    if isinstance(trigger, str):
        if trigger not in kind.triggers:
            problem = f"{name} is a {called} sensor and has no trigger {shown(trigger)}"
            hint = meant(trigger, kind.triggers)
            yield Finding((*place, "trigger"), problem + hint, ", ".join(kind.triggers))
            return
        if trigger in kind.needs and sensor.get(kind.needs[trigger]) is None:
            key = kind.needs[trigger]
            problem = f"never comes: {name} has no `{key}`"
            yield Finding((*place, "trigger"), problem, f"{trigger} of a {called} with `{key}`")
    if term.get("direction") is not None and called != "line":
        problem = f"{name} is a {called} sensor, only a line has directions"
        yield Finding((*place, "direction"), problem, "no direction here")
    if term.get("classes") is not None and term["classes"] != "all" and not kind.has_object:
        problem = f"{name} is a {called} sensor, its triggers have no object and no class"
        yield Finding((*place, "classes"), problem, "no classes here")


def _pace_faults(
    rule: str, concerned: Iterable[str], cameras: Mapping[str, Any]
) -> Iterator[Finding]:
    paces = {
        name: cameras[name].get("pace", "real")
        for name in sorted(concerned)
        if isinstance(cameras.get(name), Mapping)
    }
    others = [name for name, pace in paces.items() if pace == "real"]
    for name, pace in paces.items():
        if pace == "max" and others:
            problem = f"max beside camera {others[0]} at real: rule {rule} spans both"
            yield Finding(("cameras", name, "pace"), problem, "the same pace for all its cameras")


def _terms(loc: Loc, when: Any) -> Iterator[tuple[Loc, Mapping[str, Any]]]:
    """Yield each thing that looks like a trigger term, with its place."""
    if not isinstance(when, Mapping):
        return
    if "sensor" in when:
        yield loc, when
    for form in ("sequence", "all", "any"):
        several = when.get(form)
        if isinstance(several, (list, tuple)):
            for i, inner in enumerate(several):
                yield from _terms((*loc, form, i), inner)
    yield from _terms((*loc, "absent"), when.get("absent"))


def _unknown(loc: Loc, what: str, name: str, known: Mapping[str, Any]) -> Finding:
    names = list(known)
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return Finding(
        loc,
        f"there is no {what} {shown(name)}{meant(name, names)}",
        listed or f"a name under `{what}s`, which is empty",
    )
