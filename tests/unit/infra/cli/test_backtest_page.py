"""The page of a backtest: everything in it, nothing of a stranger's markup."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from infra.cli.backtest import merged
from infra.cli.backtest_compare import compare
from infra.cli.backtest_page import Page, render
from schemas.errors import Rejected
from tests.unit.infra.cli.test_backtest_compare import raised

PAGE = Page(
    site="depot-7",
    rules="new.yaml",
    start=0,
    until=60_000,
    timezone="Europe/Madrid",
    readings=300,
    notes=("gate starts from its checkpoint",),
)


def test_every_event_has_a_card_under_its_fate() -> None:
    before = [raised("a", 0, 5000), raised("b", 10_000, 15_000)]
    after = [raised("a", 0, 6000), raised("c", 30_000, 35_000)]
    text = render(PAGE, compare(before, after), {"a": b"jpeg"})

    assert text.count("<article") == 3
    for fate, name in (("same", "a"), ("gone", "b"), ("added", "c")):
        section = text.split(f'<details id="{fate}"')[1].split("</details>")[0]
        assert f'<p class="id">{name}</p>' in section
    assert text.count("data:image/jpeg;base64,anBlZw==") == 1
    assert text.count("no picture is kept") == 2
    assert "ends +1.0 s" in text


def test_a_card_says_which_event_it_has_become_part_of() -> None:
    before = [raised("aaaaaaaa-1", 0, 5000), raised("b", 6000, 9000)]
    text = render(PAGE, compare(before, [raised("cccccccc-1", 0, 9000)]), {})
    assert "falls into event cccccccc of the new rules" in text


def test_the_page_needs_nothing_else() -> None:
    text = render(PAGE, compare([], [raised("a", 0, 1)]), {})
    for reference in ("http:", "https:", "<script", "<link", "@import", "url("):
        assert reference not in text


def test_names_are_text_not_markup() -> None:
    evil = '<img src=x onerror="1">'
    text = render(replace(PAGE, rules=evil), compare([raised("a", 0, 1, evil, evil)], []), {})
    assert evil not in text
    svg = text.split("<figure>")[1].split("<figcaption>")[0]
    ET.fromstring(svg)


def test_without_events_it_says_so() -> None:
    assert "Neither the old rules nor the new ones raised an event." in render(PAGE, [], {})


RUNNING = """
version: 1
site: depot-7
cameras: {gate: {source: 'synthetic:walkers'}}
sensors: {line: {camera: gate, kind: line, points: [[0.5, 0], [0.5, 1]]}}
rules: {entry: {when: {sensor: line, trigger: crossed}}}
"""


def test_rules_alone_replace_the_rules() -> None:
    text = merged(RUNNING, "rules: {exit: {when: {sensor: line, trigger: crossed}}}")
    assert "exit" in text and "entry" not in text and "synthetic:walkers" in text


def test_a_whole_site_stands_for_itself() -> None:
    assert merged("", RUNNING) == RUNNING


@pytest.mark.parametrize("text", ["", "[1]", "rules: [", "rule: {}"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Rejected):
        merged(RUNNING, text)
