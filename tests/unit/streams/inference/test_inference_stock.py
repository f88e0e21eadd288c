"""What is exported for a stock image fits together, and answers as the embedded layout does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from tritonclient.grpc import model_config_pb2

from schemas.errors import Rejected
from streams.inference import stock
from streams.inference.cards import included_card
from streams.inference.configs import MAX_BATCH
from streams.inference.importing import card_of
from streams.inference.local import LocalModel
from streams.inference.stock import export
from tests.fixtures import fixture
from tests.unit.streams.inference.scenes import ground, jpeg
from tests.unit.streams.inference.stock_image import Image, TritonError, utilities
from tests.unit.triton_models.networks import Side, constant
from tests.unit.triton_models.test_detector import deployed

FINISHED = np.zeros((300, 6), np.float32)
FINISHED[0] = 0, 16, 32, 48, 0.9, 1
FINISHED[1] = 20, 20, 60, 40, 0.5, 0
FRAMES = [jpeg(ground(seed)) for seed in (1, 2)]
SAID = {"decoding": "yolo", "labels": ["person", "car"]}


@pytest.fixture(autouse=True)
def backend_utilities() -> Iterator[None]:
    with utilities():
        yield


def asked(frames: list[bytes]) -> dict[str, np.ndarray[tuple[int, int], np.dtype[np.object_]]]:
    return {"JPEG": np.array([[frame] for frame in frames], np.object_)}


def assert_equal(image: Image, model: LocalModel, frames: list[bytes]) -> None:
    """One request of all the frames gives what the model in this process gives for each."""
    answer = image.infer("m", asked(frames))
    for index, frame in enumerate(frames):
        here = model.infer(frame)
        count = int(answer["COUNT"][index, 0])
        objects = answer["OBJECTS"][index, :count]
        assert objects[:, :4].ravel().tolist() == list(here.boxes)
        assert objects[:, 4].tolist() == list(here.scores)
        assert [one.decode() for one in answer["LABELS"][index, :count]] == list(here.labels)


@pytest.mark.parametrize("batch", [1, "batch"])
def test_an_ensemble_answers_as_the_model_in_process(tmp_path: Path, batch: Side) -> None:
    file = constant(tmp_path / "m.onnx", [FINISHED], batch=batch)
    card = card_of(file, "m", SAID)
    names = export(tmp_path / "out", "m", card, file)
    assert names == ["m", "m_decode", "m_network", "m_boxes"]
    image, model = Image(tmp_path / "out"), LocalModel("m", file, card=card)
    assert len(model.infer(FRAMES[0]).scores) == 2
    assert {config.max_batch_size for config in image.configs.values()} == {
        0 if batch == 1 else MAX_BATCH
    }
    assert image.configs["m_network"].HasField("dynamic_batching") == (batch != 1)
    assert_equal(image, model, FRAMES[:1])
    if batch != 1:
        assert_equal(image, model, FRAMES)


@pytest.mark.parametrize("weights", ["yolox_nano.onnx", "FastestDet.onnx"])
def test_real_detectors_answer_the_same_in_both_layouts(tmp_path: Path, weights: str) -> None:
    file = fixture(f"models/{weights}")
    card = card_of(file, "m", {})
    export(tmp_path / "out", "m", card, file, version="7", tensorrt="fp16")
    video = cv2.VideoCapture(str(fixture("videos/vtest_480x360_10fps.mp4")))
    picture = np.asarray(video.read()[1], np.uint8)
    assert_equal(Image(tmp_path / "out"), LocalModel("m", file, card=card), [jpeg(picture)])


def test_two_outputs_and_half_precision_join_up(tmp_path: Path) -> None:
    boxes, classes = np.zeros((20, 4), np.float32), np.full((20, 3), -9, np.float32)
    boxes[4], classes[4, 1] = (0.5, 0.5, 0.25, 0.5), 2
    file = constant(tmp_path / "m.onnx", [classes, boxes], batch="n", half=True)
    card = card_of(file, "m", {"decoding": "detr", "labels": ["a", "b", "c"]})
    export(tmp_path / "out", "m", card, file)
    image = Image(tmp_path / "out")
    (pixels,) = image.configs["m_network"].input
    assert model_config_pb2.DataType.Name(pixels.data_type) == "TYPE_FP16"
    assert_equal(image, LocalModel("m", file, card=card), FRAMES)


def test_a_network_that_is_told_the_size_gets_it_from_the_first_step(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", deployed(), size=(96, 64), batch="n", sized=True)
    card = card_of(file, "m", {"decoding": "detr", "labels": ["person", "car"]})
    export(tmp_path / "out", "m", card, file)
    model = LocalModel("m", file, card=card)
    assert model.infer(FRAMES[0]).labels == ("car",)
    assert_equal(Image(tmp_path / "out"), model, FRAMES)


def test_tensorrt_and_batches_stand_in_the_network_alone(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", [FINISHED], batch="batch")
    export(tmp_path / "out", "m", card_of(file, "m", SAID), file, tensorrt="fp16")
    configs = Image(tmp_path / "out").configs
    network = configs["m_network"]
    (accelerator,) = network.optimization.execution_accelerators.gpu_execution_accelerator
    assert accelerator.name == "tensorrt" and accelerator.parameters["precision_mode"] == "FP16"
    assert accelerator.parameters["trt_profile_max_shapes"] == f"images:{MAX_BATCH}x3x64x64"
    assert network.dynamic_batching.max_queue_delay_microseconds == stock.QUEUE_DELAY_US
    assert [name for name, one in configs.items() if one.HasField("optimization")] == ["m_network"]
    text = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "opencv-python-headless" in text and "TensorRT in FP16" in text and "m_decode" in text


def test_a_bad_frame_is_refused_by_the_step_that_sees_it(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", [FINISHED], batch="batch")
    export(tmp_path / "out", "m", card_of(file, "m", SAID), file)
    image = Image(tmp_path / "out")
    with pytest.raises(TritonError) as refused:
        image.infer("m", asked([FRAMES[0], b"text"]))
    assert refused.value.code == TritonError.INVALID_ARG


def test_an_output_that_is_not_the_cards_is_an_error(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", [FINISHED], batch="batch")
    export(tmp_path / "out", "m", card_of(file, "m", SAID), file)
    image = Image(tmp_path / "out")
    unknown = FINISHED.copy()
    unknown[0, 5] = 7
    with pytest.raises(TritonError, match="class 7") as refused:
        image.infer(
            "m_boxes",
            {"OUTPUT0": unknown[None], "PLACEMENT": np.array([[64, 64, 0, 0]], np.float32)},
        )
    assert refused.value.code == TritonError.INTERNAL


def test_a_model_without_weights_is_one_model(tmp_path: Path) -> None:
    names = export(tmp_path / "out", "foreground", included_card("foreground"), None)
    assert names == ["foreground"]
    answer = Image(tmp_path / "out").infer(
        "foreground", {**asked(FRAMES), "BACKGROUND": np.array([[b""], [b""]], np.object_)}
    )
    assert answer["COUNT"].tolist() == [[0], [0]]


def test_a_second_stage_keeps_the_name_of_its_input(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", [FINISHED])
    card = card_of(file, "m", {**SAID, "stage": "crop"})
    export(tmp_path / "out", "m", card, file)
    answer = Image(tmp_path / "out").infer("m", {"CROP": np.array([[FRAMES[0]]], np.object_)})
    assert answer["COUNT"].tolist() == [[2]]


def test_the_steps_bring_their_code_and_need_no_onnxruntime(tmp_path: Path) -> None:
    file = constant(tmp_path / "m.onnx", [FINISHED])
    export(tmp_path / "out", "m", card_of(file, "m", SAID), file)
    for step in ("m_decode", "m_boxes"):
        script = (
            "import sys, types\n"
            "sys.modules['onnxruntime'] = None\n"
            "sys.modules['triton_python_backend_utils'] = types.ModuleType('utilities')\n"
            f"exec(compile(open({str(tmp_path / 'out' / step / '1' / 'model.py')!r}).read(),"
            f" {str(tmp_path / 'out' / step / '1' / 'model.py')!r}, 'exec'),"
            f" {{'__file__': {str(tmp_path / 'out' / step / '1' / 'model.py')!r}}})\n"
            "import triton_models\nprint(triton_models.__file__)\n"
        )
        ran = subprocess.run(
            [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.startswith(str(tmp_path / "out" / step))


def test_only_a_new_folder_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine", encoding="utf-8")
    with pytest.raises(Rejected, match="is not empty"):
        export(tmp_path, "foreground", included_card("foreground"), None)
    file = constant(tmp_path / "m.onnx", [FINISHED])
    with pytest.raises(Rejected, match="asks for 416x416"):
        export(tmp_path / "out", "m", included_card("yolox"), file)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.onnx", "notes"]
