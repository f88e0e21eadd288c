"""MLServer in Triton's place: whatever speaks KServe v2 will do."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.errors import Rejected
from streams.inference.client import UNNAMED, ModelMissing, Picture, TritonClient
from streams.inference.local import LocalModel
from streams.inference.servers import Servers
from tests.contract.inference.conftest import WEIGHTS, Place
from tests.contract.inference.mlserver_process import serving
from tests.contract.inference.test_detect import (
    answers_in,
    expected,
    footage,
    running,
    send,
    until,
)
from tests.contract.inference.test_triton_equals_local import with_backgrounds
from tests.fixtures import FIXTURES, fixture
from tests.unit.streams.inference import scenes

YOLOX = FIXTURES / WEIGHTS


@pytest.fixture(scope="module")
def mlserver() -> Iterator[TritonClient]:
    """MLServer with ``foreground``, and ``yolox`` where its weights are."""
    folder = Path(tempfile.mkdtemp(prefix="sightline-mlserver-"))
    models: dict[str, Path | None] = {"foreground": None}
    if YOLOX.is_file():
        models["yolox"] = YOLOX
    try:
        with serving(folder, models) as url:
            client = TritonClient(url)
            yield client
            client.close()
    finally:
        shutil.rmtree(folder)


def walk(frames: int) -> list[bytes]:
    return [
        scenes.jpeg(scenes.with_things(scenes.ground(), [scenes.walker(seq)]))
        for seq in range(frames)
    ]


def test_it_answers_as_in_process(mlserver: TritonClient) -> None:
    local = LocalModel("foreground")
    pairs = with_backgrounds(walk(30))
    found = [mlserver.infer("foreground", *pair) for pair in pairs]
    assert found == [local.infer(*pair) for pair in pairs]
    assert sum(len(one.scores) for one in found) > 10


def test_detectors_answer_as_in_process(mlserver: TritonClient) -> None:
    local = LocalModel("yolox", fixture(WEIGHTS))
    for jpeg in walk(3):
        assert mlserver.infer("yolox", jpeg) == local.infer(jpeg)


def test_several_pictures_share_a_request(mlserver: TritonClient) -> None:
    pairs = with_backgrounds(walk(8))
    alone = [mlserver.infer("foreground", *pair) for pair in pairs]
    assert mlserver.look("foreground", [Picture(*pair) for pair in pairs]) == alone


def test_what_is_wrong_is_told_apart(mlserver: TritonClient) -> None:
    with pytest.raises(ModelMissing, match="nobody"):
        mlserver.infer("nobody", b"")
    with pytest.raises(Rejected) as refused:
        mlserver.infer("foreground", b"no picture")
    assert refused.value.reason in ("bad-jpeg", "model-failed")


def test_what_only_triton_can_do_is_refused_in_words(mlserver: TritonClient) -> None:
    assert mlserver.ready() and mlserver.versions("foreground") == (UNNAMED,)
    assert mlserver.versions("nobody") == ()
    mlserver.refresh("foreground")
    assert mlserver.largest_batch("foreground") == 1
    with pytest.raises(Rejected, match="start the server again"):
        mlserver.revive("foreground")
    with pytest.raises(Rejected, match="cannot load the model nobody"):
        mlserver.load("nobody")


def test_it_shares_the_work_with_triton(mlserver: TritonClient, client: TritonClient) -> None:
    servers = Servers({"triton": client, "mlserver": mlserver}, time.monotonic)
    jpeg = scenes.jpeg(scenes.ground())
    expected = LocalModel("foreground").infer(jpeg)
    assert [servers.look("foreground", [Picture(jpeg)]) for _ in range(10)] == [[expected]] * 10


def test_detect_asks_both_and_goes_on_with_one_when_the_other_hangs(
    mlserver: TritonClient, client: TritonClient, place: Place
) -> None:
    both = replace(place, triton=f"{place.triton},{mlserver.url}")
    records = footage("both", 150)
    with running(both):
        send(place, records[:60])
        until(place, "both", lambda so_far: len(so_far) >= 20)
        place.stack.kill("triton", signal.SIGSTOP)
        try:
            send(place, records[60:])
            found = until(place, "both", lambda so_far: len(so_far) >= len(records))
        finally:
            place.stack.kill("triton", signal.SIGCONT)
            place.stack.wait_part("triton")
    assert answers_in(found) == expected(records)
