from __future__ import annotations

import json
from fractions import Fraction

import pytest
from pydantic import ValidationError

from schemas.site import (
    Absent,
    Camera,
    LineSensor,
    ModelUse,
    Sequence,
    SiteConfig,
    TriggerTerm,
    ZoneSensor,
    canonical,
    check,
    digest,
    fingerprint,
    json_schema,
    milliseconds,
    parse,
    terms,
)
from tests.unit.schemas.site.samples import EXAMPLE, accepted, site


def test_the_contracts_example() -> None:
    config = parse(EXAMPLE)
    gate = config.cameras["gate"]
    assert gate.models == {"yolox": ModelUse()}
    assert gate.credentials is not None
    assert gate.credentials.password_env == "GATE_PASSWORD"
    assert gate.classes == ("person", "car")
    assert not gate.writes_video
    line = config.sensors["gate-line"]
    assert isinstance(line, LineSensor)
    assert line.points == ((0.45, 0.24), (0.45, 0.6))
    term = TriggerTerm(sensor="gate-line", trigger="crossed", direction="forward")
    when = config.rules["tailgating"].when
    assert when == Sequence(sequence=(term, term), within_s=2, same_track=False)
    left = config.rules["left-alone"].when
    assert isinstance(left, Sequence)
    assert isinstance(left.sequence[1], Absent)
    assert [t.sensor for t in terms(left)] == ["lawn", "gate-line"]
    assert [str(w) for w in config.rules["intrusion"].schedule or ()] == [
        "Mon-Fri 20:00-07:00",
        "Sat-Sun 00:00-24:00",
    ]


def test_defaults_are_the_contracts() -> None:
    config = accepted(site())
    camera = Camera.model_validate({"source": "usb:0"})
    assert camera.model_dump(mode="json", exclude={"source"}) == {
        "credentials": None, "fps": 5.0, "width": 640, "loop": False, "pace": "real",
        "start_at": None, "models": {"foreground": {}}, "classes": None, "min_score": 0.3,
        "privacy": [], "ignore": [], "record": "events", "keep_h": 72.0, "motion_gate": False,
        "idle_s": 2.0, "ground": None, "lost_s": 2.0,
    }  # fmt: skip
    defaults: dict[str, dict[str, object]] = {
        "line": {"rearm": 0.1, "classes": None, "size": None, "speed": None, "heading": None,
                 "anchor": "bottom"},
        "bare": {"enter_after_s": 0.0, "leave_after_s": 1.0, "dwell_s": None, "occupancy": None},
        "tamper": {"for_s": 2.0},
        "link": {"for_s": 10.0},
        "motion": {"area": 0.01, "for_s": 0.5},
        "stationary": {"for_s": 60.0, "points": None},
        "near": {"for_s": 1.0, "distance": None},
    }  # fmt: skip
    for name, expected in defaults.items():
        sensor = config.sensors[name]
        assert {key: getattr(sensor, key) for key in expected} == expected
    zone = config.sensors["zone"]
    assert isinstance(zone, ZoneSensor)
    assert zone.occupancy is not None
    assert zone.occupancy.for_s == 0
    rule = config.rules["r"]
    assert rule.model_dump(mode="json", exclude={"when"}) == {
        "schedule": None, "armed": None, "min_score": 0.0,
        "group": {"by": "camera", "within_s": 30.0}, "count": None, "cooldown_s": 0.0,
        "severity": "warning", "mode": "live", "evidence": {"snapshot": True, "clip": None},
        "notify": [],
    }  # fmt: skip
    assert config.timezone == "UTC"


@pytest.mark.parametrize("key", ["model", "models"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("yolox", {"yolox": ModelUse()}),
        (["a", "b"], {"a": ModelUse(), "b": ModelUse()}),
        ({"a": {"fps": 2.5}, "b": None}, {"a": ModelUse(fps=2.5), "b": ModelUse()}),
        ({"a": {"fps": "native", "classes": ["car"]}},
         {"a": ModelUse(fps="native", classes=("car",))}),
    ],
)  # fmt: skip
def test_models_in_all_their_forms(key: str, written: object, meant: dict[str, ModelUse]) -> None:
    assert Camera.model_validate({"source": "x", key: written}).models == meant


