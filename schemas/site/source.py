"""Where a camera's pictures come from: one line of text, parsed into its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args
from urllib.parse import SplitResult, parse_qsl, urlsplit

from schemas.site.faults import Finding, nearest, refuse, shown
from schemas.site.values import NAME_PATTERN, Parsed

SourceKind = Literal["rtsp", "http", "onvif", "usb", "file", "synthetic"]

ALLOWED = (
    "rtsp(s)://..., http(s)://..., onvif://host[:port][?profile=N], usb:N, a file's path, "
    "synthetic:NAME[?seed=N]"
)
_NO_SECRETS = "no user name or password in the address: use the camera's `credentials`"
_SECRET_KEYS = {"password", "passwd", "passwort", "pwd", "pass", "token", "secret"}
_SCHEMES = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http", "onvif": "onvif"}


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed source.

    ``location`` is the whole address (rtsp, http), ``host[:port]`` (onvif), the device number
    (usb), the path (file) or the scene's name (synthetic); ``options`` holds ``profile`` (onvif)
    and ``seed`` (synthetic) where they were given. ``str()`` gives the text back.
    """

    kind: SourceKind
    location: str
    options: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), hash=False)

    @property
    def live(self) -> bool:
        """Whether time runs by itself there, so that nothing can be repeated or hurried."""
        return self.kind not in ("file", "synthetic")

    def __str__(self) -> str:
        head = {"onvif": "onvif://", "usb": "usb:", "synthetic": "synthetic:"}.get(self.kind, "")
        tail = "&".join(f"{key}={value}" for key, value in self.options.items())
        return f"{head}{self.location}" + (f"?{tail}" if tail else "")


def parse_source(value: Any) -> Source:
    """Parse the text of a camera's ``source``; a refusal never repeats it, it may hold secrets."""
    if isinstance(value, Source):
        return value
    if not isinstance(value, str):
        raise refuse(Finding((), f"{shown(value)} is not a source", ALLOWED))
    if not value or value != value.strip() or len(value) > 2000:
        raise _bad("is empty, too long or has spaces around it")
    scheme, colon, rest = value.partition(":")
    scheme = scheme.lower()
    if scheme in _SCHEMES and colon:
        return _address(value, scheme)
    if scheme == "usb" and colon:
        if not re.fullmatch(r"[0-9]{1,3}", rest):
            raise _bad("`usb:` needs a device number", "usb:0, usb:1, ...")
        return Source("usb", str(int(rest)))
    if scheme == "synthetic" and colon:
        name, options = _options(rest, "seed", 2**63 - 1)
        if not re.fullmatch(NAME_PATTERN, name):
            raise _bad("`synthetic:` needs a scene's name", "synthetic:NAME[?seed=N]")
        return Source("synthetic", name, options)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", value):
        raise _bad(f"{shown(scheme)} is not a kind of address that is read")
    if re.match(r"[^/\s]*:[^/\s]*@", value):
        raise _bad("the address holds credentials, and does not say how to read it", _NO_SECRETS)
    near = nearest(scheme, [*_SCHEMES, "usb", "synthetic"])
    if colon and re.fullmatch("[a-z]{3,}", scheme) and near:
        raise _bad(f'"{scheme}:" is not a kind of source; did you mean "{near}:"?')
    return Source("file", value)


def _address(value: str, scheme: str) -> Source:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise _bad("is not a good address: look at its host and port") from None
    if "@" in parts.netloc:
        raise _bad("the address holds credentials", _NO_SECRETS)
    keys = {key.lower() for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if keys & _SECRET_KEYS:
        raise _bad("the address holds credentials in its query", _NO_SECRETS)
    if not value[len(scheme) :].startswith("://") or not parts.hostname or port == 0:
        raise _bad("the address has no host, or a port that cannot be", f"{scheme}://host[:port]")
    if re.search(r"\s", value):
        raise _bad("the address has a space in it", "%20 where a space is meant")
    if scheme == "onvif":
        return _onvif(value, parts)
    return Source("rtsp" if _SCHEMES[scheme] == "rtsp" else "http", value)


def _onvif(value: str, parts: SplitResult) -> Source:
    if parts.path not in ("", "/") or parts.fragment:
        raise _bad("an onvif address has no path", "onvif://host[:port][?profile=N]")
    _, options = _options(value, "profile", 1000)
    return Source("onvif", parts.netloc, options)


def _options(value: str, key: str, most: int) -> tuple[str, Mapping[str, int]]:
    head, mark, query = value.partition("?")
    if not mark:
        return head, MappingProxyType({})
    match = re.fullmatch(rf"{key}=([0-9]{{1,19}})", query)
    if not match or int(match[1]) > most:
        raise _bad("what follows the `?` is not known", f"?{key}=N, N from 0 to {most}")
    return head, MappingProxyType({key: int(match[1])})


def _bad(problem: str, allowed: str = ALLOWED) -> Exception:
    return refuse(Finding((), problem, allowed))


SOURCE_KINDS: tuple[str, ...] = get_args(SourceKind)
SourceText = Annotated[
    Source,
    Parsed(parse_source, {"type": "string", "minLength": 1, "description": ALLOWED}, str),
]
