from __future__ import annotations

import pytest

from schemas.site.source import parse_source


@pytest.mark.parametrize(
    ("text", "kind", "location", "options"),
    [
        ("rtsp://10.0.3.21/stream2", "rtsp", "rtsp://10.0.3.21/stream2", {}),
        ("rtsps://cam:322/a?b=c", "rtsp", "rtsps://cam:322/a?b=c", {}),
        ("http://cam/mjpg", "http", "http://cam/mjpg", {}),
        ("https://[::1]:8443/snap.jpg", "http", "https://[::1]:8443/snap.jpg", {}),
        ("onvif://cam:8080?profile=1", "onvif", "cam:8080", {"profile": 1}),
        ("onvif://cam", "onvif", "cam", {}),
        ("usb:0", "usb", "0", {}),
        ("synthetic:walkers", "synthetic", "walkers", {}),
        ("synthetic:walkers?seed=7", "synthetic", "walkers", {"seed": 7}),
        ("/videos/gate.mp4", "file", "/videos/gate.mp4", {}),
        ("videos/gate 1.mp4", "file", "videos/gate 1.mp4", {}),
    ],
)
def test_forms(text: str, kind: str, location: str, options: dict[str, int]) -> None:
    source = parse_source(text)
    assert (source.kind, source.location, dict(source.options)) == (kind, location, options)
    assert str(source) == text
    assert source.live is (kind not in ("file", "synthetic"))


@pytest.mark.parametrize(
    "text",
    [
        "rtsp://admin:hunter2@cam/stream",
        "rtsp://hunter2@cam/stream",
        "RTSP://admin:hunter2@cam/stream",
        "http://cam/snap?user=a&PWD=hunter2",
        "onvif://a:hunter2@cam",
        "ftp://a:hunter2@cam/x",
        "admin:hunter2@cam/stream",
        "rtsp://a:hunter2@[bad/",
    ],
)
def test_a_secret_is_refused_and_never_repeated(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_source(text)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", " x", "rtsp://", "rtsp:cam", "rtsp://cam:99999/", "http://cam/a b", "usb:", "usb:x",
     "usb:0?x=1", "synthetic:", "synthetic:a b", "synthetic:a?sed=1", "synthetic:a?seed=-1",
     "onvif://cam/path", "onvif://cam?profile=x", "gopher://x", "sythetic:walkers", 5, None],
)  # fmt: skip
def test_refused(text: object) -> None:
    with pytest.raises(ValueError, match="allowed"):
        parse_source(text)
