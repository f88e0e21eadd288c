"""What the process of the models shows on /metrics beside the figures of every process."""

from __future__ import annotations

from prometheus_client import Counter

UPDATES = Counter("sightline_model_updates_total", "Model updates answered.", ["model", "state"])
