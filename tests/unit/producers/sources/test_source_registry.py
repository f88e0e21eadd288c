from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from producers.scene.background import background
from producers.sources.credentials import read_password
from producers.sources.registry import make_source
from producers.sources.source import Picture
from producers.sources.synthetic import SyntheticSource
from schemas.errors import Rejected
from schemas.site import Credentials
from schemas.site.source import SourceKind
from tests.unit.producers.parts import camera

EXAMPLES = {
    "rtsp": "rtsp://10.0.3.21/stream2",
    "http": "http://10.0.3.21/mjpeg",
    "onvif": "onvif://10.0.3.21",
    "usb": "usb:0",
    "file": "yard.mp4",
    "synthetic": "synthetic:walkers?seed=4",
}


def test_each_kind_of_source_is_read() -> None:
    assert EXAMPLES.keys() == set(get_args(SourceKind))
    for kind, text in EXAMPLES.items():
        settings = camera(source=text)
        made = make_source(settings, {})
        assert type(made).__name__.lower() == f"{kind}source"
        # What says it is live is what the configuration takes for live.
        assert made.live == settings.source.live
        # Whatever happened before: at an end everything is closed.
        made.close()


def test_an_open_scene_has_nothing_left_to_prepare() -> None:
    source = make_source(camera(source="synthetic:walkers?seed=104"), {})
    source.open()
    prepared = background.cache_info().misses
    first = next(iter(source))
    assert isinstance(first, Picture) and first.image().any()
    assert background.cache_info().misses == prepared


def test_a_scene_depends_on_its_seed_and_the_picture_alone() -> None:
    def shown(seed: int, index: int) -> bytes:
        source = make_source(camera(source=f"synthetic:walkers?seed={seed}"), {})
        source.open()
        for number, item in enumerate(source):
            assert isinstance(item, Picture)
            if number == index:
                assert item.pts_ms == 100 * index
                return item.image().tobytes()
        raise AssertionError("a scene has no end")

    assert shown(4, 30) == shown(4, 30)
    assert shown(4, 30) != shown(5, 30)
    assert shown(4, 30) != shown(4, 31)


def test_an_unknown_scene_is_refused_by_name() -> None:
    with pytest.raises(Rejected, match="no scene synthetic:dancers; there is synthetic:walkers"):
        SyntheticSource("dancers").open()


def test_a_password_comes_from_a_variable_or_a_file(tmp_path: Path) -> None:
    in_variable = Credentials(username="viewer", password_env="GATE")
    assert read_password(in_variable, "rtsp://gate", {"GATE": " p@ss "}) == " p@ss "
    file = tmp_path / "secret"
    file.write_text("p@ss word\n", encoding="utf-8")
    in_file = Credentials(username="viewer", password_file=str(file))
    assert read_password(in_file, "rtsp://gate", {}) == "p@ss word"


def test_a_password_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="rtsp://gate needs a password: set the variable GATE"):
        read_password(Credentials(username="v", password_env="GATE"), "rtsp://gate", {})
    missing = Credentials(username="v", password_file=str(tmp_path / "none"))
    with pytest.raises(Rejected, match="cannot be read: No such file"):
        read_password(missing, "rtsp://gate", {})
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00secret")
    with pytest.raises(Rejected, match="it is not text") as refused:
        read_password(Credentials(username="v", password_file=str(binary)), "rtsp://gate", {})
    assert "secret" not in str(refused.value)
