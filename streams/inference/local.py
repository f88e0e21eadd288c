"""A model in this process, without Triton: the same code, so the same answers bit for bit."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from schemas.errors import Rejected
from streams.inference.answer import Answer, answer_of
from streams.inference.cards import included_card, read_card
from triton_models.kit.build import build
from triton_models.kit.card import BadCard, Card
from triton_models.kit.objects import ModelFailed
from triton_models.kit.picture import BadPicture
from triton_models.kit.session import BadModelFile
from triton_models.kit.thumbnails import BadThumbnails

LOCAL_VERSION = "1"


class LocalModel:
    """One model, answering one frame at a time.

    Args:
        name: the card the weights are read by, and the model's name in answers.
        model_file: the ONNX file, for models with weights.
        card: YAML text of the card; without it, the one of that name that comes with Sightline.
        version: what answers say of the version.

    Raises:
        Rejected: there is no such card, the file is missing or is not the model that the card
            describes.
    """

    def __init__(
        self,
        name: str,
        model_file: Path | None = None,
        *,
        card: str | None = None,
        version: str = LOCAL_VERSION,
    ) -> None:
        self.name = name
        self.version = version
        self.card = read_card(included_card(name) if card is None else card, name)
        check_sha256(self.card, model_file)
        try:
            self._model = build(self.card, model_file)
        except BadCard as error:
            raise Rejected(
                f"{error}; give it with --model-file, or choose `foreground`", reason="no-weights"
            ) from error
        except BadModelFile as error:
            raise Rejected(
                f"{error}; give the ONNX file that the card {name} describes", reason="bad-model"
            ) from error

    @property
    def needs_background(self) -> bool:
        """Whether ``infer`` wants thumbnails of earlier frames."""
        return self.card.weightless

    @property
    def sees_crops(self) -> bool:
        """Whether it looks at cut-outs of what other models found."""
        return self.card.stage == "crop"

    def infer(self, jpeg: bytes, background: bytes = b"") -> Answer:
        """Return the objects of one frame.

        Args:
            jpeg: the frame.
            background: a block of thumbnails (``streams.inference.thumbnails``); empty: none yet.

        Raises:
            Rejected: the JPEG or the thumbnails cannot be read, or the network fails on them.
        """
        try:
            objects = self._model.infer(jpeg, background)
        except (BadPicture, BadThumbnails) as error:
            raise Rejected(f"{self.name} refuses the frame: {error}", reason="bad-jpeg") from error
        except ModelFailed as error:
            raise Rejected(
                f"{self.name} failed on a frame: {error}; is it the network that its card describes?",
                reason="model-failed",
            ) from error
        labels = [self.card.labels[int(index)] for index in objects[:, 5]]
        return answer_of(objects, labels, self.name, self.version)


def check_sha256(card: Card, model_file: Path | None) -> None:
    """Insist on the checksum that the card gives, if it gives one.

    Raises:
        Rejected: the file is another one.
    """
    if not card.sha256 or model_file is None or not model_file.is_file():
        return
    found = sha256(model_file.read_bytes()).hexdigest()
    if found != card.sha256:
        raise Rejected(
            f"{model_file.name} has SHA-256 {found}, but the card {card.name} names {card.sha256}: "
            "take the file that the card describes, or write its checksum into the card",
            reason="wrong-checksum",
        )
