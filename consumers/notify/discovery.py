"""What Home Assistant is told over MQTT, so that cameras and rules are there by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from consumers.notify.occurrence import Occurrence

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def announcements(
    about: Occurrence, prefix: str, discovery_prefix: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the topic and document of each entity that an event of a camera and rule feeds.

    A binary sensor for each rule; for each camera a sensor of the time of its last event, with the
    event as attributes, and an image of its picture.
    """
    site, camera, rule = (safe(name) for name in (about.site, about.camera, about.rule))
    node = f"sightline_{site}_{camera}"
    place = f"{prefix}/{site}/{camera}"
    common: dict[str, Any] = {
        "availability_topic": f"{prefix}/status",
        "device": {
            "identifiers": [node],
            "name": f"{about.site_name} {about.camera}",
            "manufacturer": "Sightline",
            "model": "camera",
        },
        "origin": {"name": "Sightline"},
    }
    yield (
        f"{discovery_prefix}/binary_sensor/{node}/{rule}/config",
        {
            **common,
            "name": about.rule,
            "unique_id": f"{node}_{rule}",
            "state_topic": f"{place}/{rule}/state",
            "json_attributes_topic": f"{place}/{rule}/event",
            "payload_on": "ON",
            "payload_off": "OFF",
        },
    )
    yield (
        f"{discovery_prefix}/sensor/{node}/last_event/config",
        {
            **common,
            "name": "Last event",
            "unique_id": f"{node}_last_event",
            "state_topic": f"{place}/last",
            "value_template": "{{ (value_json.opened_at / 1000) | timestamp_custom("
            "'%Y-%m-%dT%H:%M:%S+00:00', false) }}",
            "device_class": "timestamp",
            "json_attributes_topic": f"{place}/last",
        },
    )
    yield (
        f"{discovery_prefix}/image/{node}/snapshot/config",
        {
            **common,
            "name": "Snapshot",
            "unique_id": f"{node}_snapshot",
            "url_topic": f"{place}/snapshot",
        },
    )


def safe(name: str) -> str:
    """Return a name as one level of a topic."""
    return _UNSAFE.sub("_", name)[:64] or "_"
