"""What every model answers: one flat array of objects."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Objects = npt.NDArray[np.float32]
"""[n, 6]: x1, y1, x2, y2 normalised to the frame, score 0..1, label index; best first.

Boxes may reach past the picture. Single precision survives both ways of asking unchanged, and
widens to the same Python floats.
"""

NO_OBJECTS: Objects = np.zeros((0, 6), np.float32)


class ModelFailed(RuntimeError):
    """The network cannot compute an answer, or answers otherwise than its card says."""


class Model(Protocol):
    """One model of any kind: the same call in Triton and in process."""

    def infer(self, jpeg: bytes, background: bytes) -> Objects:
        """Return the objects of one frame.

        Raises:
            BadPicture, BadThumbnails: this request is bad; the next may be good.
            ModelFailed: the network cannot compute an answer.
        """
