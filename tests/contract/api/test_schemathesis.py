"""The whole API under generated requests: no fault of ours, and no answer that is not described."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.runtime.kafka import create_topics
from infra.runtime.settings import Settings
from schemas.topics import cloud_topics
from tests.contract.api.tenants import Tenant

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
ENDLESS = ("/api/v1/events/stream",)
EACH_OPERATION = ("--phases", "fuzzing", "--max-examples", "3")
FOR_A_WHILE = ("--phases", "coverage,fuzzing", "--max-examples", "15", "--max-time", "60")
ROOT = Path(__file__).parents[3]
PATIENCE_S = 570


@pytest.mark.parametrize("effort", [EACH_OPERATION, FOR_A_WHILE], ids=["each", "a while"])
def test_whatever_comes_in_is_answered_as_described(
    settings: Settings, tenant: Tenant, tmp_path: Path, effort: tuple[str, ...]
) -> None:
    create_topics(settings.cloud_kafka, cloud_topics(tenant.site))
    excluded = [argument for path in ENDLESS for argument in ("--exclude-path", path)]
    finished = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "run"),
            f"{tenant.url}/api/v1/openapi.json",
            *("--header", f"Authorization: {tenant.owner.key['Authorization']}"),
            *("--checks", ",".join(CHECKS), "--workers", "1", *effort),
            # Else it makes up keys of its own, and most requests come from nobody.
            *("--generation-with-security-parameters", "false"),
            *("--seed", "1", "--no-shrink", "--suppress-health-check", "all"),
            *("--request-timeout", "30", "--continue-on-failure", "--no-color"),
            *excluded,
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.contract.api.schemathesis_hooks",
            "PYTHONPATH": str(ROOT),
            "SIGHTLINE_TEST_IDS": json.dumps(_things(tenant)),
            "SIGHTLINE_TEST_OWN": json.dumps([str(tenant.owner.key_id), str(tenant.owner.user_id)]),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    told = finished.stdout[-20_000:] + finished.stderr[-2_000:]
    assert finished.returncode == 0, told
    if effort is EACH_OPERATION:
        counted = re.search(r"Selected: (\d+)/\d+\s+Tested: (\d+)", finished.stdout)
        assert counted is not None and counted[1] == counted[2], told
    assert tenant.http.get("/api/v1/events").status_code == 200, "the key is gone: see the hooks"


def _things(tenant: Tenant) -> dict[str, str]:
    """Store something of each kind and return the ids, by the names that paths give them."""
    tenant.health("gate")
    tenant.count(0)
    event_id = tenant.event()
    group = {"name": "Doors", "cameras": [f"{tenant.site}/gate"]}
    return {
        "event_id": event_id,
        "candidate_id": tenant.candidate(event_id=event_id, verdict="suppressed"),
        "evidence_id": tenant.evidence(event_id=event_id),
        "site": tenant.site,
        "camera": "gate",
        "group_id": tenant.http.post("/api/v1/camera-groups", json=group).json()["group_id"],
    }
