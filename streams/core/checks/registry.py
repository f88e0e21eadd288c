"""All checks, in the order in which reasons are listed; a new one is a file and a line here."""

from __future__ import annotations

from streams.core.checks.judge import Jury
from streams.core.checks.light import LightCheck
from streams.core.checks.moved import MovedCheck
from streams.core.checks.score import ScoreCheck
from streams.core.checks.second_look import SecondLookCheck
from streams.core.checks.shape import OutlineCheck, PathCheck, SizeJumpsCheck
from streams.core.checks.size import SizeCheck
from streams.core.checks.static import StaticCheck
from streams.core.checks.told import ToldCheck

JURY = Jury(
    (
        ScoreCheck(),
        MovedCheck(),
        StaticCheck(),
        SizeCheck(),
        LightCheck(),
        SizeJumpsCheck(),
        PathCheck(),
        OutlineCheck(),
        SecondLookCheck(),
        ToldCheck(),
    )
)
