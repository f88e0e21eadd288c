import pytest

from infra.cli.promoting import promoted
from schemas.errors import Rejected
from schemas.site import parse

SITE = """\
# the depot
version: 1
site: depot-7
cameras: {gate: {source: 'usb:0'}}
sensors:
  eye: {camera: gate, kind: motion}   # looks at it all
rules:
  stir:
    when: {sensor: eye, trigger: started}
    mode: shadow   # until it is trusted
  calm: {when: {sensor: eye, trigger: stopped}, mode: "shadow"}
  live: {when: {sensor: eye, trigger: stopped}}
"""


def test_one_word_changes_and_every_comment_stays() -> None:
    assert promoted(SITE, "stir") == SITE.replace("mode: shadow   # until", "mode: live   # until")
    both = promoted(promoted(SITE, "stir"), "calm")
    assert both == SITE.replace("mode: shadow ", "mode: live ").replace('"shadow"', "live")
    assert {rule.mode for rule in parse(both).rules.values()} == {"live"}


def test_what_is_no_shadow_rule_is_refused() -> None:
    with pytest.raises(Rejected, match="no rule stirr; it has calm, live, stir"):
        promoted(SITE, "stirr")
    with pytest.raises(Rejected, match="live already"):
        promoted(SITE, "live")


@pytest.mark.parametrize(
    "text",
    [
        SITE.replace("mode: shadow", "mode: &mode shadow").replace('"shadow"', "*mode"),
        SITE.replace("    mode: shadow ", "    <<: {mode: shadow} "),
    ],
)
def test_a_mode_that_cannot_be_changed_alone_is_left_to_the_person(text: str) -> None:
    with pytest.raises(Rejected):
        promoted(text, "stir")
