from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Rejected
from schemas.site import check, parse
from tests.unit.schemas.site.samples import EXAMPLE, SQUARE, accepted, faults, site

BOWTIE = [[0, 0], [1, 1], [1, 0], [0, 1]]
WHEN = {"sensor": "zone", "trigger": "entered"}
REMOVED = object()


def put(document: Any, path: str, value: Any) -> dict[str, Any]:
    """Set one value by its dotted path in a copy of a document."""
    result: dict[str, Any] = copy.deepcopy(document)
    *parents, last = path.split(".")
    place: Any = result
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is REMOVED:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return result


@pytest.mark.parametrize(
    ("path", "value", "where", "said"),
    [
        ("version", REMOVED, "version", "missing"),
        ("version", 2, "version", "2 is not a version"),
        ("version", True, "version", "true is not a version"),
        ("site", REMOVED, "site", "missing"),
        ("site", "global", "site", "reserved"),
        ("site", "Depot", "site", "not a good value"),
        ("site", "a" * 41, "site", "not a good value"),
        ("site", "a\n", "site", "not a good value"),
        ("site", 7, "site", "put it in quotes"),
        ("timezone", "Europe/Madird", "timezone", 'did you mean "Europe/Madrid"'),
        ("timezone", "../etc/passwd", "timezone", "not a time zone"),
        ("colour", 1, "colour", "unknown key"),
        ("cameras", [1], "cameras", "a list is not a mapping"),
        ("cameras.a", 5, "cameras.a", "5 is not a mapping"),
        ("cameras.c d", {"source": "x"}, 'cameras["c d"]', "not a good value"),
        ("cameras.a.source", REMOVED, "cameras.a.source", "missing"),
        ("cameras.a.fsp", 5, "cameras.a.fsp", 'did you mean "fps"'),
        ("cameras.a.fps", 0, "cameras.a.fps", "too small"),
        ("cameras.a.fps", "fast", "cameras.a.fps", "not a number"),
        ("cameras.a.fps", True, "cameras.a.fps", "not a number"),
        ("cameras.a.width", 640.5, "cameras.a.width", "not a whole number"),
        ("cameras.a.min_score", 1.01, "cameras.a.min_score", "1.01 is too large"),
        ("cameras.a.min_score", 10**400, "cameras.a.min_score", "too many digits"),
        ("cameras.a.record", "on", "cameras.a.record", '"on" is not known'),
        ("cameras.a.loop", "yes", "cameras.a.loop", "not a switch"),
        ("cameras.a.pace", "fast", "cameras.a.pace", "not known"),
        ("cameras.a.start_at", "tomorrow", "cameras.a.start_at", "not a time"),
        ("cameras.a.models", [], "cameras.a.models", "empty"),
        ("cameras.a.models", ["m", "m"], "cameras.a.models[1]", "listed twice"),
        ("cameras.a.models", {"m": {"fps": 0}}, "cameras.a.models.m.fps", "too small"),
        ("cameras.a.model", "a b", "cameras.a.model", "not a good value"),
        ("cameras.a.classes", "person", "cameras.a.classes", "not a list"),
        ("cameras.a.classes", ["a", "a"], "cameras.a.classes[1]", "listed twice"),
        ("cameras.a.classes", [], "cameras.a.classes", "number of items is 0"),
        ("cameras.a.privacy", SQUARE, "cameras.a.privacy", "one polygon"),
        ("cameras.a.privacy", [SQUARE, BOWTIE], "cameras.a.privacy[1]", "crosses itself"),
        ("cameras.a.ground.image", SQUARE[:3], "cameras.a.ground.image", "3 points"),
        ("cameras.a.ground.metres", [[0, 0], [1, 0], [2, 0], [1, 1]],
         "cameras.a.ground.metres", "one line"),
        ("cameras.a.credentials", {"username": "u"}, "cameras.a.credentials", "no password"),
        ("cameras.a.credentials", {"username": "u", "password": "p"},
         "cameras.a.credentials.password", "never written here"),
        ("cameras.a.credentials", {"username": "u", "password_env": "A", "password_file": "b"},
         "cameras.a.credentials", "two places"),
        ("sensors.line.camera", "aa", "sensors.line.camera", 'did you mean "a"'),
        ("sensors.line.camera", REMOVED, "sensors.line.camera", "missing"),
        ("sensors.line.kind", "lin", "sensors.line.kind", "is not a kind"),
        ("sensors.line.kind", REMOVED, "sensors.line.kind", "missing"),
        ("sensors.line.kind", ["line"], "sensors.line.kind", "is not a kind"),
        ("sensors.line.points", [[0, 0]], "sensors.line.points", "1 points"),
        ("sensors.line.points.1.0", 1.4, "sensors.line.points[1][0]", "1.4 is too large"),
        ("sensors.line.points.1", [1], "sensors.line.points[1]", "not a point"),
        ("sensors.line.points", [[0.5, 0.5]] * 3, "sensors.line.points", "no length"),
        ("sensors.line.dwell_s", 3, "sensors.line.dwell_s", "sensors of the kind zone"),
        ("sensors.line.lost_s", 3, "sensors.line.lost_s", "key of cameras"),
        ("sensors.line.anchor", "center", "sensors.line.anchor", 'did you mean "centre"'),
        ("sensors.line.size", {"min": 0.5, "max": 0.1}, "sensors.line.size", "nothing fits"),
        ("sensors.line.size", {}, "sensors.line.size", "no limit"),
        ("sensors.line.heading", {"within_deg": 5}, "sensors.line.heading.towards_deg", "missing"),
        ("sensors.bare.speed", {"above": 1}, "sensors.bare.speed", "no `ground`"),
        ("sensors.near.camera", "b", "sensors.near.distance_m", "no `ground`"),
        ("sensors.near.distance", 1, "sensors.near", "two distances"),
        ("sensors.near.distance_m", REMOVED, "sensors.near", "no distance"),
        ("sensors.near.classes", ["a"], "sensors.near.classes", "number of items is 1"),
        ("sensors.zone.points", BOWTIE, "sensors.zone.points", "crosses itself"),
        ("sensors.zone.occupancy", {"min": 0}, "sensors.zone.occupancy.min", "too small"),
        ("sensors.link.classes", ["a"], "sensors.link.classes", "unknown key"),
        ("rules.r.when", REMOVED, "rules.r.when", "missing"),
        ("rules.r.when", "zone entered", "rules.r.when", "not a trigger or a composition"),
        ("rules.r.when", {"sequnce": [WHEN]}, "rules.r.when", 'did you mean "sequence"'),
        ("rules.r.when", {"any": [WHEN], "all": [WHEN]}, "rules.r.when", "mixes all and any"),
        ("rules.r.when", {"any": []}, "rules.r.when.any", "too few items"),
        ("rules.r.when", {"any": WHEN}, "rules.r.when.any", "not a list"),
        ("rules.r.when", {"all": [WHEN]}, "rules.r.when.within_s", "missing"),
        ("rules.r.when", {"any": [WHEN], "within_s": 5}, "rules.r.when.within_s", "unknown key"),
        ("rules.r.when", {"absent": WHEN}, "rules.r.when.for_s", "missing"),
        ("rules.r.when", {"absent": {"any": [WHEN, {"absent": 5, "for_s": 1}]}, "for_s": 1},
         "rules.r.when.absent.any[1].absent", "5 is not a trigger"),
        ("rules.r.when", {"sequence": [WHEN, {"absent": WHEN, "for_s": 60}], "within_s": 60},
         "rules.r.when.sequence[1].for_s", "never completes"),
        ("rules.r.when.sensr", "zone", "rules.r.when.sensr", 'did you mean "sensor"'),
        ("rules.r.when", {"sensr": "zone", "trigger": "entered"},
         "rules.r.when.sensr", 'did you mean "sensor"'),
        ("rules.r.when.sensor", "zoen", "rules.r.when.sensor", 'did you mean "zone"'),
        ("rules.r.when.trigger", "crossed", "rules.r.when.trigger", "has no trigger"),
        ("rules.r.when.trigger", "entred", "rules.r.when.trigger", 'did you mean "entered"'),
        ("rules.r.when.direction", "forward", "rules.r.when.direction", "only a line"),
        ("rules.r.when.classes", [1], "rules.r.when.classes[0]", "not a label"),
        ("rules.r.when", {"sensor": "bare", "trigger": "dwelled"}, "rules.r.when.trigger",
         "no `dwell_s`"),
        ("rules.r.when", {"sensor": "bare", "trigger": "vacated"}, "rules.r.when.trigger",
         "no `occupancy`"),
        ("rules.r.when", {"sensor": "link", "trigger": "offline", "classes": ["a"]},
         "rules.r.when.classes", "no object"),
        ("rules.r.schedule", ["Mon-Fry 20:00-07:00"], "rules.r.schedule[0]", 'mean "Fri"'),
        ("rules.r.schedule", "Mon, Tue", "rules.r.schedule", "item of its own"),
        ("rules.r.schedule", [], "rules.r.schedule", "0 windows"),
        ("rules.r.armed", "home", "rules.r.armed", "not a list"),
        ("rules.r.group", {"by": "sites"}, "rules.r.group.by", 'did you mean "site"'),
        ("rules.r.group", {"within_s": 0}, "rules.r.group.within_s", "too small"),
        ("rules.r.count", {"at_least": 2.5, "within_s": 9}, "rules.r.count.at_least", "whole"),
        ("rules.r.cooldown_s", -1, "rules.r.cooldown_s", "too small"),
        ("rules.r.severity", "high", "rules.r.severity", "not known"),
        ("rules.r.mode", "test", "rules.r.mode", "not known"),
        ("rules.r.evidence", {"clip": {"before_s": 5}}, "rules.r.evidence.clip.after_s", "missing"),
        ("rules.r.evidence", {"clip": {"before_s": 0, "after_s": 0}}, "rules.r.evidence.clip",
         "no length"),
        ("rules.r.notify", "mail", "rules.r.notify", "not a list"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_fault(path: str, value: Any, where: str, said: str) -> None:
    accepted(site())
    (fault,) = faults(put(site(), path, value))
    assert fault.path == where
    assert said in fault.problem
    assert fault.allowed or "never" in said or "too many" in said
    assert str(fault).count("\n") == 0


@pytest.mark.parametrize(
    ("keys", "paths"),
    [
        ({"source": "rtsp://u:p@h/"}, ["source"]),
        ({"source": "usb:0", "loop": True, "start_at": "2000-01-01"}, ["loop", "start_at"]),
        ({"source": "usb:0", "loop": True, "fps": 0}, ["fps", "loop"]),
        ({"source": "x", "record": "continuous", "privacy": [SQUARE]}, ["record"]),
        ({"source": "x", "model": "a", "models": ["b"]}, ["model"]),
        ({"source": "x", "record": "events", "privacy": [SQUARE]}, []),
        ({"source": "x", "record": "off", "loop": True, "pace": "max", "width": "native"}, []),
    ],
)
def test_keys_of_a_camera_together(keys: dict[str, Any], paths: list[str]) -> None:
    found = faults(put(site(), "cameras.c", keys))
    assert sorted(fault.path for fault in found) == [f"cameras.c.{path}" for path in paths]


def test_pace_max_beside_real_is_refused_where_a_rule_spans_both() -> None:
    document = put(site(), "cameras.a.pace", "max")
    assert faults(document) == []
    both = {"all": [WHEN, {"sensor": "bare", "trigger": "entered"}], "within_s": 5}
    spanning = put(document, "rules.both", {"when": both})
    (fault,) = faults(spanning)
    assert (fault.path, "rule both spans both" in fault.problem) == ("cameras.a.pace", True)
    accepted(put(spanning, "cameras.b.pace", "max"))


def test_faults_elsewhere_hide_nothing() -> None:
    document = site()
    for path, value in [
        ("cameras.a.fps", 0), ("cameras.b", 5), ("sensors.line.camera", "x"),
        ("sensors.line.rearm", -1), ("sensors.zone.points", BOWTIE), ("rules.r.severity", "x"),
        ("rules.r.when.sensor", "nope"), ("rules.s", {"when": {"sensor": "zone", "trigger": "x"}}),
        ("site", "global"),
    ]:  # fmt: skip
        document = put(document, path, value)
    assert {fault.path for fault in faults(document)} == {
        "cameras.a.fps", "cameras.b", "sensors.line.camera", "sensors.line.rearm",
        "sensors.zone.points", "rules.r.severity", "rules.r.when.sensor", "rules.s.when.trigger",
        "site",
    }  # fmt: skip


def test_a_misspelt_section_makes_no_unknown_names() -> None:
    document = site()
    document["camera"] = document.pop("cameras")
    assert [fault.path for fault in faults(document)] == ["camera"]


def test_unreadable_values_and_bad_ones_are_told_together() -> None:
    text = EXAMPLE.replace("dwell_s: 30", "dwell_s: .nan").replace("kind: line", "kind: lien")
    text = text.replace("timezone:", "site: other\ntimezone:")
    assert [(f.line, f.path) for f in check(text).faults] == [
        (4, "site"),
        (14, "sensors.gate-line.kind"),
        (15, "sensors.lawn.dwell_s"),
    ]


def test_lines_and_text() -> None:
    (fault,) = check(EXAMPLE.replace("[0.45, 0.60]", "[1.45, 0.60]")).faults
    assert str(fault) == (
        "line 13: sensors.gate-line.points[1][0]: 1.45 is too large (allowed: a number from 0 to 1)"
    )


@pytest.mark.parametrize("text", ["", "5", "[]", "a: [", "- 1\n- 2", "null", "\x00"])
def test_what_is_no_configuration_at_all(text: str) -> None:
    checked = check(text)
    assert checked.config is None
    assert len(checked.faults) == 1
    with pytest.raises(Rejected):
        parse(text)


junk = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**6) | st.floats(-2, 2) | st.text(max_size=8)
    | st.sampled_from(["zone", "entered", "a", "line", "sensor", "sequence", "native", "all"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["sensor", "trigger", "sequence", "all", "any", "absent", "within_s", "kind", "camera",
             "points", "for_s", "model", "x", ""]
        ),
        inner,
        max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip
PATHS = [
    "version", "site", "cameras", "sensors", "rules", "cameras.a", "cameras.a.source",
    "cameras.a.models", "cameras.a.ground", "cameras.a.privacy", "cameras.a.pace",
    "sensors.zone", "sensors.zone.kind", "sensors.zone.points", "sensors.zone.camera", "rules.r",
    "rules.r.when", "rules.r.when.sensor", "rules.r.schedule", "rules.r.group", "rules.r.notify",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PATHS), junk)
def test_any_junk_is_accepted_or_told_about_never_raised(path: str, value: Any) -> None:
    text = yaml.safe_dump(put(site(), path, value), sort_keys=False)
    checked = check(text)
    assert (checked.config is None) is bool(checked.faults)
    paths = [fault.path for fault in checked.faults]
    assert len(paths) == len(set(paths))
    if checked.config is not None:
        assert check(text).config == checked.config
