"""Arming, promoting and tampering in the running product: commands down, receipts up, events after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests import pets
from tests.fixtures import fixture
from tests.product import Product, run_cli

CAMERA = "watched"
FOOTAGE = "robustness/black_middle_60.mp4"
SITE = """\
version: 1
site: {site}
cameras:
  {camera}: {{source: {source}, loop: true}}
sensors:
  stir: {{camera: {camera}, kind: motion}}
  lens: {{camera: {camera}, kind: tamper}}
rules:
  covered: {{when: {{sensor: lens, trigger: covered}}, group: {{within_s: 1}}}}
  guarded: {{when: {{sensor: stir, trigger: stopped}}, armed: [away], group: {{within_s: 1}}}}
  trial:
    when: {{sensor: lens, trigger: restored}}
    group: {{within_s: 1}}
    mode: shadow   # until it is trusted
"""


@pytest.fixture(scope="module")
def live(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A camera whose lens is covered every fourteen seconds."""
    source = fixture(FOOTAGE)
    text = SITE.format(site=pets.SITE, camera=CAMERA, source=source)
    product.apply(text, tmp_path_factory.mktemp("arming"))
    yield product
    product.cli("command", "arm", "off")


def rules(product: Product) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for event in product.events(CAMERA):
        found.setdefault(event["rule"], []).append(event)
    return found


def shadowed(product: Product) -> bool:
    query = "SELECT 1 FROM verdicts WHERE camera = %s AND rule = 'trial' AND verdict = 'shadow'"
    return bool(product.rows(query, CAMERA))


def test_a_covered_lens_is_an_event_and_a_site_that_is_not_armed_lets_a_rule_sleep(
    live: Product,
) -> None:
    assert "not armed" in live.cli("command", "mode", "--local")
    live.wait("a covered lens, and back again", lambda: shadowed(live))
    found = rules(live)
    assert found.keys() == {"covered"}
    assert all(event["camera"] == CAMERA for event in found["covered"])


def test_a_command_arms_the_site_and_the_rule_wakes(live: Product) -> None:
    told = live.cli("command", "arm", "away")
    assert f"site {pets.SITE} is armed: away, version" in told
    live.wait("an event of the armed rule", lambda: "guarded" in rules(live))
    for where in ("--local", "--no-local"):
        assert "armed: away" in live.cli("command", "mode", where)
    assert "armed: home" in live.cli("command", "arm", "home", "--local")


def test_a_mode_that_nobody_knows_is_refused_with_what_there_is(live: Product) -> None:
    before = live.cli("command", "mode", "--local")
    live.cli("command", "arm", "awya", code=2)
    assert live.cli("command", "mode", "--local") == before


def test_a_shadow_rule_is_promoted_by_one_command_and_stays_as_it_is_written(live: Product) -> None:
    assert "rules.trial is live" in live.cli("config", "promote", "trial")
    live.wait("an event of the promoted rule", lambda: "trial" in rules(live))
    printed = live.cli("topics", "tail", "config")
    newest = json.loads(printed.splitlines()[-1])
    assert "mode: live   # until it is trusted" in json.dumps(newest)
    assert "live already" in run_refused(live, "trial")


def run_refused(product: Product, rule: str) -> str:
    done = run_cli("config", "promote", rule, data_dir=product.platform.data_dir)
    assert done.returncode == 1
    return done.stderr
