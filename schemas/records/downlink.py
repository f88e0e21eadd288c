"""What comes down to a site: configuration, feedback, commands, models.

One class for each Avro record of ``schemas/avro``, field for field. Fields named ``…_at`` are UTC
milliseconds since the epoch; coordinates are normalised 0..1 with the origin top left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDocument:
    """Desired configuration of a site; the key is the document id."""

    document: str
    site: str
    body: str
    """The YAML text."""
    sha256: str
    published_at: int
    author: str
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedConfig:
    """A configuration that the agent accepted."""

    config_version: int
    site: str
    document: str
    body: str
    sha256: str
    accepted_at: int
    modes: tuple[str, ...] = ()
    """Modes that the site is armed in from this version on."""
    command_id: str | None = None
    """The command that made this version; null where a document did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """An operator's word on an event or candidate."""

    feedback_id: str
    site: str
    candidate_id: str | None = None
    event_id: str | None = None
    verdict: Literal["confirmed", "dismissed", "ignored_here"]
    author: str
    at: int
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An order to a site."""

    command_id: str
    site: str
    name: str
    arguments: str
    """JSON object."""
    issued_at: int
    expires_at: int
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUpdate:
    """Desired version of a model; its weights come in chunks or from an address."""

    model: str
    version: str
    """Names card and weights: see ``schemas.releases``."""
    sites: tuple[str, ...]
    """Empty: all."""
    card: str
    """model.yaml text."""
    sha256: str
    """Of the weights; empty for a model without."""
    size: int
    """Bytes of the weights."""
    chunks: int
    """Number of ``ModelChunk`` records that hold the weights; 0: by address, or without weights."""
    address: str | None = None
    max_answer_s: float
    """A frame's answer may take so long."""
    max_missing: float | None = None
    """Share of the objects of the version before that may be missing."""
    max_score_change: float | None = None
    """Mean change of the scores of objects that both versions find."""
    watch_s: float
    """For so long after the switch errors bring the version before back."""
    max_error_rate: float
    """Share of frames that may fail meanwhile."""
    published_at: int
    author: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChunk:
    """A part of a model's weights."""

    sha256: str
    """Of the whole weights."""
    chunk: int
    """From 0."""
    chunks: int
    data: bytes
    """Empty when deleted."""
    published_at: int
    deleted: bool = False
