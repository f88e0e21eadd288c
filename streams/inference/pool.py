"""Which server a request goes to: one that holds the model and is well, with the least to do.

Pure: a state and step functions over times that are handed in; ``streams.inference.servers`` does
the talking. A server that does not answer is left alone for a while (``circuit``), and so is a
single model that fails at a server, which goes on answering about its others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from streams.inference.circuit import (
    CLOSED,
    Circuit,
    CircuitConfig,
    abandoned,
    began,
    failed,
    lets_through,
)

_SMOOTHING = 0.2

End = Literal["answered", "refused", "missing", "model-failed", "server-failed"]
"""How a request ended: ``refused`` blames the picture and nobody else."""


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """Limits."""

    circuit: CircuitConfig = field(default_factory=CircuitConfig)
    known_s: float = 5.0
    """So long a server's word counts that it holds a model, or does not."""


@dataclass(frozen=True, slots=True)
class Place:
    """A model at a server."""

    held: bool | None = None
    """None: the server has not been asked."""
    asked_s: float = 0.0
    picture_s: float = 0.0
    """Smoothed seconds for one picture, waiting included; 0: not known."""
    circuit: Circuit = CLOSED


@dataclass(frozen=True, slots=True)
class Server:
    """What is known of one server."""

    outstanding: int = 0
    """Pictures under way."""
    circuit: Circuit = CLOSED
    places: Mapping[str, Place] = field(default_factory=dict)
    """Of each model that was asked for."""

    def place(self, model: str) -> Place:
        """Return what is known of a model here."""
        return self.places.get(model, Place())


Pool = Mapping[str, Server]
"""Each server by its address, in the order of the settings."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A request on its way."""

    server: str
    model: str
    pictures: int
    began_s: float
    ask: bool
    """First ask the server whether it holds the model."""
    probes_server: bool
    probes_model: bool


def pick(
    pool: Pool, model: str, pictures: int, tried: frozenset[str], now_s: float, config: PoolConfig
) -> tuple[Pool, Pick | None]:
    """Return the pool with a request under way, and where it goes; None: nowhere now.

    The least outstanding pictures win, then the shortest time for one, then the order of the
    settings: a server never measured counts as quick, so that it is.

    Args:
        pool: before.
        model: the model asked.
        pictures: how many there are in the request.
        tried: servers that this request has been at.
        now_s: a clock that never goes back.
        config: limits.
    """
    open_to = [
        name
        for name, server in pool.items()
        if name not in tried
        and lets_through(server.circuit, now_s)
        and lets_through(server.place(model).circuit, now_s)
        and not (server.place(model).held is False and _fresh(server.place(model), now_s, config))
    ]
    if not open_to:
        return pool, None
    chosen = min(
        open_to, key=lambda name: (pool[name].outstanding, pool[name].place(model).picture_s)
    )
    server = pool[chosen]
    place = server.place(model)
    probes = server.circuit.is_open, place.circuit.is_open
    ask = any(probes) or not place.held or not _fresh(place, now_s, config)
    under_way = replace(
        server,
        outstanding=server.outstanding + pictures,
        circuit=began(server.circuit),
        places={**server.places, model: replace(place, circuit=began(place.circuit))},
    )
    picked = Pick(chosen, model, pictures, now_s, ask, *probes)
    return {**pool, chosen: under_way}, picked


def holds(pool: Pool, picked: Pick, now_s: float) -> Pool:
    """Return the pool after the server said that it holds the model."""
    server = pool[picked.server]
    place = replace(server.place(picked.model), held=True, asked_s=now_s)
    return {
        **pool,
        picked.server: replace(server, places={**server.places, picked.model: place}),
    }


def ended(pool: Pool, picked: Pick, end: End, now_s: float, config: PoolConfig) -> Pool:
    """Return the pool after a request has ended, however it did."""
    server = pool[picked.server]
    place = server.place(picked.model)
    probes_server, probes_model = picked.probes_server, picked.probes_model
    if end == "server-failed":
        circuit = failed(server.circuit, now_s, config.circuit, probe=probes_server)
        place = replace(place, circuit=abandoned(place.circuit, probe=probes_model))
    else:
        # Any answer, be it that the model is missing, shows that the server is well.
        circuit = server.circuit if server.circuit.is_open and not probes_server else CLOSED
        place = _told(place, picked, end, now_s, config)
    after = replace(
        server,
        outstanding=server.outstanding - picked.pictures,
        circuit=circuit,
        places={**server.places, picked.model: place},
    )
    return {**pool, picked.server: after}


def is_missing(pool: Pool, model: str) -> bool:
    """Tell whether all servers answer, and none of them holds the model."""
    return all(
        server.place(model).held is False and not server.circuit.is_open for server in pool.values()
    )


def is_failing(pool: Pool, model: str) -> bool:
    """Tell whether the model fails again and again wherever it is held and the server is well."""
    well = [server for server in pool.values() if not server.circuit.is_open]
    held = [server.place(model) for server in well if server.place(model).held]
    return bool(held) and all(place.circuit.is_open for place in held)


def _told(place: Place, picked: Pick, end: End, now_s: float, config: PoolConfig) -> Place:
    if end == "missing":
        return Place(held=False, asked_s=now_s)
    if end == "model-failed":
        circuit = failed(place.circuit, now_s, config.circuit, probe=picked.probes_model)
        return replace(place, circuit=circuit)
    still_open = place.circuit.is_open and not picked.probes_model
    place = replace(place, circuit=place.circuit if still_open else CLOSED)
    if end == "refused":
        return place
    took_s = (now_s - picked.began_s) / picked.pictures
    smoothed = place.picture_s + _SMOOTHING * (took_s - place.picture_s)
    return replace(place, picture_s=smoothed if place.picture_s else took_s)


def _fresh(place: Place, now_s: float, config: PoolConfig) -> bool:
    return place.held is not None and now_s - place.asked_s < config.known_s
