"""A model for a stock Triton image, with or without a GPU: an ensemble made from its card.

``NAME`` is an ensemble of ``NAME_decode`` (Python: JPEG to tensor), ``NAME_network`` (ONNX Runtime,
on the GPU where there is one) and ``NAME_boxes`` (Python: outputs to objects), with the interface of
the embedded layout. A model without weights is one Python model. The Python steps bring their code
along, so the image needs nothing of ours.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

from schemas.errors import Rejected
from streams.inference.cards import CARD_FILE, read_card
from streams.inference.configs import MAX_BATCH, OBJECTS, Tensor, model_config, questions, text_of
from streams.inference.stock_readme import ENGINES, readme
from triton_models.kit.build import checked_session
from triton_models.kit.card import Card
from triton_models.kit.session import BadModelFile, Session

Precision = Literal["fp32", "fp16"]
PYTHON_INSTANCES = 4
"""Of each Python step: decoding keeps a core busy, and a GPU waits for several."""
NETWORK_INSTANCES = 2
"""Two on each GPU, so that one computes while the other's tensors travel."""
QUEUE_DELAY_US = 2000
_KINDS = {
    "tensor(float)": "TYPE_FP32",
    "tensor(float16)": "TYPE_FP16",
    "tensor(int32)": "TYPE_INT32",
    "tensor(int64)": "TYPE_INT64",
}
_WEIGHTS = "model.onnx"
_STEP = """\
import pathlib
import sys

# The code of the steps lies beside this file.
sys.path.insert(0, str(pathlib.Path(__file__).parent))

from triton_models.kit.{module} import {step} as TritonPythonModel  # noqa: E402, F401
"""


@dataclass(frozen=True)
class Plan:
    """The models of an ensemble: their configurations by name."""

    configs: Mapping[str, Any]
    batch: int
    """The most frames of one request; 0: the network takes one at a time."""


