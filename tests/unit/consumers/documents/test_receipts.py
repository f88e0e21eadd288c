from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.documents.models_at_sites import NO_RECEIPT, ModelTold, state_at
from consumers.documents.receipts import Told, outcome
from schemas.records import ModelUpdate
from tests.unit.streams.inference.updating.updates import update

AT = datetime(2026, 1, 1, tzinfo=UTC)


def told(**changes: Any) -> Told:
    row: dict[str, Any] = {
        "receipt_id": "depot-7/site",
        "site": "depot-7",
        "document": "site",
        "kind": "config",
        "status": "applied",
        "config_version": 3,
        "sha256": "a",
        "errors_json": [],
        "details_json": {},
        "at": AT,
        **changes,
    }
    return Told.from_row(row)


def test_an_outcome_is_that_of_the_document_that_is_answered() -> None:
    assert outcome("a", None) == "waiting"
    assert outcome("b", told()) == "waiting"
    assert outcome("a", told()) == "applied"
    assert outcome("a", told(status="refused")) == "refused"


def test_what_runs_is_told_or_follows() -> None:
    assert told(details_json={"runs": "b"}, status="refused").runs == "b"
    assert told().runs == "a", "a site of an older version does not say"
    assert told(status="refused").runs is None
    assert told(status="refused", details_json={"runs": ""}).runs is None, "nothing runs yet"
    assert told(status="refused", details_json={"runs": 7}).runs is None


@pytest.mark.parametrize("nonsense", [None, 7, "text", ["a", 1], {"modes": 3}])
def test_whatever_a_site_wrote_is_read(nonsense: Any) -> None:
    found = told(errors_json=nonsense, details_json=nonsense)
    assert (found.faults, found.modes) == ((), ())
    assert ModelTold.of(found).state == "applied"


def model(update: ModelUpdate, **details: Any) -> ModelTold:
    given = {
        "state": "applied",
        "wanted": update.version,
        "published_at": update.published_at,
        "running": {"release": update.version, "sha256": update.sha256},
        **details,
    }
    return ModelTold.of(told(document=f"model/{update.model}", kind="model", details_json=given))


def test_a_wish_stands_as_the_site_says_of_it_and_of_no_other() -> None:
    wish = update()
    assert state_at(wish, None) == (NO_RECEIPT, "")
    assert state_at(wish, model(wish)) == ("applied", "")
    refused = model(wish, state="refused", message="it finds nothing")
    assert state_at(wish, refused) == ("refused", "it finds nothing")
    assert state_at(wish, model(wish, wanted="another"))[0] == NO_RECEIPT
    assert state_at(wish, model(wish, published_at=wish.published_at - 1))[0] == NO_RECEIPT
    assert model(wish).model == wish.model
