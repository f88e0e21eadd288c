"""The scene's site: without faults, and of the same geometry as the drawing."""

from producers.scene import CAMERA, FPS, SITE, site_yaml
from producers.scene.place import LINE, LINE_SENSOR, ZONE, ZONE_SENSOR
from schemas.site import Camera, LineSensor, Rule, SiteConfig, TriggerTerm, ZoneSensor, check


def config() -> SiteConfig:
    checked = check(site_yaml())
    assert checked.config is not None, [str(fault) for fault in checked.faults]
    return checked.config


def test_the_camera_shows_the_scene_at_its_own_rate() -> None:
    assert config().site == SITE
    camera: Camera = config().cameras[CAMERA]
    assert str(camera.source) == "synthetic:walkers?seed=1"
    assert camera.fps == FPS
    assert list(camera.models) == ["foreground"]


def test_the_sensors_lie_where_they_are_painted() -> None:
    line, zone = (config().sensors[name] for name in (LINE_SENSOR, ZONE_SENSOR))
    assert isinstance(line, LineSensor)
    assert isinstance(zone, ZoneSensor)
    assert tuple(line.points) == LINE
    assert tuple(zone.points) == ZONE
    assert {line.camera, zone.camera} == {CAMERA}
    for sensor in (line, zone):
        assert sensor.classes is not None
        assert list(sensor.classes) == ["object"]


def test_the_rules_tell_in_from_out_and_film_intruders() -> None:
    rules = config().rules
    terms = {name: term_of(rule) for name, rule in rules.items()}
    assert (terms["crossing-in"].direction, rules["crossing-in"].severity) == ("forward", "info")
    assert (terms["crossing-out"].direction, rules["crossing-out"].severity) == (
        "backward",
        "warning",
    )
    for name in ("crossing-in", "crossing-out"):
        assert (rules[name].group.by, rules[name].group.within_s) == ("track", 5)
        assert rules[name].evidence.snapshot
    clip = rules["intrusion"].evidence.clip
    assert clip is not None
    assert (clip.before_s, clip.after_s) == (2, 3)
    assert (terms["intrusion"].sensor, terms["intrusion"].trigger) == (ZONE_SENSOR, "entered")
    assert rules["intrusion"].severity == "alert"


def term_of(rule: Rule) -> TriggerTerm:
    assert isinstance(rule.when, TriggerTerm)
    return rule.when
