"""Check a configuration file and tell every fault at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from schemas.errors import Rejected
from schemas.site.faults import Fault, Finding, Loc, findings_of, path_text, shown
from schemas.site.loading import load
from schemas.site.references import references
from schemas.site.site import SiteConfig

_TOP = "a mapping with version, site, cameras, sensors, rules"
_MAX_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome: a configuration, or why there is none (exactly one of the two)."""

    config: SiteConfig | None
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether there is a configuration."""
        return self.config is not None


def check(text: str) -> Checked:
    """Read and validate the YAML text of a site configuration; never raises.

    Faults come in the order of the file, one for each mistake.
    """
    loaded = load(text)
    if not loaded.readable:
        return Checked(None, tuple(fault for _, fault in loaded.faults))
    if not isinstance(loaded.value, Mapping):
        unread = tuple(fault for _, fault in loaded.faults)
        return Checked(None, unread or (Fault("", f"the file is {shown(loaded.value)}", _TOP),))
    config, found = _validate(loaded.value)
    faults = dict(loaded.faults)
    faults_in_order = [fault for _, fault in loaded.faults]
    for finding in found:
        if finding.loc not in faults:
            fault = _located(finding, loaded.places)
            faults[finding.loc] = fault
            faults_in_order.append(fault)
    faults_in_order.sort(key=lambda fault: (fault.line or 0, fault.column or 0, fault.path))
    return Checked(None if faults_in_order else config, tuple(faults_in_order))


def parse(text: str) -> SiteConfig:
    """Return the configuration in ``text``.

    Raises:
        Rejected: it has faults; the message tells them, one a line.
    """
    checked = check(text)
    if checked.config is None:
        lines = [str(fault) for fault in checked.faults[:_MAX_SHOWN]]
        if len(checked.faults) > _MAX_SHOWN:
            lines.append(f"and {len(checked.faults) - _MAX_SHOWN} more")
        raise Rejected("\n".join(lines), reason="bad-configuration")
    return checked.config


def _validate(document: Any) -> tuple[SiteConfig | None, Iterable[Finding]]:
    try:
        return SiteConfig.model_validate(document), ()
    except ValidationError as error:
        # References first: where both speak of one place, theirs is the more telling.
        return None, [*references(document), *findings_of(error.errors(include_url=False))]


def _located(finding: Finding, places: Mapping[Loc, tuple[int, int]]) -> Fault:
    """Give a finding its line: of its own key, or of the nearest key around it."""
    loc = finding.loc
    while loc and loc not in places:
        loc = loc[:-1]
    line, column = places.get(loc, (None, None))
    return Fault(path_text(finding.loc), finding.problem, finding.allowed, line, column)
