"""The page that goes with a model exported for a stock Triton image."""

from __future__ import annotations

from collections.abc import Sequence

from streams.inference.configs import questions
from triton_models.kit.card import Card

ENGINES = "/tmp/sightline-engines"
"""Where TensorRT keeps its engines in the image."""

_HEAD = """\
# {name} for a stock Triton image

{about}

Made by `sightline models export --target stock`. This folder is a model repository for NVIDIA's
Triton Inference Server, in any image that has the {backends}. The
interface is that of Sightline's own server:

- in: `{picture}`, one JPEG as BYTES, shape [1, 1]{more};
- out: `OBJECTS` [1, n, 6] (x1, y1, x2, y2 of the frame 0..1, score, label index), `COUNT` [1, 1],
  `LABELS` [1, n].

| | |
|---|---|
| models | {models} |
| labels | {count}, from `{first}` to `{last}` |
| licence of the weights | {licence} |

## What the image must have

The Python backend's environment needs `numpy<2` and `opencv-python-headless==4.11.0.86`, which
published images lack; Python 3.10 or newer. A layer on top is enough:

    FROM your-triton-image
    RUN pip install 'numpy<2' opencv-python-headless==4.11.0.86

The same OpenCV as Sightline's gives the same decoded pixels, so the same boxes.

    tritonserver --model-repository=/models --model-control-mode=explicit --load-model={name}

`--load-model={name}` loads the models that it is made of, too.
"""
_NETWORK = """
## The network

It runs on the GPU where Triton finds one, else on the CPU.
{batching}
{tensorrt}
The JPEG is decoded on the CPU, because every decoder gives slightly other pixels. Where that is the
bottleneck, `{name}_decode` can be replaced by a DALI model with the same outputs, `PIXELS` and
`PLACEMENT`; scores then differ a little from those of a replay.
"""
_BATCHES = "Frames of all requests share batches of up to {batch}."
_NO_BATCHES = (
    "Its file takes one picture at a time, so no batches are formed; exported again with an open batch\n"
    "(`dynamic=True` with Ultralytics, `--dynamic` with YOLOX) it would use the GPU better."
)
_TENSORRT = (
    "ONNX Runtime hands it to TensorRT in {precision}; at the first start its engine is built, which\n"
    f"takes up to minutes, and kept in `{ENGINES}`: give that folder a volume.\n"
)


def readme(
    name: str, card: Card, models: Sequence[str], *, batch: int, tensorrt: str | None
) -> str:
    """Return the text of the page, Markdown."""
    backends = "Python backend" if card.weightless else "Python and ONNX Runtime backends"
    text = _HEAD.format(
        name=name,
        backends=backends,
        about=card.about or f"Format {card.decoding}.",
        models=", ".join(f"`{model}`" for model in models),
        count=len(card.labels),
        first=card.labels[0],
        last=card.labels[-1],
        licence=card.licence,
        picture=questions(card)[0].name,
        more="; `BACKGROUND`, thumbnails of earlier frames" if card.weightless else "",
    )
    if card.weightless:
        return text
    return text + _NETWORK.format(
        name=name,
        batching=_BATCHES.format(batch=batch) if batch else _NO_BATCHES,
        tensorrt=_TENSORRT.format(precision=tensorrt.upper()) if tensorrt else "",
    )
