"""What one configuration says otherwise than another."""

from typing import Any

from schemas.site import SiteConfig, differences, parse

SITE = """
version: 1
site: depot-7
cameras: {gate: {source: 'synthetic:walkers', fps: 10}}
sensors: {door: {camera: gate, kind: line, points: [[0.5, 0.2], [0.5, 0.8]]}}
"""


def site() -> SiteConfig:
    return parse(SITE)


def lines(before: SiteConfig, after: SiteConfig) -> list[str]:
    return [str(item) for item in differences(before, after)]


def test_a_default_written_out_is_no_difference() -> None:
    assert differences(site(), parse(SITE.replace("fps: 10", "fps: 10.0, lost_s: 2"))) == []


def test_each_key_is_told_with_its_path_and_both_values() -> None:
    other = parse(SITE.replace("fps: 10", "fps: 5").replace("depot-7", "depot-8"))
    assert lines(site(), other) == [
        "~ cameras.gate.fps: 10.0 -> 5.0",
        '~ site: "depot-7" -> "depot-8"',
    ]


def test_an_entry_that_came_or_went_is_told_once() -> None:
    without = parse(SITE[: SITE.index("sensors")])
    (removed,) = differences(site(), without)
    assert (removed.change, removed.path) == ("removed", ("sensors", "door"))
    (added,) = differences(without, site())
    assert (added.change, added.path) == ("added", ("sensors", "door"))
    assert str(added).startswith('+ sensors.door: {"anchor": "bottom", "camera": "gate"')


def test_a_difference_is_the_same_from_both_sides() -> None:
    other = parse(SITE.replace("fps: 10", "fps: 5"))
    there: Any = [(item.path, item.before, item.after) for item in differences(site(), other)]
    back: Any = [(item.path, item.after, item.before) for item in differences(other, site())]
    assert there == back
