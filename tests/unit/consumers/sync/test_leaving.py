from __future__ import annotations

import json

from consumers.sync.leaving import SETTLING_S, Leaving, settling_s
from schemas.site import SiteConfig, parse


def site(*cameras: str, within_s: float = 30) -> SiteConfig:
    rule = {"when": {"sensor": "eye", "trigger": "started"}, "group": {"within_s": within_s}}
    document = {
        "version": 1,
        "site": "depot-7",
        "cameras": {name: {"source": "usb:0"} for name in cameras},
        "sensors": {"eye": {"camera": "gate", "kind": "motion"}} if "gate" in cameras else {},
        "rules": {"stir": rule} if "gate" in cameras else {},
    }
    return parse(json.dumps(document))


def test_a_camera_lasts_until_all_it_began_must_have_ended() -> None:
    both = site("gate", "yard", within_s=3600)
    assert settling_s(both, "gate") == 3600 + 2 + SETTLING_S
    assert settling_s(both, "yard") == 2 + SETTLING_S


def test_who_was_taken_out_leaves_and_who_comes_back_does_not() -> None:
    leaving = Leaving()
    leaving.note(site("gate", "yard"), site("yard"), 1000.0)
    assert leaving.cameras(1091.9) == {"gate"}
    assert leaving.cameras(1092.0) == frozenset()
    leaving.note(site("gate", "yard"), site(), 2000.0)
    assert leaving.cameras(2061.0) == {"gate", "yard"}
    leaving.note(site(), site("gate"), 2061.0)
    assert leaving.cameras(2061.5) == {"yard"}
    assert leaving.cameras(2062.0) == frozenset()
