"""What a client wants to hear of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from consumers.realtime.kinds import SOURCES, Followed, Kind

_MAX_NAMES = 500
_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
_Names = Annotated[frozenset[_Name], Field(max_length=_MAX_NAMES)]
_FIELDS = ("rule", "severity", "class_name", "state", "mode", "verdict")


class Selection(BaseModel):
    """Each list restricts; an empty one does not. A list of what a kind does not have (the severity
    of a camera's health) leaves that kind alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[frozenset[Kind], Field(min_length=1)] = frozenset({Kind.EVENT})
    site: _Names = frozenset()
    camera: Annotated[_Names, Field(description="As `site/camera`.")] = frozenset()
    rule: _Names = frozenset()
    severity: _Names = frozenset()
    class_name: _Names = frozenset()
    state: _Names = frozenset()
    mode: Annotated[
        _Names, Field(description="Rules on trial are heard only on request: `shadow`.")
    ] = frozenset({"live"})
    verdict: _Names = frozenset()

    def takes(self, kind: Kind, record: Followed) -> bool:
        """Tell whether a record is wanted."""
        if kind not in self.kind or (self.site and record.site not in self.site):
            return False
        source = SOURCES[kind]
        if self.camera and f"{record.site}/{source.camera(record)}" not in self.camera:
            return False
        for field in _FIELDS:
            wanted = getattr(self, field)
            if wanted and field in source.filtered_by and getattr(record, field) not in wanted:
                return False
        return True
