"""Models without answers: how long each is waited for, and when its pictures fail at once.

A model that is missing, or fails at everything, is waited for once; after that its pictures fail at
once, so that those of other models do not wait for it, and now and then it is asked again: about one
picture where it failed, about all of a moment where it was missing, for it may be there by then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from streams.inference.answer import Refusal

MODEL_MISSING, MODEL_FAILED = "model-missing", "model-failed"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds of the host's clock."""

    unavailable_s: float = 30.0
    """A frame that may be dropped is, once it waited this long for a server."""
    missing_s: float = 5.0
    """So long for a model that the servers do not serve, or that fails at everything; after that
    its frames fail at once, and every ``missing_s`` it is asked again."""
    died_s: float = 30.0
    """So long is a picture tried whose model's process is gone: it may be what ends it."""
    lost_s: float = 30.0
    """So long for one that has answered before, that the server knows, or whose process is being
    started anew: a server that restarts loads its models again."""
    together_s: float = 1.0
    """So long all pictures of a missing model ask again, until one is answered."""
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A model without answers."""

    ask_until_ms: int
    """Until then it is waited for."""
    ask_again_ms: int
    """From then on it is asked again."""
    reason: str
    """``model-missing`` or ``model-failed``."""
    message: str
    together_until_ms: int = 0
    """Until then it is asked again about all pictures."""


class Troubles:
    """What is known of models without answers, and when each answered last.

    Args:
        now_ms: the host's clock, UTC milliseconds.
        patience: limits.
    """

    def __init__(self, now_ms: Callable[[], int], patience: Patience) -> None:
        self._now_ms = now_ms
        self._patience = patience
        self._lock = threading.Lock()
        self._known: dict[str, Trouble] = {}
        self._answered_ms: dict[str, int] = {}
        self._log = structlog.get_logger("asking")

    @property
    def known(self) -> dict[str, Trouble]:
        """The models without answers, by their names."""
        with self._lock:
            return dict(self._known)

    def answered(self, model: str) -> None:
        """Note that a model has answered."""
        with self._lock:
            self._answered_ms[model] = self._now_ms()
            self._known.pop(model, None)

    def has_answered_since(self, model: str, at_ms: int) -> bool:
        """Tell whether a model has answered after a moment."""
        with self._lock:
            return self._answered_ms.get(model, 0) > at_ms

    def note(
        self, model: str, camera: str, reason: str, message: str, *, comes_back: bool = False
    ) -> None:
        """Note that a model gave no answer about a camera's picture.

        Args:
            model: the model.
            camera: the camera.
            reason: ``model-missing`` or ``model-failed``.
            message: for a person.
            comes_back: it is being started anew, or may be.
        """
        with self._lock:
            known = self._known.get(model)
            if known is None:
                self._log.warning(
                    "a model does not answer", camera=camera, model=model, reason=message
                )
                known = self._begun(model, reason, message, comes_back=comes_back)
            self._known[model] = replace(known, reason=reason, message=message)

    def given_up(self, model: str) -> Refusal | None:
        """Return why a model is not to be asked now; None: ask it."""
        with self._lock:
            trouble = self._known.get(model)
            now_ms = self._now_ms()
            if trouble is None or now_ms < trouble.ask_until_ms:
                return None
            if now_ms >= trouble.ask_again_ms:
                missing = trouble.reason == MODEL_MISSING
                together_s = self._patience.together_s if missing else 0.0
                self._known[model] = replace(
                    trouble,
                    ask_again_ms=now_ms + round(1000 * self._patience.missing_s),
                    together_until_ms=now_ms + round(1000 * together_s),
                )
                return None
            if now_ms < trouble.together_until_ms:
                return None
            return Refusal("failed", trouble.reason, model)

    def _begun(self, model: str, reason: str, message: str, *, comes_back: bool) -> Trouble:
        patience, comes_back = self._patience, comes_back or model in self._answered_ms
        waited_s = patience.lost_s if comes_back else patience.missing_s
        until_ms = self._now_ms() + round(1000 * waited_s)
        return Trouble(until_ms, until_ms + round(1000 * patience.missing_s), reason, message)
