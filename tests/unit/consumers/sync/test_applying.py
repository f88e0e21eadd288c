from __future__ import annotations

import json
from typing import Any

import pytest

from consumers.sync.applying import answer
from schemas.errors import Rejected
from schemas.records import AppliedConfig, ConfigDocument
from schemas.site import SiteConfig, digest

SITE = "depot-7"
TEXT = "version: 1\nsite: depot-7\ncameras: {gate: {source: 'usb:0'}}\n"
NOW = 1_700_000_000_000


def document(text: str = TEXT, **changes: Any) -> ConfigDocument:
    fields: dict[str, Any] = {
        "document": "site",
        "site": SITE,
        "body": text,
        "sha256": digest(text),
        "published_at": NOW - 5,
        "author": "eve",
    }
    return ConfigDocument(**{**fields, **changes})


def accepts(config: SiteConfig) -> None:
    assert config.site == SITE


def applied(text: str = TEXT, version: int = 7) -> AppliedConfig:
    return AppliedConfig(
        config_version=version,
        site=SITE,
        document="site",
        body=text,
        sha256=digest(text),
        accepted_at=1,
    )


def test_the_first_configuration_becomes_version_one() -> None:
    found = answer(None, document(), SITE, accepts, NOW)
    assert found.applied == AppliedConfig(
        config_version=1,
        site=SITE,
        document="site",
        body=TEXT,
        sha256=digest(TEXT),
        accepted_at=NOW,
    )
    receipt = found.receipt
    assert (receipt.receipt_id, receipt.status, receipt.config_version, receipt.errors) == (
        *("depot-7/site", "applied", 1, "[]"),
    )
    assert (receipt.at, receipt.revision) == (NOW, NOW)
    assert json.loads(receipt.details) == {"runs": digest(TEXT)}


def test_the_next_one_counts_on() -> None:
    found = answer(applied(), document(TEXT + "# changed\n"), SITE, accepts, NOW)
    assert found.applied is not None and found.applied.config_version == 8


def test_the_text_in_force_gets_its_receipt_again_and_no_new_version() -> None:
    found = answer(applied(), document(), SITE, accepts, NOW)
    assert found.applied is None
    assert (found.receipt.status, found.receipt.config_version) == ("applied", 7)


def cannot_run(config: SiteConfig) -> None:
    raise Rejected("model yolox is not in the repository")


def test_what_cannot_be_run_is_refused_with_the_reason_and_the_last_good_stays() -> None:
    found = answer(applied(), document(TEXT + "# new\n"), SITE, cannot_run, NOW)
    assert found.applied is None
    assert (found.receipt.status, found.receipt.config_version) == ("refused", 7)
    (fault,) = json.loads(found.receipt.errors)
    assert fault["problem"] == "model yolox is not in the repository"
    assert json.loads(found.receipt.details) == {"runs": digest(TEXT)}


def test_every_fault_is_in_the_receipt() -> None:
    text = "version: 1\nsite: depot-7\ntimezone: Nowhere\ncameras: {gate: {source: x, fps: 0}}\n"
    found = answer(None, document(text), SITE, accepts, NOW)
    assert found.applied is None and found.receipt.config_version == 0
    assert json.loads(found.receipt.details) == {"runs": ""}
    faults = {fault["path"]: fault for fault in json.loads(found.receipt.errors)}
    assert {"timezone", "cameras.gate.fps"} <= faults.keys()
    assert faults["cameras.gate.fps"]["line"] == 4 and faults["timezone"]["problem"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"document": "other"}, "other"),
        ({"site": "elsewhere"}, "elsewhere"),
        ({"deleted": True}, "last configuration"),
        ({"sha256": "0" * 64}, "SHA-256"),
        ({"text": TEXT.replace("depot-7", "depot-8")}, "depot-8"),
    ],
)
def test_what_is_not_for_this_site_or_damaged_is_refused(
    changes: dict[str, Any], word: str
) -> None:
    found = answer(applied(), document(**changes), SITE, accepts, NOW)
    assert found.applied is None and found.receipt.status == "refused"
    (fault,) = json.loads(found.receipt.errors)
    assert word in fault["problem"]
