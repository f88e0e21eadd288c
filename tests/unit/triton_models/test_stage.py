"""A model of the second stage: its card says so, and its interface shows it to any client."""

from __future__ import annotations

import pytest

from schemas.errors import Rejected
from streams.inference.cards import included_card, read_card
from streams.inference.configs import config_from, embedded_config
from streams.inference.local import LocalModel


@pytest.mark.parametrize(("stage", "tensor"), [("crop", "CROP"), ("detector", "JPEG")])
def test_the_stage_stands_in_the_card_and_in_the_name_of_the_input(stage: str, tensor: str) -> None:
    card = read_card(included_card("yolox") + f"\nstage: {stage}\n", "mine")
    config = config_from(embedded_config("mine", card, 1, "1"))
    assert [one.name for one in config.input] == [tensor]


def test_any_other_stage_is_refused() -> None:
    with pytest.raises(Rejected, match="stage is 'third'; allowed are detector, crop"):
        read_card(included_card("yolox") + "\nstage: third\n", "mine")


def test_a_model_in_process_tells_its_stage() -> None:
    text = included_card("foreground")
    assert not LocalModel("foreground", card=text).sees_crops
    assert LocalModel("foreground", card=text + "\nstage: crop\n").sees_crops
