"""What becomes of an update, with a real repository and a Triton that is played."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from schemas.errors import Rejected, Retryable
from schemas.records import ModelUpdate
from streams.inference import repository
from streams.inference.answer import Answer
from streams.inference.cards import included_card
from streams.inference.updating import updater as updating
from streams.inference.updating.ledger import Entry, Ledger
from streams.inference.updating.receipts import Running, receipt_of, told_by, waiting_receipt
from streams.inference.updating.updater import Updater
from tests.unit.streams.inference.updating.networks import CARD, save_network
from tests.unit.streams.inference.updating.updates import update

SITE = "depot-7"


class Triton:
    """Serves what the repository's ``order`` says at the time of a load, as the real one does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.served: dict[str, str] = {}
        self.refuses: set[str] = set()
        self.fails: set[str] = set()
        self.away = False
        self.loads: list[tuple[str, str]] = []

    def load(self, model: str) -> None:
        if self.away:
            raise Retryable("Triton does not answer")
        version = repository.installed(self.folder)[model]
        if version in self.refuses:
            raise Rejected("Triton cannot load it", reason="cannot-load")
        self.loads.append((model, version))
        self.served[model] = version

    def versions(self, model: str) -> tuple[str, ...]:
        return (self.served[model],) if model in self.served else ()

    def infer(self, model: str, jpeg: bytes, background: bytes = b"") -> Answer:
        version = self.served[model]
        if version in self.fails:
            raise Rejected("failed on a frame", reason="model-failed")
        return Answer((0.1, 0.1, 0.2, 0.2), (0.9,), ("person",), model, version)


class Weights:
    """Gives files by their checksum."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}
        self.brought: list[str] = []

    def bring(self, wanted: ModelUpdate) -> Path | None:
        if wanted.sha256 not in self.files:
            raise Retryable("chunks have not come")
        self.brought.append(wanted.sha256)
        return self.files[wanted.sha256]


class Place:
    """A site's updater and what it stands on."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "models"
        self.triton = Triton(self.folder)
        self.weights = Weights()
        self.now_at = 10_000
        self.tmp_path = tmp_path
        client: Any = self.triton
        self.updater = Updater(
            self.folder, client, self.weights, lambda: [b""], lambda: self.now_at, lambda: False
        )

    @staticmethod
    def again(place: Place) -> Place:
        """Return the place after a restart of the updater: what is on disk and Triton stay."""
        other = Place(place.tmp_path)
        other.triton.served, other.weights = place.triton.served, place.weights
        other.updater._source = place.weights
        return other

    def release(self, score: float, **values: Any) -> ModelUpdate:
        """Make weights that can be fetched, and the update that wants them."""
        path = save_network(self.tmp_path / f"{score}.onnx", score)
        data = path.read_bytes()
        self.weights.files[sha256(data).hexdigest()] = path
        return update(data, CARD, model="tiny", **values)

    def running(self) -> Running:
        return self.updater.inventory.running("tiny")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with patch.object(updating, "try_out"):
        yield Place(tmp_path)


def test_an_update_is_applied(place: Place) -> None:
    first = place.release(0.9)
    entry = place.updater.answer(first, None)
    assert (entry.state, entry.version, entry.before) == ("applied", "1", "")
    assert entry.watch_until_at == 0, "without a version before there is nothing to go back to"
    assert place.triton.served == {"tiny": "1"}
    assert place.running() == Running("1", first.version, first.sha256)

    second = place.release(0.8, watch_s=5.0)
    entry = place.updater.answer(second, entry)
    assert (entry.state, entry.version, entry.before) == ("applied", "2", "1")
    assert entry.watch_until_at == place.now_at + 5000
    assert entry.decided_at > 10_000


def test_the_same_again_changes_nothing(place: Place) -> None:
    wanted = place.release(0.9)
    first = place.updater.answer(place.release(0.8), None)
    entry = place.updater.answer(wanted, first)
    place.now_at += 1000
    again = place.updater.answer(replace(wanted, published_at=2000), entry)
    assert again == replace(entry, published_at=2000, decided_at=again.decided_at)
    assert repository.versions(place.folder, "tiny") == ["1", "2"]
    assert place.weights.brought.count(wanted.sha256) == 1
    assert place.triton.loads == [("tiny", "1"), ("tiny", "2")]


