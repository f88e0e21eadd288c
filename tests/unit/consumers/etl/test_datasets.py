from __future__ import annotations

import re

import pytest

from consumers.etl.parquet.datasets import DATASETS, TYPES, exported
from consumers.etl.rollups.registry import SUBJECTS
from tests.fixtures import ROOT

PAGE = (ROOT / "docs/analytics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DATASETS)
def test_the_page_for_data_teams_tells_every_column_and_its_type(name: str) -> None:
    section = PAGE.split(f"\n### {name}\n")[1].split("\n##")[0]
    told = re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE)
    schema = DATASETS[name].schema
    assert [(column, TYPES[kind]) for column, kind in told] == list(
        zip(schema.names, schema.types, strict=True)
    )


def test_the_page_tells_no_data_set_that_is_not_there() -> None:
    assert re.findall(r"^### (\w+)$", PAGE, re.MULTILINE) == list(DATASETS)


def test_every_rollup_is_a_data_set_and_is_written_when_its_rows_change() -> None:
    written = [dataset.name for subject in SUBJECTS for dataset in exported(subject)]
    assert sorted(written) == sorted(DATASETS)
    assert {rollup.table for one in SUBJECTS.values() for rollup in one.rollups} < set(written)
