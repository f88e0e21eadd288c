"""The whole configuration of a site, and its one canonical form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator

from schemas.site.cameras import Camera
from schemas.site.entry import Entry
from schemas.site.faults import Finding, refuse, shown
from schemas.site.references import references
from schemas.site.rules import Rule
from schemas.site.sensors import AnySensor
from schemas.site.timezones import parse_timezone
from schemas.site.values import NAME_PATTERN, SITE_PATTERN, Name, Parsed, text
from schemas.site.when import TriggerTerm, terms

_SITE = text(SITE_PATTERN, "1 to 40 of a-z 0-9 -")


def _parse_site(value: Any) -> str:
    if value == "global":
        raise refuse(Finding((), '"global" is reserved', "another name"))
    name: str = _SITE.parse(value)
    return name


def _parse_version(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value != 1:
        raise refuse(Finding((), f"{shown(value)} is not a version of this format", "1"))
    return 1


def _empty(value: Any) -> Any:
    """Take a section without entries, which YAML reads as null, for an empty one."""
    return {} if value is None else value


def _site_schema(schema: dict[str, Any]) -> None:
    for section in ("cameras", "sensors", "rules"):
        described = schema["properties"][section]
        described["type"] = ["object", "null"]
        described["propertyNames"] = {"pattern": f"^{NAME_PATTERN}$"}
        entries = described.pop("patternProperties", None)
        if entries:
            described["additionalProperties"] = next(iter(entries.values()))


class SiteConfig(Entry):
    """A site's cameras, sensors and rules; attributes are named as in the file."""

    model_config = ConfigDict(json_schema_extra=_site_schema)

    version: Annotated[Literal[1], Parsed(_parse_version, {"const": 1})]
    """Version of the file format, 1."""
    site: Annotated[str, Parsed(_parse_site, {**_SITE.schema, "not": {"const": "global"}})]
    """The site's id: 1 to 40 of a-z 0-9 -, and not `global`."""
    timezone: Annotated[str, Parsed(parse_timezone, {"type": "string"})] = "UTC"
    """IANA name of the zone whose wall clock schedules follow."""
    cameras: Annotated[dict[Name, Camera], BeforeValidator(_empty)] = Field(default_factory=dict)
    """Cameras by name."""
    sensors: Annotated[dict[Name, AnySensor], BeforeValidator(_empty)] = Field(default_factory=dict)
    """Sensors by name."""
    rules: Annotated[dict[Name, Rule], BeforeValidator(_empty)] = Field(default_factory=dict)
    """Rules by name."""

    _modes: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        found = references(self.model_dump(mode="json", exclude_none=True))
        if found:
            raise refuse(*found)
        return self

    @property
    def modes(self) -> tuple[str, ...]:
        """Modes that the site is armed in, set by command; none as the file is read."""
        return self._modes

    def armed_in(self, modes: Iterable[str]) -> Self:
        """Return the same configuration, armed in these modes."""
        copy = self.model_copy()
        copy._modes = tuple(modes)
        return copy

    def known_modes(self) -> frozenset[str]:
        """Return the modes that some rule is armed in."""
        return frozenset(mode for rule in self.rules.values() for mode in rule.armed or ())

    def terms_of(self, rule: str) -> tuple[TriggerTerm, ...]:
        """Return the trigger terms of a rule, in the order of the file."""
        return tuple(terms(self.rules[rule].when))

    def cameras_of(self, rule: str) -> tuple[str, ...]:
        """Return the cameras that a rule concerns, sorted; more than one: it spans cameras."""
        return tuple(sorted({self.sensors[t.sensor].camera for t in self.terms_of(rule)}))

    def is_site_wide(self, rule: str) -> bool:
        """Tell whether a rule runs on ``site-triggers``: across cameras, or grouped by site."""
        return self.rules[rule].group.by == "site" or len(self.cameras_of(rule)) > 1

    def site_wide_cameras(self) -> frozenset[str]:
        """Return the cameras whose triggers go to ``site-triggers`` too."""
        wide = [rule for rule in self.rules if self.is_site_wide(rule)]
        return frozenset(camera for rule in wide for camera in self.cameras_of(rule))


def canonical(config: SiteConfig) -> bytes:
    """Return the configuration as JSON, every default written out, keys sorted, no spaces.

    Two files that mean the same give the same bytes, and the bytes are a file that means it too.
    """
    document = config.model_dump(mode="json", exclude_none=True)
    written = json.dumps(
        document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return written.encode()


def fingerprint(config: SiteConfig) -> str:
    """Return the SHA-256 (hex) of what a configuration means, whatever its file looks like."""
    return hashlib.sha256(canonical(config)).hexdigest()


def digest(text: str) -> str:
    """Return the SHA-256 (hex) of a configuration's text as it is: the ``sha256`` of documents."""
    return hashlib.sha256(text.encode()).hexdigest()


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the file format."""
    schema = SiteConfig.model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sightline site configuration, version 1",
        **{key: value for key, value in schema.items() if key != "title"},
    }