def test_a_release_that_the_site_still_has_is_not_fetched(place: Place) -> None:
    first, second = place.release(0.9), place.release(0.8)
    entry = place.updater.answer(second, place.updater.answer(first, None))
    place.weights.files.clear()
    entry = place.updater.answer(replace(first, published_at=3000), entry)
    assert (entry.state, entry.version, entry.before) == ("applied", "1", "2")
    assert place.triton.served == {"tiny": "1"}


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"card": "labels: ["}, "bad-update"),
        ({"max_answer_s": 0.0}, "bad-update"),
        ({"size": -1}, "bad-update"),
    ],
    ids=str,
)
def test_a_bad_update_is_refused(place: Place, spoilt: dict[str, Any], reason: str) -> None:
    first = place.updater.answer(place.release(0.9), None)
    entry = place.updater.answer(replace(place.release(0.8), **spoilt), first)
    assert (entry.state, entry.reason) == ("refused", reason)
    assert place.triton.served == {"tiny": "1"}


def test_another_kind_of_model_needs_another_name(place: Place) -> None:
    first = place.updater.answer(place.release(0.9), None)
    foreground = update(b"", included_card("foreground"), model="tiny")
    entry = place.updater.answer(foreground, first)
    assert (entry.state, entry.reason) == ("refused", "another-kind")
    assert "a name of its own" in entry.message


def test_a_failed_trial_is_refused_and_nothing_installed(place: Place) -> None:
    entry = place.updater.answer(place.release(0.9), None)
    refusal = Rejected("it differs", reason="failed-trial")
    with patch.object(updating, "try_out", side_effect=refusal):
        entry = place.updater.answer(place.release(0.8), entry)
    assert (entry.state, entry.reason, entry.message) == ("refused", "failed-trial", "it differs")
    assert repository.versions(place.folder, "tiny") == ["1"]


def test_what_triton_cannot_load_is_refused_and_taken_out(place: Place) -> None:
    entry = place.updater.answer(place.release(0.9), None)
    place.triton.refuses = {"2"}
    entry = place.updater.answer(place.release(0.8), entry)
    assert (entry.state, entry.reason) == ("refused", "cannot-load")
    assert place.running().version == "1"
    assert place.triton.served == {"tiny": "1"}


def test_what_fails_in_triton_gives_way_to_the_version_before(place: Place) -> None:
    entry = place.updater.answer(place.release(0.9), None)
    place.triton.fails = {"2"}
    entry = place.updater.answer(place.release(0.8), entry)
    assert (entry.state, entry.reason) == ("refused", "failed-in-triton")
    assert place.triton.served == {"tiny": "1"} and place.running().version == "1"


def test_while_triton_is_away_the_update_waits_and_is_then_applied_once(place: Place) -> None:
    first = place.updater.answer(place.release(0.9), None)
    wanted = place.release(0.8)
    place.triton.away = True
    with pytest.raises(Retryable):
        place.updater.answer(wanted, first)
    place.triton.away = False
    entry = place.updater.answer(wanted, first)
    assert (entry.state, entry.version, entry.before) == ("applied", "2", "1")
    assert repository.versions(place.folder, "tiny") == ["1", "2"]
    assert place.weights.brought.count(wanted.sha256) == 1


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", ["install", "load", "put_in_force"])
def test_killed_anywhere_the_next_start_ends_the_same(place: Place, step: str, moment: str) -> None:
    first = place.updater.answer(place.release(0.9), None)
    wanted = place.release(0.8)
    whole = getattr(repository, step)

    def killed(*arguments: Any, **options: Any) -> Any:
        if moment == "after":
            whole(*arguments, **options)
        raise Killed

    with patch.object(repository, step, killed), pytest.raises(Killed):
        place.updater.answer(wanted, first)
    entry = Place.again(place).updater.answer(wanted, first)
    assert (entry.state, entry.version, entry.before) == ("applied", "2", "1")
    assert entry.watch_until_at > 0
    assert repository.versions(place.folder, "tiny") == ["1", "2"]
    assert place.triton.served == {"tiny": "2"}


