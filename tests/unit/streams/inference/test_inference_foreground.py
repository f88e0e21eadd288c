"""What moves is found where it stands, and nothing else is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from streams.inference.answer import Answer
from streams.inference.local import LocalModel
from tests.unit.streams.inference.scenes import (
    HEIGHT,
    WIDTH,
    Box,
    Picture,
    answers,
    ground,
    in_light,
    walker,
    with_things,
)

FPS = 5


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return LocalModel("foreground")


def born(answer: Answer) -> list[tuple[float, ...]]:
    """Boxes from which a track would be born at the default ``min_score``."""
    boxes = [answer.boxes[i : i + 4] for i in range(0, len(answer.boxes), 4)]
    return [box for box, score in zip(boxes, answer.scores, strict=True) if score >= 0.3]


def feet(box: tuple[float, ...]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2 * WIDTH, box[3] * HEIGHT


def noisy(picture: Picture, seed: int, sigma: float = 4.0) -> Picture:
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_a_walker_is_one_object_with_its_feet_in_place(model: LocalModel) -> None:
    boxes: list[Box] = [walker(seq) for seq in range(65)]
    found = list(answers(model, (with_things(ground(), [box]) for box in boxes)))
    inside = [seq for seq, (x1, _, x2, _) in enumerate(boxes) if x1 >= 0 and x2 <= WIDTH]
    assert len(inside) > 40
    for seq in inside:
        (box,) = born(found[seq])
        x, y = feet(box)
        x1, _, x2, y2 = boxes[seq]
        assert abs(x - (x1 + x2) / 2) <= 3 and abs(y - y2) <= 3, f"frame {seq}"
    assert {label for answer in found for label in answer.labels} == {"object"}


def test_an_empty_noisy_scene_has_no_objects(model: LocalModel) -> None:
    pictures = (noisy(ground(), seq) for seq in range(60))
    assert not any(answer.scores for answer in answers(model, pictures))


@pytest.mark.parametrize(("gain", "offset"), [(0.6, 0), (1.3, 10), (1.0, -35), (0.8, 40)])
def test_a_change_of_light_is_no_object_and_hides_none(
    model: LocalModel, gain: float, offset: float
) -> None:
    def picture(seq: int) -> Picture:
        scene = noisy(with_things(ground(), [walker(seq)]), seq, 2)
        return in_light(scene, gain, offset) if seq >= 40 else scene

    found = [len(born(answer)) for answer in answers(model, map(picture, range(60)))]
    assert found[20:55] == [1] * 35


def test_slow_dusk_is_no_object(model: LocalModel) -> None:
    pictures = (in_light(ground(), 1 - seq / 400, 0) for seq in range(200))
    assert not any(born(answer) for answer in answers(model, pictures))


def test_one_who_stands_for_three_seconds_is_not_absorbed(model: LocalModel) -> None:
    x = [*range(-16, 100, 6), *[100] * (3 * FPS), *range(106, 340, 6)]
    boxes: list[Box] = [(at, 90, at + 16, 138) for at in [-50] * 20 + x]
    found = list(answers(model, (with_things(ground(), [box]) for box in boxes)))
    standing = range(20 + 21, 20 + 21 + 3 * FPS - 1)
    for seq in standing:
        (box,) = born(found[seq])
        assert abs(feet(box)[0] - 108) <= 3


def test_what_stands_from_the_first_frame_on_is_scenery_and_leaves_no_ghost(
    model: LocalModel,
) -> None:
    parked: Box = (140, 60, 200, 100)
    pictures = [with_things(ground(), [parked])] * 60 + [ground()] * 30
    found = [born(answer) for answer in answers(model, pictures)]
    assert not any(found[:60]), "what never moved is no object"
    assert not any(found[60:]), "the ground it uncovers is no object"


def test_a_camera_that_is_knocked_by_a_pixel_sees_nothing(model: LocalModel) -> None:
    random = np.random.default_rng(3)
    sharp = cv2.resize(
        random.integers(30, 220, (45, 80, 3), dtype=np.uint8), (WIDTH, HEIGHT), interpolation=0
    )
    moved = np.roll(sharp, (1, 1), axis=(0, 1))
    pictures = [np.asarray(sharp, np.uint8)] * 40 + [np.asarray(moved, np.uint8)] * 20
    assert not any(born(answer) for answer in answers(model, pictures))


def test_a_shadow_on_textured_ground_is_no_object(model: LocalModel) -> None:
    random = np.random.default_rng(5)
    texture = np.asarray(
        cv2.GaussianBlur(random.integers(60, 220, (HEIGHT, WIDTH, 3), dtype=np.uint8), (5, 5), 0),
        np.uint8,
    )

    def picture(seq: int) -> Picture:
        shaded = texture.copy()
        x = 6 * (seq - 30)
        if x >= 0:
            shaded[80:120, x : x + 40] = (shaded[80:120, x : x + 40] * 0.6).astype(np.uint8)
        return shaded

    found = [born(answer) for answer in answers(model, map(picture, range(70)))]
    assert sum(map(bool, found)) <= 4


def test_two_side_by_side_are_two(model: LocalModel) -> None:
    def picture(seq: int) -> Picture:
        x1, y1, x2, y2 = walker(seq)
        return with_things(ground(), [(x1, y1, x2, y2), (x1 - 26, y1 + 2, x2 - 26, y2 + 2)])

    found = [len(born(answer)) for answer in answers(model, map(picture, range(60)))]
    assert found[24:58] == [2] * 34


def test_without_a_background_there_are_no_objects(model: LocalModel) -> None:
    first, second, third, *_ = answers(model, [ground()] * 8)
    assert first.scores == second.scores == third.scores == ()
    assert model.infer(cv2.imencode(".jpg", ground())[1].tobytes()).scores == ()


def test_the_same_question_has_the_same_answer(model: LocalModel) -> None:
    pictures = [noisy(with_things(ground(), [walker(seq)]), seq) for seq in range(40)]
    again = list(answers(LocalModel("foreground"), pictures))
    assert list(answers(model, pictures)) == again
