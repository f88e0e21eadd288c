"""The document that the client's package ships is that of the routes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.cli.openapi import SHIPPED, document


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return dict(json.loads(document()))


def test_the_shipped_document_is_fresh(made: dict[str, Any]) -> None:
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    assert shipped == made, "run `sightline openapi --ship` and commit the file"


def test_errors_are_problems(made: dict[str, Any]) -> None:
    assert made["openapi"].startswith("3.1")
    errors = made["components"]["responses"]
    assert {"Error401", "Error403", "Error404", "Error422", "Error503"} <= set(errors)
    for error in errors.values():
        assert set(error["content"]) == {"application/problem+json"}


def test_every_operation_has_a_name_of_its_own(made: dict[str, Any]) -> None:
    names = [
        operation["operationId"] for path in made["paths"].values() for operation in path.values()
    ]
    assert sorted(names) == sorted(set(names))
