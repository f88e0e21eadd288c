"""What has become of a camera's view, by the few numbers that capture tells of each picture.

Light changes how strong edges are, not where they stand and which way they run. So the structure of
the picture, seen as a field of directions, tells whether this is the view that was learned; only
of the same view does a loss of sharpness mean a lens out of focus.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from schemas.records import View

Appearance = Literal["fine", "covered", "moved", "defocused"]
Field = npt.NDArray[np.complex64]
"""[rows, columns]: the doubled directions of the edges in the complex plane, as long as they are
strong (in steps, two for each doubling)."""

ROWS, COLUMNS = 9, 16
CELLS = ROWS * COLUMNS
LEARNED_MS = 2000
"""A view that was seen for less is not judged against; only an empty picture is."""
_MEMORY_MS = 600_000
_MAX_STEP_MS = 1000
_EMPTY = 0.012
"""Contrast of a picture that shows nothing: three grey levels."""
_BARE = 12.0
"""Length of a field without edges to speak of: every cell barely above the noise."""
_SAME_VIEW = 0.3
"""Least correlation of one view at two times. Traffic and sudden light left 0.33 at worst in six
recordings; a camera turned by a quarter of its view leaves -0.1 to 0.5."""
_OTHER_VIEW = 0.1
_MAY_HAVE_SHIFTED = 0.6
_SHIFT_GAIN = 0.15
_SHIFT_FITS = 0.5
"""A view that has shifted by a tenth fits no better than the first where it stood, and elsewhere
better by the gain, and then at least so well."""
_MAX_SHIFT = (3, 5)
"""Cells down and across: about a third of the picture."""
_FADED = 0.4
_BLURRED = 0.4
"""Of sharpness, of that for its contrast, and of the edges, what is left at most."""


class Baseline(msgspec.Struct):
    """The view as it was learned, slowly, while nothing was wrong."""

    learned_ms: int
    """For how long, up to the memory."""
    at: int
    contrast: float
    sharpness: float
    field: bytes
    """A ``Field``, little-endian."""


def learned(baseline: Baseline | None, view: View, at: int) -> Baseline:
    """Return the baseline with one more picture in it, weighed by the time since the one before.

    It is the mean of all pictures for the first ten minutes, then of about the last ten.
    """
    field = field_of(view)
    if baseline is None:
        return Baseline(0, at, view.contrast, view.sharpness, field.astype("<c8").tobytes())
    step_ms = min(max(at - baseline.at, 0), _MAX_STEP_MS)
    known_ms = min(baseline.learned_ms + step_ms, _MEMORY_MS)
    weight = step_ms / known_ms if known_ms else 0.0
    before = _field_in(baseline.field)
    return Baseline(
        learned_ms=known_ms,
        at=at,
        contrast=baseline.contrast + weight * (view.contrast - baseline.contrast),
        sharpness=baseline.sharpness + weight * (view.sharpness - baseline.sharpness),
        field=(before + np.float32(weight) * (field - before)).astype("<c8").tobytes(),
    )


def appearance(view: View, baseline: Baseline | None) -> Appearance:
    """Tell what a picture shows: the view that was learned, or what has become of it."""
    before, now = _known_field(baseline), field_of(view)
    if baseline is None or before is None:
        return "covered" if view.contrast < _EMPTY else "fine"
    alike = correlation(before, now)
    sharpness = view.sharpness / max(baseline.sharpness, 1e-6)
    faded = sharpness < _FADED or _length(now) < _FADED * _length(before)
    if alike < _SAME_VIEW and (faded or view.contrast < _EMPTY):
        return "covered"
    if alike < _OTHER_VIEW or _has_shifted(before, now, alike):
        return "moved"
    crispness = sharpness * baseline.contrast / max(view.contrast, 1e-6)
    if sharpness < _BLURRED and crispness < _BLURRED:
        return "defocused"
    return "fine"


def field_of(view: View) -> Field:
    """Return the structure of a picture, a byte for each of ``CELLS``, as a field."""
    codes = np.frombuffer(view.structure, np.uint8)
    angle = (codes >> 4) * np.float32(np.pi / 8)
    field = (codes & 15) * np.exp(1j * angle)
    return np.asarray(field, np.complex64).reshape(ROWS, COLUMNS)


def correlation(one: Field, other: Field) -> float:
    """Return how alike two fields of one size are, -1..1; 0 where one has no edges.

    The mean direction of each is taken out: that most edges run upright says nothing.
    """
    first, second = one - one.mean(), other - other.mean()
    product = _length(first) * _length(second)
    return float(np.vdot(first, second).real) / product if product > 0 else 0.0


def shifted_correlation(before: Field, now: Field) -> float:
    """Return the highest correlation of the two where the first is moved by whole cells, not none.

    All moves at once, by the theorem of convolution; each is held against the energy of the parts
    that fall together.
    """
    first, second = before - before.mean(), now - now.mean()
    down, across = _MAX_SHIFT
    shape = (ROWS + down, COLUMNS + across)
    whole = np.fft.fft2(np.ones_like(first), shape)

    def against(one: npt.NDArray[np.complex128], other: npt.NDArray[np.complex128]) -> Any:
        return np.fft.ifft2(one.conj() * other).real

    common = against(np.fft.fft2(first, shape), np.fft.fft2(second, shape))
    energy = against(np.fft.fft2(abs(first) ** 2, shape), whole)
    energy = energy * against(whole, np.fft.fft2(abs(second) ** 2, shape))
    alike = common / np.sqrt(np.maximum(energy, 1.0))
    near = np.ix_(range(-down, down + 1), range(-across, across + 1))
    alike[0, 0] = -1.0
    return float(alike[near].max())


def _has_shifted(before: Field, now: Field, alike: float) -> bool:
    if alike >= _MAY_HAVE_SHIFTED:
        return False
    return shifted_correlation(before, now) >= max(alike + _SHIFT_GAIN, _SHIFT_FITS)


def _known_field(baseline: Baseline | None) -> Field | None:
    """Return what there is to compare with; None: too little was seen, or there is no edge in it."""
    if baseline is None or baseline.learned_ms < LEARNED_MS:
        return None
    field = _field_in(baseline.field)
    return field if _length(field) >= _BARE else None


def _field_in(stored: bytes) -> Field:
    return np.frombuffer(stored, "<c8").reshape(ROWS, COLUMNS)


def _length(field: Field) -> float:
    return float(np.sqrt(np.vdot(field, field).real))
