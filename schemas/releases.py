"""What travels on ``down.global.models``: names, keys, and a file of weights in chunks. Pure.

A release is a card and weights; its name follows from both, so the same content is the same
release at every site, though each site numbers the versions in its Triton by itself. Weights are
named by their checksum: sites that want different releases at the same time, or that start late,
find the chunks of each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from schemas.errors import Rejected
from schemas.ids import NAME_PATTERN
from schemas.records import ModelChunk, ModelUpdate

TOPIC = "down.global.models"
CHUNK_BYTES = 1 << 20
MOST_BYTES = 1 << 30
MOST_CHUNKS = MOST_BYTES // CHUNK_BYTES
NO_WEIGHTS = ""
"""The checksum of a model that has none."""


def release_of(card: str, weights_sha256: str) -> str:
    """Name a card (YAML text) with its weights (SHA-256, hex; empty: none).

    >>> release_of("decoding: foreground", "")
    '50c235a64ccd406d'
    """
    return sha256(f"{weights_sha256}\x00{card}".encode()).hexdigest()[:16]


def update_key(model: str, site: str | None) -> str:
    """Return the key of the wish for one site, or for all.

    >>> update_key("yolox", "depot-7"), update_key("yolox", None)
    ('yolox/depot-7', 'yolox')
    """
    return model if site is None else f"{model}/{site}"


def chunk_key(weights_sha256: str, chunk: int) -> str:
    """Return the key of one chunk; no update has a key of this form.

    >>> chunk_key("ab", 3)
    'weights/ab/3'
    """
    return f"weights/{weights_sha256}/{chunk}"


def chunk_count(size: int) -> int:
    """Return how many chunks hold so many bytes.

    Raises:
        Rejected: nothing, or too much for the topic.
    """
    if not 0 < size <= MOST_BYTES:
        raise Rejected(
            f"weights of {size} bytes do not travel in chunks: 1 to {MOST_BYTES} do; publish "
            "larger ones by --address",
            reason="too-large",
        )
    return -(-size // CHUNK_BYTES)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, hex, reading it piece by piece."""
    found = sha256()
    with path.open("rb") as file:
        while block := file.read(CHUNK_BYTES):
            found.update(block)
    return found.hexdigest()


def chunks_of(path: Path, weights_sha256: str, published_at: int) -> Iterator[ModelChunk]:
    """Cut a file of weights into chunks, one in memory at a time.

    Args:
        path: the file.
        weights_sha256: of the whole file, hex.
        published_at: UTC ms.
    """
    count = chunk_count(path.stat().st_size)
    with path.open("rb") as file:
        for number in range(count):
            yield ModelChunk(
                sha256=weights_sha256,
                chunk=number,
                chunks=count,
                data=file.read(CHUNK_BYTES),
                published_at=published_at,
            )


def check_update(update: ModelUpdate) -> None:
    """Insist that an update makes sense before anything is fetched for it.

    Raises:
        Rejected: a name, a size, a limit or the release does not fit.
    """
    faults = [
        ("model", f"{update.model!r} is no name", not NAME_PATTERN.fullmatch(update.model)),
        ("size", f"{update.size} is not 0 to {MOST_BYTES}", not 0 <= update.size <= MOST_BYTES),
        ("version", "does not name this card and weights", _release(update) != update.version),
        ("sha256", "is no SHA-256", update.sha256 != NO_WEIGHTS and not _is_digest(update.sha256)),
        ("chunks", "do not fit the size", update.chunks not in (0, _chunks(update))),
        ("address", "and chunks are both missing", not _has_source(update)),
        ("max_answer_s", "must be above 0", not update.max_answer_s > 0),
        ("watch_s", "must not be below 0", not update.watch_s >= 0),
        ("max_error_rate", "must be 0 to 1", not 0 <= update.max_error_rate <= 1),
    ]
    for name, problem, wrong in faults:
        if wrong:
            raise Rejected(
                f"the update of {update.model} is refused: {name} {problem}; publish it again "
                "with `sightline models publish`",
                reason="bad-update",
            )


def _release(update: ModelUpdate) -> str:
    return release_of(update.card, update.sha256)


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


def _chunks(update: ModelUpdate) -> int:
    return -(-update.size // CHUNK_BYTES)


def _has_source(update: ModelUpdate) -> bool:
    return update.sha256 == NO_WEIGHTS or update.address is not None or update.chunks > 0
