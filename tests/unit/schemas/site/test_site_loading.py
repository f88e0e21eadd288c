from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.site.loading import MAX_CHARACTERS, load


def value(text: str) -> Any:
    loaded = load(text)
    assert loaded.faults == []
    return loaded.value


def problems(text: str) -> list[str]:
    return [str(fault) for _, fault in load(text).faults]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("off", "off"), ("on", "on"), ("yes", "yes"), ("No", "No"), ("y", "y"),
        ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("20:30", "20:30"), ("1_000", "1_000"), ("010", 10), ("0o10", 8), ("0x1F", 31),
        ("2024-01-01", "2024-01-01"), ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("-3", -3), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("'5'", "5"), ("!!str 5", "5"),
        ("synthetic:walkers?seed=3", "synthetic:walkers?seed=3"), ("=", "="),
    ],
)  # fmt: skip
def test_scalars_follow_yaml_1_2(written: str, meant: object) -> None:
    got = value(f"a: {written}")["a"]
    assert got == meant
    assert type(got) is type(meant)


def test_a_key_is_its_text() -> None:
    assert value("{007: 1, on: 2, null: 3, 1.0: 4}") == {"007": 1, "on": 2, "null": 3, "1.0": 4}


def test_aliases_are_followed() -> None:
    assert value("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "line 2: a: is given twice, first on line 1"),
        ("a: {b: 1, b: 2}", "a.b: is given twice"),
        ("a: .nan", "not a finite number"),
        ("a: -.inf", "not a finite number"),
        ("a: 1e999", "not a finite number"),
        ("a: " + "9" * 5000, "too many digits"),
        ('a: "\\0"', "U+0000"),
        ("a: \x00", "line 1, column 4: character U+0000"),
        ("a: \ud800", "U+D800"),
        ("a: !!python/object:os.system x", "tag"),
        ("a: !!timestamp 2024-01-01", "tag"),
        ("a: !!set {b}", "tag"),
        ("a: *nope", "no anchor"),
        ("a: &x [*x]", "part of"),
        ("<<: {a: 1}", "merge keys"),
        ("? [1]\n: 2", "a key must be text"),
        ("a: 1\n---\nb: 2", "line 2, column 1: a second document"),
        ("", "empty"),
        ("# nothing", "empty"),
        ("a: [1, 2", "begins on line 1"),
        ("a: b: c", "line 1, column 5: not valid YAML"),
        ("\ta: 1", "not valid YAML"),
        ("[" * 40 + "]" * 40, "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ("a: " + "x" * MAX_CHARACTERS, "characters"),
    ],
)
def test_refusals(text: str, said: str) -> None:
    (problem,) = problems(text)
    assert said in problem


def test_alias_bomb_is_refused() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for i in range(1, 20):
        text += f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n"
    (problem,) = problems(text)
    assert "too many values" in problem


def test_places() -> None:
    places = load("a:\n  b: [1, 2]\n").places
    assert places == {("a",): (1, 1), ("a", "b"): (2, 3), ("a", "b", 0): (2, 7),
                      ("a", "b", 1): (2, 10)}  # fmt: skip


@given(st.text(alphabet="ab:-[]{}&*!'\"#|>?%@,\n \t0.~<\x00é", max_size=60))
def test_never_raises(text: str) -> None:
    loaded = load(text)
    assert loaded.readable or loaded.faults