def test_errors_bring_the_version_before_back(place: Place) -> None:
    first = place.updater.answer(place.release(0.9), None)
    second = place.updater.answer(place.release(0.8), first)
    back = place.updater.roll_back(second, "7 of 9 frames failed")
    assert (back.state, back.watch_until_at) == ("rolled-back", 0)
    assert "version 2 of tiny was taken back: 7 of 9 frames failed" in back.message
    assert back.decided_at > second.decided_at
    assert place.triton.served == {"tiny": "1"} and place.running().version == "1"


def test_a_withdrawn_update_gives_way_to_what_ran_before_it(place: Place) -> None:
    first = place.updater.answer(place.release(0.9), None)
    wanted = place.release(0.8)
    second = place.updater.answer(wanted, first)
    gone = place.updater.answer(replace(wanted, deleted=True, published_at=5000), second)
    assert (gone.state, gone.version) == ("withdrawn", "1")
    assert place.triton.served == {"tiny": "1"}
    assert gone.answers(replace(wanted, deleted=True, published_at=5000))
    assert not gone.answers(wanted)


def test_a_withdrawn_first_version_stays(place: Place) -> None:
    wanted = place.release(0.9)
    first = place.updater.answer(wanted, None)
    gone = place.updater.answer(replace(wanted, deleted=True), first)
    assert gone.state == "withdrawn" and place.triton.served == {"tiny": "1"}


def test_what_was_put_in_by_hand_afterwards_stays_and_is_told(place: Place) -> None:
    entry = place.updater.answer(place.release(0.9), None)
    assert place.updater.overruled(entry) is None
    other = save_network(place.tmp_path / "hand.onnx", 0.5)
    repository.install(place.folder, "tiny", other, CARD)
    told = place.updater.overruled(entry)
    assert told is not None and told.state == "overruled" and "version 2" in told.message
    assert place.updater.overruled(told) is None
    gone = place.updater.answer(replace(place.release(0.9), deleted=True), told)
    assert gone.state == "withdrawn" and place.running().version == "2"


def test_a_model_that_no_update_speaks_of_is_told_once_and_again_when_it_changes(
    place: Place,
) -> None:
    repository.install(place.folder, "tiny", save_network(place.tmp_path / "a.onnx", 0.5), CARD)
    assert place.updater.inventory.models == ["tiny"]
    first = place.updater.imported("tiny", None)
    assert first is not None and place.updater.imported("tiny", first) is None
    told = told_by(receipt_of(SITE, first, place.running()))
    assert (told.state, told.release, told.running) == ("imported", "", place.running())
    repository.install(place.folder, "tiny", save_network(place.tmp_path / "b.onnx", 0.6), CARD)
    second = place.updater.imported("tiny", first)
    assert second is not None and (second.version, second.release) == ("2", place.running().release)
    assert second.decided_at > first.decided_at
    applied = place.updater.answer(place.release(0.9), second)
    assert applied.state == "applied" and applied.before == "2"
    assert place.updater.imported("tiny", applied) is None


def test_the_ledger_says_the_same_after_a_restart(place: Place) -> None:
    entry = place.updater.answer(place.release(0.9), None)
    ledger = Ledger(place.tmp_path / "ledger")
    assert ledger.read() == {}
    ledger.write(entry)
    (place.tmp_path / "ledger" / "damaged.json").write_bytes(b"{")
    assert Ledger(place.tmp_path / "ledger").read() == {"tiny": entry}
    assert receipt_of(SITE, entry, place.running()) == receipt_of(SITE, entry, place.running())


def test_a_receipt_says_what_was_wanted_and_what_runs(place: Place) -> None:
    first = place.release(0.9)
    entry = place.updater.answer(first, None)
    receipt = receipt_of(SITE, entry, place.running())
    assert (receipt.receipt_id, receipt.status) == ("depot-7/model/tiny", "applied")
    told = told_by(receipt)
    assert (told.site, told.model, told.state) == (SITE, "tiny", "applied")
    assert (told.release, told.running) == (first.version, place.running())

    refused = place.updater.answer(replace(place.release(0.8), size=-1), entry)
    receipt = receipt_of(SITE, refused, place.running())
    assert receipt.status == "refused" and "size" in receipt.errors
    assert told_by(receipt).running.release == first.version

    waiting: Entry = replace(entry, message="chunks have not come")
    assert told_by(waiting_receipt(SITE, waiting, Running())).state == "waiting"
    with pytest.raises(Rejected):
        told_by(replace(receipt, details="{}"))
