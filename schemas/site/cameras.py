"""A camera: where its pictures come from, what is done with them, what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AliasChoices, ConfigDict, Field

from schemas.site.entry import Entry
from schemas.site.faults import Finding
from schemas.site.models import MODELS_SCHEMA, ModelUse, dump_models, parse_models
from schemas.site.shapes import ImageQuad, PlaneQuad, Polygons
from schemas.site.source import Source, SourceText
from schemas.site.values import (
    Flag,
    Instant,
    Labels,
    Parsed,
    Rate,
    Ratio,
    choice,
    exact_rate,
    number,
    text,
)

_PRINTABLE = r"[^\x00-\x1f\x7f]{1,1024}"


class Credentials(Entry):
    """A user's name, and where on the machine the password is found."""

    hints: ClassVar[Mapping[str, str]] = {
        "password": "a secret is never written here; name a variable in password_env or a file "
        "in password_file"
    }

    username: Annotated[str, text(_PRINTABLE, "printable text", secret=True)]
    """The user's name at the camera."""
    password_env: (
        Annotated[str, text("[A-Za-z_][A-Za-z0-9_]{0,127}", "a variable's name", secret=True)]
        | None
    ) = None
    """Environment variable that holds the password."""
    password_file: Annotated[str, text(_PRINTABLE, "a file's path", secret=True)] | None = None
    """File that holds the password."""

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> Iterator[Finding]:
        """Ask for exactly one place of the password."""
        places = ("password_env", "password_file")
        if all(place in values for place in places):
            given = [place for place in places if values[place] is not None]
            if len(given) != 1:
                problem = "names two places of the password" if given else "names no password"
                yield Finding((), problem, "one of password_env, password_file")


class Ground(Entry):
    """Four points of the picture and where they are on the ground, for speed and distance."""

    image: ImageQuad
    """Four points [x, y], 0 to 1."""
    metres: PlaneQuad
    """The same four points on the ground, in metres."""


def _camera_schema(schema: dict[str, Any]) -> None:
    models = schema["properties"]["models"]
    schema["properties"]["model"] = {k: v for k, v in models.items() if k != "default"}
    schema["not"] = {"required": ["model", "models"]}


class Camera(Entry):
    """One camera of the site."""

    model_config = ConfigDict(json_schema_extra=_camera_schema)

    hints: ClassVar[Mapping[str, str]] = {
        "model": "`models` is given too, keep one of the two",
    }

    source: SourceText
    """Where the pictures come from."""
    credentials: Credentials | None = None
    """For cameras that ask for a login."""
    fps: Rate = 5.0
    """Analysed frames a second, or `native` for every decoded one."""
    width: Annotated[int | Literal["native"], number(16, 8192, integer=True, word="native")] = 640
    """Analysed width in pixels, aspect kept, never enlarged; or `native`."""
    loop: Flag = False
    """Files and synthetic sources: begin again at the end."""
    pace: Annotated[Literal["real", "max"], choice("real", "max")] = "real"
    """Files and synthetic sources: in real time, or as fast as the rest takes it."""
    start_at: Instant | None = None
    """Files and synthetic sources: time of the first frame, now where not given."""
    models: Annotated[dict[str, ModelUse], Parsed(parse_models, MODELS_SCHEMA, dump_models)] = (
        Field(
            default_factory=lambda: {"foreground": ModelUse()},
            validation_alias=AliasChoices("models", "model"),
            json_schema_extra={"default": "foreground"},
        )
    )
    """Models that look at the pictures: a name, a list, or a map of name to {fps, classes}."""
    classes: Labels = None
    """Classes of detections that are kept; all where not given."""
    min_score: Ratio = 0.3
    """A track is born only from a detection at or above this score."""
    privacy: Polygons = ()
    """Polygons blacked out at capture."""
    ignore: Polygons = ()
    """Polygons in which detections are dropped."""
    record: Annotated[
        Literal["off", "events", "continuous"], choice("off", "events", "continuous")
    ] = "events"
    """Video kept: none, a ring of 10 minutes for clips, or `keep_h` hours of all of it."""
    keep_h: Annotated[float, number(1, 8784)] = 72.0
    """Hours that continuous video is kept."""
    motion_gate: Flag = False
    """Send a frame of a still scene every `idle_s` only."""
    idle_s: Annotated[float, number(0.001, 3600)] = 2.0
    """Seconds between the frames of a still scene."""
    ground: Ground | None = None
    """The ground plane, needed for speed and distance."""
    lost_s: Annotated[float, number(0.001, 3600)] = 2.0
    """A track not seen for this long has ended."""

    @property
    def fps_fraction(self) -> Fraction | None:
        """The exact analysed rate; None for ``native``."""
        return exact_rate(self.fps)

    @property
    def writes_video(self) -> bool:
        """Whether the camera's own packets are kept; with privacy polygons never."""
        return self.record != "off" and not self.privacy

    @classmethod
    def conflicts(cls, values: Mapping[str, Any]) -> Iterator[Finding]:
        """Refuse hurrying or repeating what is live, and recording what must stay hidden."""
        source: Source | None = values.get("source")
        if source is not None and source.live:
            usual = {"loop": False, "pace": "real", "start_at": None}
            for key, value in usual.items():
                if values.get(key, value) != value:
                    problem = f"is for files and synthetic sources, not for {source.kind}"
                    yield Finding((key,), problem, f"leave `{key}` out")
        if values.get("privacy") and values.get("record") == "continuous":
            problem = "a camera with privacy polygons keeps no video"
            yield Finding(("record",), problem, "off or events, or no privacy polygons")
