from __future__ import annotations

import json
from typing import Any

import pytest

from consumers.sync.applying import Answer, answer
from consumers.sync.commanding import command_digest, document_of, obey
from schemas.records import AppliedConfig, Command
from tests.unit.consumers.sync.test_applying import NOW, SITE, TEXT, accepts, applied, document

NIGHTLY = (
    "{version: 1, site: depot-7, cameras: {gate: {source: 'usb:0'}}, "
    "sensors: {eye: {camera: gate, kind: motion}}, "
    "rules: {stir: {when: {sensor: eye, trigger: started}, armed: [night]}}}"
)


def command(mode: Any = "away", **changes: Any) -> Command:
    fields: dict[str, Any] = {
        "command_id": "c1",
        "site": SITE,
        "name": "arm",
        "arguments": json.dumps({"mode": mode}),
        "issued_at": NOW - 5,
        "expires_at": NOW + 1000,
    }
    return Command(**{**fields, **changes})


def obeyed(order: Command, *versions: AppliedConfig, now_at: int = NOW) -> Answer:
    found = obey(versions, order, SITE, now_at)
    assert found is not None
    return found


def refusal(found: Answer) -> dict[str, Any]:
    assert found.applied is None and found.receipt.status == "refused"
    (fault,) = json.loads(found.receipt.errors)
    return dict(fault)


def test_arming_makes_the_next_version_of_the_same_configuration() -> None:
    found = obeyed(command(), applied(version=6), applied())
    new = found.applied
    assert new is not None
    assert (new.config_version, new.modes, new.command_id) == (8, ("away",), "c1")
    assert (new.body, new.sha256, new.accepted_at) == (TEXT, applied().sha256, NOW)
    receipt = found.receipt
    assert (receipt.receipt_id, receipt.kind) == ("depot-7/command/arm", "command")
    assert (receipt.status, receipt.config_version) == ("applied", 8)
    assert receipt.sha256 == command_digest(command())
    assert json.loads(receipt.details)["modes"] == ["away"]


def test_off_is_no_mode_and_one_mode_follows_another() -> None:
    away = obeyed(command(), applied()).applied
    assert away is not None
    home = obeyed(command("home", command_id="c2"), away).applied
    assert home is not None and home.modes == ("home",)
    off = obeyed(command("off", command_id="c3"), home).applied
    assert off is not None and (off.modes, off.config_version) == ((), 10)


def test_a_command_is_obeyed_once_and_answered_again() -> None:
    away = obeyed(command(), applied()).applied
    assert away is not None
    later = obeyed(command("off", command_id="c2"), applied(), away).applied
    assert later is not None
    again = obeyed(command(), applied(), away, later)
    assert again.applied is None
    assert (again.receipt.status, again.receipt.config_version) == ("applied", 9)
    assert json.loads(again.receipt.details)["modes"] == []


def test_the_mode_that_holds_already_needs_no_new_version() -> None:
    found = obeyed(command("off"), applied())
    assert (found.applied, found.receipt.status) == (None, "applied")


def test_a_mode_that_a_rule_names_may_be_set_and_no_other() -> None:
    night = obeyed(command("night"), applied(NIGHTLY)).applied
    assert night is not None and night.modes == ("night",)
    fault = refusal(obeyed(command("nigth"), applied(NIGHTLY)))
    assert (fault["path"], fault["allowed"]) == ("mode", "away, home, night, off")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"site": "elsewhere"}, "elsewhere"),
        ({"expires_at": NOW}, "too late"),
        ({"name": "dance"}, "dance"),
        ({"arguments": "{"}, "null"),
        ({"arguments": "[]"}, "null"),
        ({"mode": 7}, "7"),
    ],
)
def test_what_cannot_be_obeyed_is_refused_with_the_reason(
    changes: dict[str, Any], word: str
) -> None:
    assert word in refusal(obeyed(command(**changes), applied()))["problem"]


def test_a_site_without_a_configuration_cannot_be_armed() -> None:
    found = obeyed(command())
    assert "no configuration" in refusal(found)["problem"]
    assert found.receipt.config_version == 0


def test_a_command_that_was_taken_back_is_not_answered() -> None:
    assert obey([applied()], command(deleted=True), SITE, NOW) is None


def test_names_from_outside_make_no_receipts_of_their_own() -> None:
    assert [document_of(name) for name in ("arm", "dance", "x")] == [
        *("command/arm", "command", "command")
    ]


def test_a_new_configuration_leaves_the_site_armed() -> None:
    away = obeyed(command(), applied()).applied
    found = answer(away, document(TEXT + "# changed\n"), SITE, accepts, NOW)
    assert found.applied is not None
    assert (found.applied.modes, found.applied.command_id) == (("away",), None)
