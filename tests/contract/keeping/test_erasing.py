from __future__ import annotations

from datetime import timedelta

from tests.contract.keeping.house import NOW, House


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def test_a_cameras_span_goes_everywhere_and_the_report_says_so(house: House) -> None:
    organisation = house.organisation("own", "south", "east")
    inside = house.happen("south", hours(5))
    others = {
        house.happen("south", hours(5), camera="yard"),
        house.happen("east", hours(5)),
        house.happen("south", hours(8)),
        house.happen("south", hours(2)),
    }
    objects = house.stored_objects()

    erasure = house.ask(organisation, "south", "gate", NOW - hours(6), NOW - hours(4))
    house.keep()

    assert house.ids() == house.ids("verdicts") == house.ids("evidence") == others
    assert not house.exists(objects[inside])
    assert all(house.exists(objects[event]) for event in others)
    assert house.track_ids() == {document["track_id"] for document in house.tracks.find()} == others
    state, report = house.report(erasure)
    assert state == "done"
    assert report["removed"] == {
        "events": 1,
        "event_changes": 1,
        "verdicts": 1,
        "evidence": 1,
        "tracks": 1,
        "documents": 1,
    }
    assert report["on_hold"] == [] and "Kafka" in report["remains"][0]


def test_notifications_forget_what_was_erased(house: House) -> None:
    organisation = house.organisation("own", "south")
    inside, outside = house.happen("south", hours(5)), house.happen("south", hours(2))
    for event in (inside, outside):
        house.notify(organisation, event, "sent", "opened")
        house.notify(organisation, event, "pending", "closed")
    house.ask(organisation, "south", None, NOW - hours(6), NOW - hours(4))
    house.keep()
    assert house.notified(inside) == {("sent", False), ("dropped", False)}
    assert house.notified(outside) == {("sent", True), ("pending", True)}


def test_what_comes_late_goes_too_and_is_added_to_the_report(house: House) -> None:
    organisation = house.organisation("own", "south")
    house.happen("south", hours(5))
    erasure = house.ask(organisation, "south", None, NOW - hours(6), NOW - hours(4))
    house.keep()
    house.happen("south", hours(5))
    house.keep(NOW + hours(2))
    assert house.ids() == set()
    assert house.report(erasure)[1]["removed"]["events"] == 2


def test_a_hold_outranks_an_erasure(house: House) -> None:
    organisation = house.organisation("own", "south")
    held = house.happen("south", hours(5))
    house.hold(held)
    erasure = house.ask(organisation, "south", None, NOW - hours(6), NOW - hours(4))
    house.keep()
    assert house.ids() == house.ids("evidence") == {held}
    assert house.pictures() == 1
    assert house.report(erasure)[1]["on_hold"] == [held]


def test_another_organisations_erasure_touches_nothing(house: House) -> None:
    house.organisation("own", "south")
    other = house.organisation("other")
    event = house.happen("south", hours(5))
    house.ask(other, "south", None, NOW - hours(6), NOW)
    house.keep()
    assert house.ids() == {event}
    assert house.pictures() == 1
    assert house.tracks.count_documents({}) == 1
