"""The cloud's side of a live update: receipts in."""

from __future__ import annotations

from collections.abc import Mapping

from infra.runtime.following import TopicFollower
from schemas.codec import decode_as
from schemas.errors import Rejected
from schemas.records import Receipt
from streams.inference.updating.receipts import TOPIC, Told, told_by

_CLIENT_ID = "sightline.models.receipts"


class Receipts:
    """The last receipt of each model from each site, followed in the cloud.

    Raises:
        Retryable: Kafka does not answer.
        Fatal: the topic is not there.
    """

    def __init__(self, bootstrap: str) -> None:
        self._follower = TopicFollower(bootstrap, TOPIC, _CLIENT_ID)
        self._told: dict[tuple[str, str], Told] = {}
        self.sites: set[str] = set()
        """Every site that ever left a receipt of any kind."""
        while not self._follower.caught_up:
            self.read()

    def read(self) -> None:
        """Take in what has come."""
        for message in self._follower.read(timeout_s=0.2):
            if message.value is None:
                continue
            try:
                receipt = decode_as(Receipt, message.value)
                self.sites.add(receipt.site)
                told = told_by(receipt)
            except Rejected:
                # Of a configuration, or whoever stores receipts puts it into the dead letters.
                continue
            known = self._told.get((told.site, told.model))
            if known is None or told.revision >= known.revision:
                self._told[told.site, told.model] = told

    def of(self, model: str) -> Mapping[str, Told]:
        """Return the last receipt of a model by site."""
        return {site: told for (site, name), told in self._told.items() if name == model}

    @property
    def models(self) -> list[str]:
        """The models of which there are receipts."""
        return sorted({model for _, model in self._told})

    def close(self) -> None:
        """Stop reading."""
        self._follower.close()
