"""Frames of ANSI/SIA DC-09 (2013, 2021): built and read, without I/O.

    <LF> CRC 0LLL "SIA-DCS" SEQ R.. L.. #ACCT [ #ACCT|DATA ] [X...] _HH:MM:SS,MM-DD-YYYY <CR>

CRC and length count from the first quotation mark up to, not including, the final <CR>. With a key
the token begins with ``*`` and everything behind the first ``[`` is AES-CBC with a zero
initialisation vector, in hexadecimal digits, filled up in front with bytes other than ``[ ] |``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from schemas.errors import Rejected

LF, CR = b"\n", b"\r"
BLOCK = 16
MAX_BODY_BYTES = 0xFFF
CODING = "cp1252"
LAST_SEQUENCE = 9999
_CRC_POLYNOMIAL = 0xA001
_BODY = re.compile(
    rb'"(?P<token>\*?[A-Z-]{2,8})"(?P<sequence>[0-9]{4})'
    rb"(?P<receiver>R[0-9A-F]{1,6})?(?P<line>L[0-9A-F]{1,6})?"
    rb"(?:#(?P<account>[0-9A-F]{1,16})|A0)?\[(?P<rest>[^\r\n]*)"
)
_SWAPPED = str.maketrans('[]|"^', "()/''")
_TIME = re.compile(rb"_([0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{2}-[0-9]{2}-[0-9]{4})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Whose message it is, and the key, 16, 24 or 32 bytes; empty: not encrypted."""

    account: str
    receiver: str = ""
    line: str = "0"
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Frame:
    """What was read."""

    token: str
    """Without the mark of encryption."""
    sequence: int
    account: str
    content: str
    """Behind the first ``[``, decrypted, without what fills it up."""
    at: datetime | None


def crc16(data: bytes) -> int:
    """Return the CRC-16 of the standard (polynomial 0x8005 reflected, initially 0).

    >>> hex(crc16(b"123456789"))
    '0xbb3d'
    """
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ _CRC_POLYNOMIAL if crc & 1 else crc >> 1
    return crc


def sequence_of(number: int) -> int:
    """Return the sequence number, 1 to 9999, of the ``number``-th message (from 1).

    >>> sequence_of(1), sequence_of(9999), sequence_of(10000)
    (1, 9999, 1)
    """
    return (number - 1) % LAST_SEQUENCE + 1


def build(
    token: str, sequence: int, content: str, address: Address, at: datetime, fill: bytes
) -> bytes:
    """Return a frame; ``content`` is what stands behind the first ``[``, its ``]`` included.

    ``fill`` are at least 16 random bytes to take the padding from. Null messages have sequence 0.

    Raises:
        Rejected: the frame would be longer than the standard allows.
    """
    stamped = (
        content.encode(CODING, "replace") + f"_{at.astimezone(UTC):%H:%M:%S,%m-%d-%Y}".encode()
    )
    mark = ""
    if address.key:
        mark, stamped = "*", _encrypted(stamped, address.key, fill)
    receiver = f"R{address.receiver}" if address.receiver else ""
    head = f'"{mark}{token}"{sequence:04d}{receiver}L{address.line}#{address.account}['
    body = head.encode("ascii") + stamped
    if len(body) > MAX_BODY_BYTES:
        raise Rejected(f"a frame of {len(body)} bytes is too long for DC-09", reason="too-long")
    return LF + f"{crc16(body):04X}0{len(body):03X}".encode() + body + CR


def read(frame: bytes, key: bytes = b"") -> Frame:
    """Return what a frame says.

    Raises:
        Rejected: length, CRC or form are wrong, or it cannot be decrypted.
    """
    inner = frame.strip(LF + CR)
    head, body = inner[:8], inner[8:]
    try:
        told_crc, told_length = int(head[:4], 16), int(head[4:], 16)
    except ValueError:
        raise Rejected("the frame has no CRC and length", reason="no-frame") from None
    if told_length != len(body) or told_crc != crc16(body):
        raise Rejected("the frame's CRC or length is wrong", reason="bad-crc")
    match = _BODY.fullmatch(body)
    if match is None:
        raise Rejected("the frame is none of DC-09", reason="no-frame")
    token, rest = match["token"].decode(), match["rest"]
    if token.startswith("*"):
        rest = _decrypted(rest, key)
    stamp = _TIME.search(rest)
    if stamp is None and token.startswith("*"):
        # What is encrypted is always stamped: this was read with another key.
        raise _other_key()
    content = rest[: stamp.start()] if stamp else rest
    return Frame(
        token=token.lstrip("*"),
        sequence=int(match["sequence"]),
        account=(match["account"] or b"").decode(),
        content=content.decode(CODING, "replace"),
        at=_moment(stamp.group(1)) if stamp else None,
    )


def clean(text: str, characters: int = 200) -> str:
    """Return a text without the characters that structure a frame.

    >>> clean("gate [1] | left")
    'gate (1) / left'
    """
    swapped = text.translate(_SWAPPED)
    return "".join(c if c.isprintable() else " " for c in swapped)[:characters]


def _encrypted(plain: bytes, key: bytes, fill: bytes) -> bytes:
    # The bar that ends the padding is part of what is encrypted; null messages have it too.
    missing = BLOCK - (len(plain) + 1) % BLOCK
    padding = bytes(33 + byte % 26 for byte in fill[:missing])
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK))).encryptor()
    return (encryptor.update(padding + b"|" + plain) + encryptor.finalize()).hex().upper().encode()


def _decrypted(digits: bytes, key: bytes) -> bytes:
    try:
        secret = bytes.fromhex(digits.decode("ascii"))
        decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK))).decryptor()
        plain = decryptor.update(secret) + decryptor.finalize()
    except (ValueError, UnicodeError):
        raise _other_key() from None
    # Some senders fill up without a bar; then the bracket ends the padding of what is empty.
    bar, bracket = plain.find(b"|"), plain.find(b"]")
    if bracket < 0:
        raise _other_key()
    return plain[bar + 1 :] if 0 <= bar < bracket else plain[bracket:]


def _moment(text: bytes) -> datetime | None:
    try:
        return datetime.strptime(text.decode(), "%H:%M:%S,%m-%d-%Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def _other_key() -> Rejected:
    return Rejected("the frame cannot be decrypted: is the key right?", reason="bad-key")
