"""The figures that detect shows on /metrics beside those that every process has."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

FRAMES = Counter(
    "sightline_frames_total",
    "Looks at frames: answered, dropped or failed.",
    ["camera", "model", "outcome"],
)
LOOK_RATE = Gauge(
    "sightline_looks_per_second", "Frames that models look at in a second while at work."
)
OVERLOADED = Gauge("sightline_overloaded", "1 while frames are dropped for lack of speed.")
OUTSTANDING = Gauge(
    "sightline_server_outstanding", "Pictures that a model server has been asked about.", ["server"]
)
CIRCUIT_OPEN = Gauge(
    "sightline_server_circuit_open", "1 while a model server that failed is left alone.", ["server"]
)
