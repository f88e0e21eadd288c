"""Two rounds of questions: who is asked about what, and what is learned on the way."""

from __future__ import annotations

from collections.abc import Sequence

from streams.inference.answer import Answer, Outcome, Refusal
from streams.inference.asking import Question
from streams.inference.choosing import Use
from streams.inference.client import OTHER_STAGE
from streams.inference.rounds import Rounds, Said, Shown
from tests.unit.streams.inference.scenes import frame, ground, jpeg

PICTURE = jpeg(ground())
PEOPLE, FIRE, PPE = Use("people"), Use("fire"), Use("ppe", classes=frozenset({"person"}))
PERSON = Answer((0.2, 0.2, 0.6, 0.9), (0.8,), ("person",), "people", "1")
NO_FIRE = Answer((), (), (), "fire", "1")
HELMET = Answer((0.0, 0.0, 1.0, 0.2), (0.75,), ("helmet",), "ppe", "4")


class Server:
    """Answers as scripted, and remembers the questions of each round."""

    def __init__(self, *second: str) -> None:
        self.second = set(second)
        self.asked: list[list[tuple[str, str, str]]] = []

    def ask(self, questions: Sequence[Question]) -> list[Outcome] | None:
        self.asked.append([(q.camera, q.model, q.stage) for q in questions])
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Outcome:
        if (question.model in self.second) != (question.stage == "crop"):
            return Refusal("failed", OTHER_STAGE, question.model)
        return {"people": PERSON, "fire": NO_FIRE, "ppe": HELMET}[question.model]


def shown(camera: str, *uses: Use) -> Shown:
    return Shown(frame(0, PICTURE, camera=camera, keep=True), uses, 5, b"block")


def test_detectors_are_asked_together_and_all_keep_their_order() -> None:
    server = Server()
    said = Rounds(server.ask).about([shown("a", FIRE, PEOPLE), shown("b"), shown("c", PEOPLE)])
    assert said == [Said((NO_FIRE, PERSON)), Said(()), Said((PERSON,))]
    assert server.asked[0] == [
        ("a", "fire", "detector"),
        ("a", "people", "detector"),
        ("c", "people", "detector"),
    ]
    assert [len(one) for one in server.asked] == [3, 0]


def test_a_model_of_the_second_stage_is_found_out_once_and_looks_at_cut_outs() -> None:
    server = Server("ppe")
    rounds = Rounds(server.ask)
    for _ in range(2):
        said = rounds.about([shown("a", PPE, PEOPLE), shown("b", PPE, FIRE)])
        seen = Said((PERSON, Answer((), (), (), "ppe", "4")), ('{"ppe":{"helmet":0.75}}',))
        assert said == [seen, Said((NO_FIRE,))]
    assert [[model for _, model, _ in one] for one in server.asked] == [
        ["ppe", "people", "ppe", "fire"],
        ["ppe"],
        ["people", "fire"],
        ["ppe"],
    ]
    assert server.asked[1] == [("a", "ppe", "crop")]


def test_a_model_that_became_a_detector_is_asked_as_one_again() -> None:
    server = Server("ppe")
    rounds = Rounds(server.ask)
    rounds.about([shown("a", PPE, PEOPLE)])
    server.second = set()
    said = rounds.about([shown("a", PPE, PEOPLE)])
    assert said == [Said((PERSON, Refusal("failed", OTHER_STAGE, "ppe")))]
    said = rounds.about([shown("a", PPE, PEOPLE)])
    assert said == [Said((HELMET, PERSON))]


def test_a_stop_in_either_round_is_a_stop() -> None:
    assert Rounds(lambda questions: None).about([shown("a", PEOPLE)]) is None
    server, calls = Server("ppe"), iter((True, False))
    stopping = Rounds(lambda questions: server.ask(questions) if next(calls) else None)
    assert stopping.about([shown("a", PEOPLE, PPE)]) is None
