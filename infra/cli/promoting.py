"""``sightline config promote RULE``: the running configuration with one shadow rule made live."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from consumers.sync.publish import config_topic
from infra.runtime.configs import ConfigStore
from infra.runtime.kafka import read_all
from infra.runtime.settings import Settings
from schemas.codec import decode_as
from schemas.errors import Rejected
from schemas.records import ConfigDocument
from schemas.site import Difference, differences, parse


def running_text(settings: Settings, site: str) -> str:
    """Return the text of the configuration that runs, comments included.

    It is the site's own where its Kafka is at hand, else the one published last in the cloud.

    Raises:
        Fatal: neither Kafka is known.
        Retryable: nothing was applied yet.
        Rejected: nothing was published for the site.
    """
    if settings.edge_kafka and site == settings.site:
        configs = ConfigStore(settings.edge_kafka)
        try:
            return configs.latest().applied.body
        finally:
            configs.close()
    texts = [
        decode_as(ConfigDocument, message.value).body
        for message in read_all(settings.need("cloud_kafka"), config_topic(site))
        if message.value is not None
    ]
    if not texts:
        raise Rejected(f"nothing was published for site {site}: use `sightline config apply FILE`")
    return texts[-1]


def promoted(text: str, rule: str) -> str:
    """Return the text with ``mode: live`` in a shadow rule and everything else as it was.

    Raises:
        Rejected: there is no such rule, it is live already, or its mode stands where a change would
            change more than this rule (behind an alias or a merge).
    """
    config = parse(text)
    if rule not in config.rules:
        known = ", ".join(sorted(config.rules)) or "none"
        raise Rejected(f"the site has no rule {rule}; it has {known}")
    if config.rules[rule].mode == "live":
        raise Rejected(f"the rule {rule} is live already")
    place = _value(_value(_value(yaml.compose(text), "rules"), rule), "mode")
    if isinstance(place, yaml.ScalarNode):
        start, end = place.start_mark.index, place.end_mark.index
        changed = f"{text[:start]}live{text[end:]}"
        wanted = Difference(("rules", rule, "mode"), "changed", "shadow", "live")
        if differences(config, parse(changed)) == [wanted]:
            return changed
    raise Rejected(
        f"the mode of the rule {rule} stands in an alias or a merge, so it cannot be changed alone: "
        "change it in the file and use `sightline config apply FILE`"
    )


def _value(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Return the last value of a key in a mapping; None where there is none."""
    pairs: Iterator[tuple[yaml.Node, yaml.Node]] = iter(
        node.value if isinstance(node, yaml.MappingNode) else ()
    )
    found = [value for name, value in pairs if name.value == key]
    return found[-1] if found else None