def export(
    folder: Path,
    name: str,
    card_text: str,
    weights: Path | None,
    *,
    version: str = "1",
    tensorrt: Precision | None = None,
) -> list[str]:
    """Write a model for a stock image into a new or empty folder; return the models' names.

    Args:
        folder: becomes the image's model repository, with a ``README.md`` beside the models.
        name: of the ensemble.
        card_text: YAML text of the card.
        weights: ONNX; None for a model without.
        version: what answers say of the version, as they do at the site it comes from.
        tensorrt: have ONNX Runtime use TensorRT, in this precision.

    Raises:
        Rejected: the folder holds something, or the weights do not fit the card.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Rejected(f"{folder} is not empty: name a new folder", reason="not-empty")
    card = read_card(card_text, name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as staged:
        made = Path(staged) / "models"
        if card.weightless or weights is None:
            plan = _alone(name, card)
            _write_python(made / name / version, card, "backend", "TritonPythonModel")
        else:
            plan = planned(name, card, _session(card, weights), tensorrt)
            _write_python(made / f"{name}_decode" / version, card, "steps", "DecodeStep")
            _write_python(made / f"{name}_boxes" / version, card, "steps", "BoxesStep")
            (made / f"{name}_network" / version).mkdir(parents=True)
            shutil.copyfile(weights, made / f"{name}_network" / version / _WEIGHTS)
            (made / name / version).mkdir(parents=True)
            # Triton wants a version's folder, and copying tools drop empty ones.
            (made / name / version / ".keep").touch()
        for one, config in plan.configs.items():
            (made / one / "config.pbtxt").write_text(text_of(config), encoding="utf-8")
        (made / name / CARD_FILE).write_text(card_text, encoding="utf-8")
        text = readme(name, card, list(plan.configs), batch=plan.batch, tensorrt=tensorrt)
        (made / "README.md").write_text(text, encoding="utf-8")
        made.chmod(0o755)
        made.replace(folder)
    return list(plan.configs)


def planned(name: str, card: Card, session: Session, tensorrt: Precision | None) -> Plan:
    """Return the ensemble of a network and its steps.

    Frames are batched before the network, across requests, where it takes batches.
    """
    batch = MAX_BATCH if session.takes_batches else 0
    pixels = Tensor("PIXELS", _KINDS[session.input.type], (3, card.height, card.width))
    placement = Tensor("PLACEMENT", "TYPE_FP32", (4,))
    ends = [
        Tensor(output.name, _KINDS.get(output.type, "TYPE_FP32"), shape)
        for output, shape in zip(session.outputs, session.shapes, strict=True)
    ]
    raw = [Tensor(f"OUTPUT{n}", end.kind, end.sides) for n, end in enumerate(ends)]
    # What the network takes, by the name that the decoding step gives it.
    taken = {"PIXELS": Tensor(session.input.name, pixels.kind, pixels.sides)}
    if session.size_input is not None:
        taken["SIZE"] = Tensor(session.size_input.name, _KINDS[session.size_input.type], (2,))
    given = [Tensor(own, one.kind, one.sides) for own, one in taken.items()]
    decode = _python(f"{name}_decode", questions(card), (*given, placement), batch)
    boxes = _python(f"{name}_boxes", (*raw, placement), OBJECTS, batch)
    network = model_config(f"{name}_network", list(taken.values()), ends, batch=batch)
    network.backend = "onnxruntime"
    network.instance_group.add(count=NETWORK_INSTANCES, kind="KIND_AUTO")
    if batch:
        network.dynamic_batching.max_queue_delay_microseconds = QUEUE_DELAY_US
    if tensorrt is not None:
        _accelerate(network, tensorrt, batch)
    ensemble = model_config(name, questions(card), OBJECTS, batch=batch)
    ensemble.platform = "ensemble"
    asked = {tensor.name: tensor.name for tensor in questions(card)}
    steps = (
        (decode.name, asked, {own: own.lower() for own in (*taken, "PLACEMENT")}),
        (
            network.name,
            {one.name: own.lower() for own, one in taken.items()},
            {end.name: f"raw{n}" for n, end in enumerate(ends)},
        ),
        (
            boxes.name,
            {**{one.name: f"raw{n}" for n, one in enumerate(raw)}, "PLACEMENT": "placement"},
            {tensor.name: tensor.name for tensor in OBJECTS},
        ),
    )
    for model, inputs, outputs in steps:
        step = ensemble.ensemble_scheduling.step.add(model_name=model, model_version=-1)
        step.input_map.update(inputs)
        step.output_map.update(outputs)
    return Plan({one.name: one for one in (ensemble, decode, network, boxes)}, batch)


def _accelerate(network: Any, precision: Precision, batch: int) -> None:
    """Hand the network to TensorRT, with one engine for all batches, kept on disk."""
    accelerators = network.optimization.execution_accelerators
    accelerator = accelerators.gpu_execution_accelerator.add(name="tensorrt")
    accelerator.parameters["precision_mode"] = precision.upper()
    accelerator.parameters["max_workspace_size_bytes"] = str(1 << 30)
    accelerator.parameters["trt_engine_cache_enable"] = "1"
    accelerator.parameters["trt_engine_cache_path"] = ENGINES
    # Without these a batch of another size would have its engine built while frames wait.
    for name, count in (("min", 1), ("opt", batch // 2), ("max", batch)):
        if batch:
            accelerator.parameters[f"trt_profile_{name}_shapes"] = ",".join(
                f"{one.name}:{'x'.join(map(str, (count, *one.dims)))}" for one in network.input
            )


def _alone(name: str, card: Card) -> Plan:
    return Plan({name: _python(name, questions(card), OBJECTS, MAX_BATCH)}, MAX_BATCH)


def _python(name: str, inputs: Sequence[Tensor], outputs: Sequence[Tensor], batch: int) -> Any:
    config = model_config(name, inputs, outputs, batch=batch)
    config.backend = "python"
    config.instance_group.add(count=PYTHON_INSTANCES, kind="KIND_CPU")
    return config


def _session(card: Card, weights: Path) -> Session:
    try:
        return checked_session(card, weights)
    except BadModelFile as error:
        raise Rejected(str(error), reason="bad-model") from error


def _write_python(version: Path, card: Card, module: str, step: str) -> None:
    version.mkdir(parents=True)
    (version / "model.py").write_text(_STEP.format(module=module, step=step), encoding="utf-8")
    (version / "card.json").write_text(json.dumps(asdict(card), indent=1), encoding="utf-8")
    package = version / "triton_models"
    with as_file(files("triton_models").joinpath("kit")) as kit:
        shutil.copytree(kit, package / "kit", ignore=shutil.ignore_patterns("__pycache__"))
    (package / "__init__.py").write_text('"""The code of the steps."""\n', encoding="utf-8")
