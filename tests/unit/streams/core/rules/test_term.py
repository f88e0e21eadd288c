from schemas.ids import candidate_id
from tests.unit.streams.core.rules.scenario import (
    SITE,
    candidates,
    configuration,
    ids,
    matched,
    records,
    sensed,
    term,
    trigger,
)


def test_each_fitting_trigger_is_a_candidate() -> None:
    triggers = [trigger("door", 1000), trigger("path", 2000), trigger("door", 3000, "b")]
    found = candidates(term("door"), triggers)
    assert ids(found) == [("door@1000",), ("door@3000",)]
    first = found[0]
    assert first.candidate_id == candidate_id(SITE, "rule", 1000, ["door:crossed:a:1000"])
    assert (first.camera, first.sensor, first.track, first.class_name) == (
        "gate",
        "door",
        "a",
        "person",
    )
    assert (first.score, first.shadow, first.config_version) == (0.8, False, 1)
    assert first.best is not None and first.best.offset == 1000


def test_the_trigger_the_direction_and_the_class_must_fit() -> None:
    triggers = [
        trigger("door", 1, direction="forward", class_name="person"),
        trigger("door", 2, direction="backward", class_name="person"),
        trigger("door", 3, direction="forward", class_name="car"),
        trigger("lawn", 4, kind="entered"),
        trigger("lawn", 5, kind="left"),
    ]
    assert ids(candidates(term("door", direction="forward"), triggers)) == [
        ("door@1",),
        ("door@3",),
    ]
    assert ids(candidates(term("door", classes=["person"]), triggers)) == [("door@1",), ("door@2",)]
    assert ids(candidates(term("lawn", "left"), triggers)) == [("lawn@5",)]


def test_a_trigger_without_an_object() -> None:
    (found,) = candidates(term("lens", "covered"), [trigger("lens", 5, None, kind="covered")])
    assert (found.track, found.score, found.best, found.class_name) == (None, 1.0, None, None)


def test_the_time_of_a_match_is_the_true_one_and_its_order_the_known_one() -> None:
    early_known_late = trigger("door", 1000, "a", known_at=5000)
    late_known_early = trigger("door", 4000, "b", known_at=4000)
    found = candidates(term("door"), [early_known_late, late_known_early])
    assert [(one.matched_at, one.known_at) for one in found] == [(4000, 4000), (1000, 5000)]


def test_candidates_of_one_record_are_ordered_whatever_the_order_of_its_triggers() -> None:
    config = configuration(
        zulu={"when": term("door")}, alpha={"when": term("path"), "mode": "shadow"}
    )
    together = [trigger("path", 7, "b"), trigger("door", 7, "z"), trigger("door", 7, "b")]
    (output,) = matched(config, [sensed(0, 7, together)])
    (turned,) = matched(config, [sensed(0, 7, together[::-1])])
    assert output == turned
    found = [(one.sensor, one.track, one.shadow) for one in output.candidates]
    assert found == [("door", "b", False), ("door", "z", False), ("path", "b", True)]


def test_nothing_is_said_where_nothing_happened() -> None:
    config = configuration(rule={"when": term("door")})
    assert matched(config, records([trigger("path", 10)])) == []
