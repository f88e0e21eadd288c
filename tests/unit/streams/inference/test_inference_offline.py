"""Several models in one process: whose turn it is, and what becomes of failures."""

from __future__ import annotations

from fractions import Fraction

from schemas.errors import Rejected
from streams.inference.answer import Answer
from streams.inference.choosing import Use
from streams.inference.local import LocalModel
from streams.inference.offline import Model, readings_of
from tests.unit.streams.inference import scenes


class Fires:
    """Sees a fire in every frame, but fails on the third it is asked about."""

    sees_crops = False

    def __init__(self) -> None:
        self.asked = 0

    def infer(self, jpeg: bytes, background: bytes = b"") -> Answer:
        """Return one fire."""
        self.asked += 1
        if self.asked == 3:
            raise Rejected("it broke", reason="model-failed")
        return Answer((0.1, 0.1, 0.2, 0.2), (0.5,), ("fire",), "fires", "4")


def test_each_model_looks_in_its_turn_and_all_say_it_in_one_reading() -> None:
    frames = [
        scenes.frame(seq, scenes.with_things(scenes.ground(), [scenes.walker(seq)]))
        for seq in range(25)
    ]
    uses = (Use("foreground"), Use("fires", Fraction(1)))
    models: dict[str, Model] = {"foreground": LocalModel("foreground"), "fires": Fires()}
    found = list(readings_of(frames, uses, models))
    assert [one.offset for one in found] == list(range(25))
    assert {one.outcome for one in found} == {"ok"}
    of_fires = [one for one in found if len(one.looks) == 2]
    assert [one.seq for one in of_fires] == [0, 5, 10, 15, 20]
    assert [one.looks[1].outcome for one in of_fires] == ["ok", "ok", "failed", "ok", "ok"]
    assert of_fires[2].looks[1].reason == "model-failed"
    assert sum("fire" in one.labels for one in found) == 4
    alone = list(readings_of(frames, (Use("foreground"),), models))
    for one, single in zip(found, alone, strict=True):
        own = one.looks[0].objects
        assert (one.boxes[: 4 * own], one.scores[:own]) == (single.boxes, single.scores)
    assert sum(len(one.scores) for one in alone) > 10


def test_a_frame_at_which_nobody_had_to_look_is_told_as_such() -> None:
    frames = [scenes.frame(seq, scenes.ground()) for seq in range(6)]
    found = list(readings_of(frames, (Use("fires", Fraction(1)),), {"fires": Fires()}))
    assert [one.reason for one in found] == [None, *["not-due"] * 4, None]


class Helmets:
    """Sees a helmet in every cut-out."""

    sees_crops = True

    def infer(self, jpeg: bytes, background: bytes = b"") -> Answer:
        """Return one helmet."""
        return Answer((0.0, 0.0, 1.0, 0.2), (0.75,), ("helmet",), "ppe", "2")


def test_the_second_stage_tells_more_of_what_the_first_found_and_adds_no_object() -> None:
    frames = [
        scenes.frame(seq, scenes.with_things(scenes.ground(), [scenes.walker(seq)]))
        for seq in range(25)
    ]
    uses = (Use("ppe", Fraction(1), frozenset({"object"})), Use("foreground"))
    models: dict[str, Model] = {"foreground": LocalModel("foreground"), "ppe": Helmets()}
    found = list(readings_of(frames, uses, models))
    alone = list(readings_of(frames, uses[1:], models))
    assert [one.boxes for one in found] == [one.boxes for one in alone]
    told = [one for one in found if one.attributes]
    assert {one.seq % 5 for one in told} == {0} and len(told) >= 2
    for one in found:
        helmets = one.seq % 5 == 0 and len(one.scores) > 0
        assert one.attributes == ('{"ppe":{"helmet":0.75}}',) * len(one.scores) * helmets
        assert [look.model for look in one.looks] == ["foreground", *["ppe"] * helmets]
        assert one.model == "foreground"
