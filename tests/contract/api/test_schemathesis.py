"""The whole API under generated requests: no fault of ours, and no answer that is not described."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from infra.runtime.kafka import create_topics
from infra.runtime.settings import Settings
from schemas.topics import cloud_topics
from tests.contract.api.tenants import Tenant

MAX_TIME_S = 90
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
ENDLESS = ("/api/v1/events/stream",)
ROOT = Path(__file__).parents[3]


def test_whatever_comes_in_is_answered_as_described(
    settings: Settings, tenant: Tenant, tmp_path: Path
) -> None:
    create_topics(settings.cloud_kafka, cloud_topics(tenant.site))
    tenant.health("gate")
    event_id = tenant.event()
    ids = {
        "event_id": event_id,
        "candidate_id": tenant.candidate(event_id=event_id, verdict="suppressed"),
        "evidence_id": tenant.evidence(event_id=event_id),
        "site": tenant.site,
        "camera": "gate",
        "group_id": tenant.http.post(
            "/api/v1/camera-groups", json={"name": "Doors", "cameras": [f"{tenant.site}/gate"]}
        ).json()["group_id"],
    }
    tenant.count(0)
    excluded = [argument for path in ENDLESS for argument in ("--exclude-path", path)]
    finished = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "run"),
            f"{tenant.url}/api/v1/openapi.json",
            *("--header", f"Authorization: {tenant.owner.key['Authorization']}"),
            *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing"),
            *("--max-time", str(MAX_TIME_S), "--max-examples", "15", "--workers", "1"),
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
            "SIGHTLINE_TEST_IDS": json.dumps(ids),
            "SIGHTLINE_TEST_OWN": json.dumps([str(tenant.owner.key_id), str(tenant.owner.user_id)]),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=MAX_TIME_S * 4,
    )
    told = finished.stdout[-20_000:] + finished.stderr[-2_000:]
    assert finished.returncode == 0, told
    counted = re.search(r"Selected: (\d+)/\d+\s+Tested: (\d+)", finished.stdout)
    assert counted is not None and counted[1] == counted[2], told
    assert tenant.http.get("/api/v1/events").status_code == 200, "the key is gone: see the hooks"
