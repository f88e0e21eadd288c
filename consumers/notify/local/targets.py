"""The site's own targets, out of a file beside its secrets: the site's configuration only names them.

    targets:
      siren: {kind: mqtt, host: 10.0.3.9, tls: false, username: sightline, password_env: MQTT_PASSWORD}
      pager: {kind: webhook, url: "http://10.0.3.8/hook", secret_env: PAGER_SECRET}

A secret setting may stand as ``NAME_env``: then it is read from that variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import yaml
from pydantic import ValidationError

from consumers.notify.targets.registry import KINDS
from consumers.notify.targets.target import Kind, TargetSettings
from schemas.errors import Fatal, Rejected
from schemas.ids import NAMESPACE

SETTING = "SIGHTLINE_LOCAL_TARGETS"
_FROM_ENVIRONMENT = "_env"


def target_id(site: str, name: str) -> UUID:
    """Return the id of a site's target."""
    return uuid5(NAMESPACE, f"local-target\x1f{site}\x1f{name}")


def read_targets(
    path: Path, environment: Mapping[str, str]
) -> dict[str, tuple[Kind, TargetSettings]]:
    """Return the targets of a file by name.

    Raises:
        Fatal: it cannot be read, or one of them is none; the message names where, and no secret.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no YAML"
        raise Fatal(f"the local targets in {path} cannot be read: {why}; see {SETTING}") from None
    listed = document.get("targets") if isinstance(document, dict) else None
    if not isinstance(listed, dict) or not listed:
        raise Fatal(f"{path} has no mapping `targets`: write `targets: {{NAME: {{kind: ...}}}}`")
    return {str(name): _target(path, str(name), one, environment) for name, one in listed.items()}


def _target(
    path: Path, name: str, given: Any, environment: Mapping[str, str]
) -> tuple[Kind, TargetSettings]:
    where = f"target {name} in {path}"
    if not isinstance(given, dict):
        raise Fatal(f"{where} is no mapping")
    kinds = {known: kind for known, kind in KINDS.items() if not kind.personal}
    kind = kinds.get(str(given.get("kind")))
    if kind is None:
        raise Fatal(f"{where} has no `kind` of {', '.join(sorted(kinds))}")
    values: dict[str, Any] = {}
    for key, value in given.items():
        field = str(key).removesuffix(_FROM_ENVIRONMENT)
        if field == key or field not in kind.settings.model_fields:
            values[str(key)] = value
            continue
        if str(value) not in environment:
            raise Fatal(f"{where} reads {field} from {value}, which is not set")
        values[field] = environment[str(value)]
    try:
        settings = kind.settings.model_validate(values)
        settings.check()
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors()
        )
        raise Fatal(f"{where}: {faults}") from None
    except Rejected as error:
        raise Fatal(f"{where}: {error}") from None
    return kind, settings
