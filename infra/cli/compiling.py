"""Whether the core can run a configuration: asked by the agent before it applies one."""

from __future__ import annotations

from schemas.site import SiteConfig
from streams.core.filter import FilterPlan
from streams.core.group import GroupPlan
from streams.core.match import MatchPlan
from streams.core.sense import CameraPlan


def compile_whole(config: SiteConfig) -> None:
    """Compile every plan of a configuration once, as the stages will.

    Raises:
        Rejected: a part of it is beyond what the core can run; the text names it.
    """
    for camera in config.cameras:
        CameraPlan.compile(config, camera, 0)
        MatchPlan.compile(config, camera, 0)
    MatchPlan.compile(config, f"site/{config.site}", 0)
    FilterPlan.compile(config, 0)
    GroupPlan.compile(config, 0)
