"""What a site's model repository holds, by release: card and weights, not the site's numbers."""

from __future__ import annotations

from pathlib import Path

from schemas.releases import digest_of, release_of
from streams.inference import repository
from streams.inference.cards import CARD_FILE
from streams.inference.updating.receipts import Running
from streams.inference.updating.trial import Version
from streams.inference.versions import order_of


class Inventory:
    """Reads Triton's model repository; others may change it meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, str, int], Running] = {}

    @property
    def models(self) -> list[str]:
        """The models that have a version in force."""
        return sorted(repository.installed(self._folder))

    def running(self, model: str) -> Running:
        """Return the version that is in force."""
        version = repository.installed(self._folder).get(model)
        return Running() if version is None else self.release(model, version)

    def release(self, model: str, version: str) -> Running:
        """Return which release a version is; nothing if it is not there."""
        folder = self._folder / model / version
        if not (folder / CARD_FILE).is_file():
            return Running(version)
        # Weights are large, and a version does not change; but its number may be given again.
        key = (model, version, folder.stat().st_mtime_ns)
        if key not in self._known:
            found = self.version(model, version)
            digest = digest_of(found.weights) if found.weights else ""
            self._known = {old: known for old, known in self._known.items() if old[:2] != key[:2]}
            self._known[key] = Running(version, release_of(found.card, digest), digest)
        return self._known[key]

    def holding(self, model: str, release: str) -> str | None:
        """Return the newest version that is this release, if there is one."""
        for version in reversed(repository.versions(self._folder, model)):
            if self.release(model, version).release == release:
                return version
        return None

    def before(self, model: str) -> str:
        """Return the version that was in force before the one that is; empty: none."""
        return "".join(order_of(self._folder / model)[-2:-1])

    def version(self, model: str, version: str) -> Version:
        """Return the card and the weights of a version."""
        folder = self._folder / model / version
        weights = folder / repository.WEIGHTS
        return Version(
            card=(folder / CARD_FILE).read_text(encoding="utf-8"),
            weights=weights if weights.is_file() else None,
        )
