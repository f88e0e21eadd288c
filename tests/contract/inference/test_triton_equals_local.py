"""Triton and this process run the same model code: the same numbers, bit for bit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from schemas.errors import Rejected, Retryable
from streams.inference import thumbnails
from streams.inference.cards import included_card
from streams.inference.client import ModelLoading, ModelMissing, TritonClient
from streams.inference.importing import card_of
from streams.inference.local import LocalModel
from streams.inference.repository import (
    install,
    installed,
    load,
    local_model,
    rollback,
    versions,
)
from streams.inference.thumbnails import History
from tests.contract.inference.conftest import WEIGHTS, Place
from tests.fixtures import fixture
from tests.unit.streams.inference import scenes


def clip(relative: str, frames: int) -> Iterator[bytes]:
    """Give every second frame of a clip as the JPEG that capture would send."""
    with av.open(str(fixture(relative))) as container:
        for index, picture in enumerate(container.decode(video=0)):
            if index >= 2 * frames:
                return
            if index % 2 == 0:
                yield scenes.jpeg(np.asarray(picture.to_ndarray(format="bgr24"), np.uint8))


def with_backgrounds(jpegs: Iterator[bytes] | list[bytes]) -> list[tuple[bytes, bytes]]:
    history, pairs = History(), []
    for seq, jpeg in enumerate(jpegs):
        history, block = thumbnails.step(history, scenes.frame(seq, jpeg), seq)
        pairs.append((jpeg, block))
    return pairs


def test_foreground_on_drawn_walkers(client: TritonClient) -> None:
    pictures = [scenes.with_things(scenes.ground(), [scenes.walker(seq)]) for seq in range(60)]
    pairs = with_backgrounds([scenes.jpeg(picture) for picture in pictures])
    local = LocalModel("foreground")
    here = [local.infer(*pair) for pair in pairs]
    with ThreadPoolExecutor(4) as pool:
        there = list(pool.map(lambda pair: client.infer("foreground", *pair), pairs))
    assert here == there
    assert sum(len(answer.scores) for answer in here) > 30


def test_foreground_on_footage(client: TritonClient) -> None:
    pairs = with_backgrounds(clip("videos/vtest_480x360_10fps.mp4", 60))
    local = LocalModel("foreground")
    here = [local.infer(*pair) for pair in pairs]
    assert here == [client.infer("foreground", *pair) for pair in pairs]
    assert sum(len(answer.scores) for answer in here) > 150


def test_yolox_on_footage(with_yolox: TritonClient, place: Place) -> None:
    jpegs = list(clip("videos/vtest_480x360_10fps.mp4", 10))
    local = LocalModel("yolox", fixture(WEIGHTS))
    here = [local.infer(jpeg) for jpeg in jpegs]
    assert here == [with_yolox.infer("yolox", jpeg) for jpeg in jpegs]
    assert here == [local_model(place.repository, "yolox").infer(jpeg) for jpeg in jpegs]
    assert {"person", "car"} <= {label for answer in here for label in answer.labels}


@pytest.mark.parametrize("bad", [b"", b"text", b"\xff\xd8\xff\xd9", b"\xff\xd8" + bytes(500)])
def test_a_bad_frame_is_refused_in_both_and_hurts_no_other(
    client: TritonClient, bad: bytes
) -> None:
    good = scenes.jpeg(scenes.ground())
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(client.infer, "foreground", j) for j in [good, bad, good, bad] * 4]
    assert [type(one.exception()) for one in asked] == [type(None), Rejected] * 8
    with pytest.raises(Rejected) as here:
        LocalModel("foreground").infer(bad)
    there = asked[1].exception()
    assert isinstance(there, Rejected)
    assert (here.value.reason, str(here.value)) == (there.reason, str(there))


def test_a_batch_is_answered_frame_by_frame(client: TritonClient, place: Place) -> None:
    from tritonclient import grpc

    pictures = [scenes.with_things(scenes.ground(), [scenes.walker(seq)]) for seq in range(40)]
    pairs = with_backgrounds([scenes.jpeg(picture) for picture in pictures])
    batch = [pairs[5], pairs[30], pairs[39]]
    tensors = []
    for name, column in (("JPEG", 0), ("BACKGROUND", 1)):
        tensor = grpc.InferInput(name, [3, 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[pair[column]] for pair in batch], np.object_))
        tensors.append(tensor)
    result = grpc.InferenceServerClient(place.triton).infer("foreground", tensors)
    counts = result.as_numpy("COUNT").ravel().tolist()
    alone = [client.infer("foreground", *pair) for pair in batch]
    assert counts == [len(answer.scores) for answer in alone] == [0, 1, 1]
    boxes = [result.as_numpy("OBJECTS")[i, :n, :4].ravel().tolist() for i, n in enumerate(counts)]
    assert boxes == [list(answer.boxes) for answer in alone]


def test_a_model_that_is_not_there(client: TritonClient) -> None:
    with pytest.raises(ModelMissing, match="add it with") as caught:
        client.infer("nobody", scenes.jpeg(scenes.ground()))
    assert not isinstance(caught.value, ModelLoading)
    assert client.versions("nobody") == ()


def test_a_model_that_is_not_loaded_yet(client: TritonClient, place: Place) -> None:
    install(place.repository, "later", None, included_card("foreground"))
    with pytest.raises(ModelLoading, match="later yet"):
        client.infer("later", scenes.jpeg(scenes.ground()))


def test_a_new_version_takes_over_and_a_broken_one_does_not(
    with_yolox: TritonClient, place: Place
) -> None:
    text = (place.repository / "yolox" / "model.yaml").read_text(encoding="utf-8")
    weights = fixture(WEIGHTS)
    assert install(place.repository, "yolox", weights, text) == "1"
    second = install(
        place.repository, "yolox", weights, text.replace("min_score: 0.1", "min_score: 0.6")
    )
    load(with_yolox, place.repository, "yolox", second)
    assert with_yolox.versions("yolox") == ("2",)
    jpeg = next(clip("videos/vtest_480x360_10fps.mp4", 1))
    assert min(with_yolox.infer("yolox", jpeg).scores) >= 0.6

    broken = place.repository / "yolox" / "3"
    broken.mkdir()
    (broken / "model.py").write_text("nothing to see\n", encoding="utf-8")
    (broken / "model.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Rejected, match="cannot load the model yolox"):
        load(with_yolox, place.repository, "yolox", "3")
    assert versions(place.repository, "yolox") == ["1", "2"]
    assert with_yolox.infer("yolox", jpeg).model_version == "2"

    load(with_yolox, place.repository, "yolox", install(place.repository, "yolox", weights, text))
    now = installed(place.repository)
    assert (now["foreground"], now["yolox"]) == ("1", "3")


def test_a_server_that_is_not_there() -> None:
    client = TritonClient("127.0.0.1:9", timeout_s=2)
    assert not client.ready()
    with pytest.raises(Retryable, match=r"127\.0\.0\.1:9 does not answer"):
        client.infer("foreground", b"")


def test_pictures_of_every_odd_kind(client: TritonClient, tmp_path: Path) -> None:
    local = LocalModel("foreground")
    for shape in ((16, 16, 3), (1, 1), (900, 30, 3), (31, 1201)):
        picture = np.full(shape, 77, np.uint8)
        jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
        pairs = with_backgrounds([jpeg] * 8)
        assert [client.infer("foreground", *p) for p in pairs] == [local.infer(*p) for p in pairs]


def test_versions_change_under_load_without_one_failed_request(
    client: TritonClient, place: Place
) -> None:
    text = included_card("foreground").replace("name: foreground", "name: busy")
    load(client, place.repository, "busy", install(place.repository, "busy", None, text))
    jpeg = scenes.jpeg(scenes.ground())
    stop = threading.Event()

    def ask() -> list[str]:
        seen = []
        while not stop.is_set():
            seen.append(client.infer("busy", jpeg).model_version)
        return seen

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(ask) for _ in range(3)]
        try:
            for least in (0.2, 0.3):
                changed = text.replace("min_score: 0.1", f"min_score: {least}")
                version = install(place.repository, "busy", None, changed)
                load(client, place.repository, "busy", version)
                assert client.versions("busy") == (version,)
            assert rollback(client, place.repository, "busy") == "2"
            assert client.versions("busy") == ("2",)
            assert rollback(client, place.repository, "busy") == "1"
            assert client.infer("busy", jpeg).model_version == "1"
        finally:
            stop.set()
        seen = [one for each in asked for one in each.result()]
    assert set(seen) == {"1", "2", "3"}
    with pytest.raises(Rejected, match="no version of busy to go back to"):
        rollback(client, place.repository, "busy")


def test_fastestdet_on_footage(client: TritonClient, place: Place) -> None:
    weights = fixture("models/FastestDet.onnx")
    card = card_of(weights, "fast", {})
    load(client, place.repository, "fast", install(place.repository, "fast", weights, card))
    jpegs = list(clip("videos/vtest_480x360_10fps.mp4", 10))
    local = LocalModel("fast", weights, card=card)
    here = [local.infer(jpeg) for jpeg in jpegs]
    assert here == [client.infer("fast", jpeg) for jpeg in jpegs]
    assert sum(answer.labels.count("person") for answer in here) > 20
