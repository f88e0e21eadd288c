"""The tracker's constants: one set for all footage."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.core.tracking.motion import Noise
from streams.core.tracking.scene import Doubts


@dataclass(frozen=True, slots=True)
class Tuning:
    """Chosen by measurement over variants of two sequences and simulated scenes: ADR 8."""

    noise: Noise = field(default_factory=Noise)
    doubts: Doubts = field(default_factory=Doubts)
    gate: float = 12.0
    """Largest squared Mahalanobis distance of a match, four degrees of freedom."""
    certainty: float = 1.4
    """Weight of a track's uncertainty among the costs: 2 is the Gaussian log-likelihood."""
    unmatched: float = 3.2
    """Cost of leaving a track without a detection."""
    reach: float = 0.34
    """No object is farther than this from where it is expected, in box sizes (longer side)."""
    reach_per_s: float = 0.6
    """What it may be farther for each second since it was seen."""
    first_reach_per_s: float = 6.0
    """The same while it was seen only once, and its velocity is unknown."""
    first_reach: float = 2.0
    """The most that this makes."""
    away_ms: int = 300
    """A track not seen for longer is out of sight: what is found may be another object."""
    left: float = 0.15
    """A track out of sight whose centre is expected so many boxes outside the picture is gone."""
    newcomer_cost: float = 4.5
    """Of continuing a track that is out of sight with what appears where all is new."""
    border: float = 0.02
    """Nearer to the left, right or lower border than this (of the picture) objects come in."""
    border_prior: float = 5.0
    """So many beginnings and returns weigh as much as that."""
    hidden_cost: float = 2.5
    """Of each share more than ``hidden_from`` that another hides of a track that competes."""
    hidden_from: float = 0.4
    weak_iou: float = 0.6
    """A weak detection continues a track only where it was expected."""
    other_class_iou: float = 0.5
    """A detection of another class continues a track only where it was expected."""
    other_class_cost: float = 3.0
    rescue_iou: float = 0.3
    """What no track expected still continues the track on whose place it lies this well."""
    confirm_ms: int = 400
    """A track seen in most frames is confirmed once its sightings span this."""
    confirm_part: float = 0.8
    """So many frames since its beginning are most."""
    doubtful_ms: int = 900
    """A track seen in fewer frames is confirmed once its sightings span this."""
    doubtful_part: float = 0.5
    """Seen in fewer frames than this it is never confirmed."""
    plain_ms: int = 2000
    """A track seen in most frames for this long is confirmed whatever its sightings are worth."""
    inside: float = 0.75
    """A box of which so much lies in one that continues a track may be a part of that object."""
    inside_worth: float = 0.6
    """What such a sighting counts, of 1."""
    tentative_lost_ms: int = 600
    """A tentative track that is missed for this long is forgotten."""
    tentative_ms: int = 3000
    """One that has not been confirmed after this long is forgotten too."""
    double_iou: float = 0.55
    """A new track may not begin on top of a detection that continues another one."""
    max_tracks: int = 256
