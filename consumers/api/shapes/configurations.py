"""What the API takes and answers about configurations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from consumers.api.texts import PROSE_CHARACTERS, Prose
from schemas.site.loading import MAX_CHARACTERS

MAX_BODY_BYTES = 8 * MAX_CHARACTERS
"""JSON may write each character in so many bytes."""
Outcome = Literal["waiting", "applied", "refused"]
Text = Annotated[
    str, Field(max_length=MAX_CHARACTERS, description="The YAML text of the configuration.")
]


class NewVersion(BaseModel):
    """A text to save."""

    text: Text
    note: Annotated[Prose, Field(max_length=PROSE_CHARACTERS, description="Why it changes.")] = ""


class Candidate(BaseModel):
    """A text to check."""

    text: Text


class VersionToPublish(BaseModel):
    """Which version the site is to run; an older one rolls back."""

    version: int = Field(ge=1, lt=2**31)


class FaultShown(BaseModel):
    """One mistake in a configuration."""

    where: str = Field("", description="As sensors.gate-line.points[1][0]; empty: the whole.")
    what: str = ""
    allowed: str = ""
    line: int | None = None
    column: int | None = None

    @classmethod
    def of_receipt(cls, fault: Mapping[str, Any]) -> FaultShown:
        """Read a fault of a receipt; what a site wrote there may be anything."""
        line, column = fault.get("line"), fault.get("column")
        return cls(
            where=str(fault.get("path", "")),
            what=str(fault.get("problem", "")),
            allowed=str(fault.get("allowed", "")),
            line=line if isinstance(line, int) else None,
            column=column if isinstance(column, int) else None,
        )


class CheckShown(BaseModel):
    """Whether a text is a configuration of the site."""

    ok: bool
    faults: list[FaultShown] = Field(description="Every one at once, in the order of the text.")


class VersionListed(BaseModel):
    """A version without its text."""

    number: int
    sha256: str = Field(description="Of the text.")
    author: str
    note: str
    saved_at: datetime


class VersionShown(VersionListed):
    """A version."""

    site: str
    text: str


class PublicationListed(BaseModel):
    """A version that was sent to the site."""

    number: int = Field(description="Of the publication, counted by site.")
    version: int
    sha256: str
    author: str
    published_at: datetime


class PublicationShown(PublicationListed):
    """The last one, with what became of it."""

    state: Outcome = Field(description="`waiting`: the site has not answered it.")
    faults: list[FaultShown] = Field(description="Why the site refused it.")


class Running(BaseModel):
    """What a site really runs, as far as it has said."""

    version: int | None = Field(description="Null where its text was never saved here.")
    sha256: str | None = Field(description="Of its text.")
    config_version: int = Field(description="The site's own count, that frames and events carry.")
    modes: list[str] = Field(description="In which the site is armed.")
    said_at: datetime


class StateShown(BaseModel):
    """Where a configuration stands between its newest version and the site."""

    site: str
    latest: int | None = Field(description="The newest version.")
    draft: bool = Field(description="The newest version is not the one that was published last.")
    published: PublicationShown | None
    running: Running | None = Field(description="Null before the site has said anything.")


class DifferenceShown(BaseModel):
    """One key that is not the same, or a whole entry that came or went."""

    path: list[str]
    change: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None


class Differences(BaseModel):
    """What one version means otherwise than another; spelling and order change nothing."""

    before: int
    after: int
    differences: list[DifferenceShown]


class ReceiptShown(BaseModel):
    """A site's last word on a document."""

    document: str = Field(description="`site`, `command/arm`, `model/<name>`, ...")
    kind: str
    status: str
    config_version: int
    sha256: str = Field(description="Of what is answered.")
    faults: list[FaultShown]
    details: dict[str, Any]
    at: datetime