def test_rates_are_exact() -> None:
    def rate(fps: object) -> Fraction | None:
        return Camera.model_validate({"source": "x", "fps": fps}).fps_fraction

    assert rate(29.97) == Fraction(2997, 100)
    assert rate(5) == Fraction(5)
    assert rate(0.1) == Fraction(1, 10)
    assert rate("native") is None
    assert ModelUse(fps=12.5).fps_fraction == Fraction(25, 2)


def test_milliseconds_round_the_written_decimal() -> None:
    assert [milliseconds(s) for s in (0.1, 1.005, 29.97, 0.0005, 0.0015)] == [
        100, 1005, 29970, 0, 2]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2000-01-01T00:00:00Z", 946_684_800_000),
        ("2000-01-01T01:00:00+01:00", 946_684_800_000),
        ("2000-01-01T00:00:00.250Z", 946_684_800_250),
        ("2000-01-01", 946_684_800_000),
    ],
)
def test_start_at(text: str, at_ms: int) -> None:
    assert Camera.model_validate({"source": "x", "start_at": text}).start_at == at_ms


def test_canonical_form_means_the_same_and_is_its_own() -> None:
    document = site()
    document["cameras"]["b"] |= {"start_at": "2000-01-01T00:00:00.25Z", "models": ["m", "a"]}
    for config in (parse(EXAMPLE), accepted(document)):
        written = canonical(config)
        again = parse(written.decode())
        assert again == config
        assert canonical(again) == written


def test_fingerprint_is_of_the_meaning_and_digest_of_the_text() -> None:
    other = "# a comment\n" + EXAMPLE.replace("within_s: 2,", "within_s: 2.0,")
    assert fingerprint(parse(EXAMPLE)) == fingerprint(parse(other))
    assert digest(EXAMPLE) != digest(other)
    changed = EXAMPLE.replace("within_s: 2,", "within_s: 3,")
    assert fingerprint(parse(EXAMPLE)) != fingerprint(parse(changed))
    assert digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_models_are_frozen_and_show_no_input_in_errors() -> None:
    config = accepted(site())
    with pytest.raises(ValidationError):
        setattr(config.cameras["a"], "fps", 3.0)  # noqa: B010
    with pytest.raises(ValidationError) as caught:
        Camera.model_validate({"source": "rtsp://u:hunter2@h/"})
    assert "hunter2" not in str(caught.value)


def test_a_configuration_built_in_python_must_fit_together_too() -> None:
    document = site()
    document["rules"]["r"]["when"]["sensor"] = "nope"
    with pytest.raises(ValidationError, match="there is no sensor"):
        SiteConfig.model_validate(document)


def test_rules_across_cameras() -> None:
    document = site()
    document["rules"]["both"] = {
        "when": {"any": [{"sensor": "line", "trigger": "crossed"},
                         {"sensor": "bare", "trigger": "left"}]}}  # fmt: skip
    document["rules"]["grouped"] = {
        "when": {"sensor": "bare", "trigger": "entered"}, "group": {"by": "site"}}  # fmt: skip
    config = accepted(document)
    assert config.cameras_of("both") == ("a", "b")
    assert [config.is_site_wide(rule) for rule in ("r", "both", "grouped")] == [False, True, True]
    assert config.site_wide_cameras() == {"a", "b"}


def test_sections_may_be_empty() -> None:
    checked = check("version: 1\nsite: a\ncameras:\nsensors:\nrules:\n")
    assert checked.config == SiteConfig(version=1, site="a")


def test_json_schema_names_every_key() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == set(SiteConfig.model_fields)
    camera = schema["$defs"]["Camera"]
    assert set(camera["properties"]) == {*Camera.model_fields, "model"}
    assert camera["additionalProperties"] is False
    assert camera["properties"]["fps"]["default"] == 5.0
    assert schema["properties"]["cameras"]["propertyNames"] == {"pattern": "^[A-Za-z0-9_-]{1,64}$"}
    json.dumps(schema, allow_nan=False)
