"""The site configuration: its models, its checks and its schedules.

``check(text)`` reads a YAML file and tells every fault at once; ``parse(text)`` returns the
configuration or raises ``Rejected``. The models carry the names of the file's keys.
"""

from schemas.site.cameras import Camera, Credentials, Ground
from schemas.site.check import Checked, check, parse
from schemas.site.difference import Difference, differences
from schemas.site.faults import Fault
from schemas.site.models import ModelUse
from schemas.site.rules import Clip, Count, Evidence, Group, Rule
from schemas.site.schedule import Window, contains, next_start
from schemas.site.sensors import (
    KINDS,
    TRIGGERS,
    AnySensor,
    Heading,
    LineSensor,
    LinkSensor,
    MotionSensor,
    ObjectSensor,
    Occupancy,
    ProximitySensor,
    Sensor,
    Size,
    Speed,
    StationarySensor,
    TamperSensor,
    ZoneSensor,
)
from schemas.site.site import SiteConfig, canonical, digest, fingerprint, json_schema
from schemas.site.source import Source, parse_source
from schemas.site.timezones import zone
from schemas.site.values import exact_rate, milliseconds
from schemas.site.when import Absent, AllOf, AnyOf, Sequence, TriggerTerm, When, terms

__all__ = [
    "KINDS",
    "TRIGGERS",
    "Absent",
    "AllOf",
    "AnyOf",
    "AnySensor",
    "Camera",
    "Checked",
    "Clip",
    "Count",
    "Credentials",
    "Difference",
    "Evidence",
    "Fault",
    "Ground",
    "Group",
    "Heading",
    "LineSensor",
    "LinkSensor",
    "ModelUse",
    "MotionSensor",
    "ObjectSensor",
    "Occupancy",
    "ProximitySensor",
    "Rule",
    "Sensor",
    "Sequence",
    "SiteConfig",
    "Size",
    "Source",
    "Speed",
    "StationarySensor",
    "TamperSensor",
    "TriggerTerm",
    "When",
    "Window",
    "ZoneSensor",
    "canonical",
    "check",
    "contains",
    "differences",
    "digest",
    "exact_rate",
    "fingerprint",
    "json_schema",
    "milliseconds",
    "next_start",
    "parse",
    "parse_source",
    "terms",
    "zone",
]
