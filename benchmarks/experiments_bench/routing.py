"""What it costs to choose a version: the processor time that a split, and rules before it, add to a request.

The requests of `hot_path` go to the protocol of 16 connections, each with a unit of its own of 10 to 36 characters, so
that no head is known and no unit was seen before. The endpoint of the same process routes in turn by one version, by a
split of two, by the same with rules that do not fit, and with a namespace. `split_alone` is a split that gives nobody
to the second version: that two models are in the processor's caches in turn is no part of choosing.

`recorded` is one version whose requests are recorded with an attribute; what a burst leaves is encoded and written at
its end, which a service does once a second.

What disturbs a burst makes it slower, never quicker: compared are the means of each way's quickest third, with the
interval that resampling the rounds gives."""

from __future__ import annotations

import gc
import math
import random
import string
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hot_path
import numpy as np
import uvicorn
import uvloop
from serving_bench import shapes
from serving_bench.places import BUILD
from serving_bench.shapes import TINY

from jupyter_modeldeploy.records import Arm, Recording, ServedModel, ServiceSpec
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.execution import served
from jupyter_modeldeploy.serving.http.protocol import InferenceProtocol
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

UNITS, ROUNDS, BURST = 4000, 480, 250
RULES = [
    {"conditions": [{"attribute": "region", "operator": "in", "value": ["eu", "uk"]}], "version": 2},
    {"conditions": [{"attribute": "header:user-agent", "operator": "prefix", "value": "curl"}], "version": 1},
]
CONFIGURED: dict[str, dict[str, Any]] = {
    "single": {"arms": [(1, 1.0), (2, 0.0)]},
    "split": {"arms": [(1, 0.5), (2, 0.5)]},
    "split_alone": {"arms": [(1, 1.0), (2, 1e-12)]},
    "rules": {"arms": [(1, 1.0), (2, 1e-12)], "rules": RULES},
    "recorded": {"arms": [(1, 1.0), (2, 0.0)], "recording": {"exposures": True, "attributes": ["region"]}},
    "namespace": {"arms": [(1, 1.0), (2, 1e-12)], "namespace": {"id": "checkout", "start": 0.0, "end": 1.0}},
}


def run() -> dict[str, Any]:
    """`routing_cpu_us` and `recording_cpu_us`: microseconds that a split, and recording, add to a request."""
    served.INLINE_MS = served.INLINE_LIMIT_S = math.inf
    shapes.make()
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        times = uvloop.run(_measured(Path(folder)))
    ways = list(times)
    taken = np.array([times[way] for way in ways])
    draw = np.random.default_rng(20)
    again = np.array([_quick(taken[:, draw.integers(0, ROUNDS, ROUNDS)]) for _ in range(1000)])
    quick = _quick(taken)
    low, high = np.quantile(again - again[:, :1], (0.025, 0.975), axis=0)
    print(f"{ways[0]:12}{quick[0]:8.2f} µs a request")
    figures: dict[str, Any] = {"single_us": round(float(quick[0]), 3)}
    for way, found, least, most in list(zip(ways, quick - quick[0], low, high, strict=True))[1:]:
        print(f"{way:12}{found:+8.2f} µs (95 %: {least:+.2f} … {most:+.2f})")
        figures[f"{way}_us"] = round(float(found), 3)
        figures[f"{way}_interval_us"] = [round(float(least), 3), round(float(most), 3)]
    added_us = {"routing_cpu_us": figures["split_us"], "recording_cpu_us": figures["recorded_us"]}
    return {**added_us, "routing": {**figures, "rounds": ROUNDS, "units": UNITS}}


def _quick(times: np.ndarray) -> np.ndarray:
    """The mean of the quickest third of each row."""
    return np.partition(times, ROUNDS // 3, axis=1)[:, : ROUNDS // 3].mean(axis=1)


async def _measured(folder: Path) -> dict[str, list[float]]:
    store = Store(Settings(folder / "root"))
    for number in (1, 2):
        hot_path.add_tiny(store, folder / f"tiny{number}")
    endpoint, config, token = hot_path.serve(store, _spec(**CONFIGURED["split"]))
    store.close()
    server = uvicorn.Server(config)
    connections = [hot_path.connection(server) for _ in range(hot_path.CONNECTIONS)]
    receive = [connection.data_received for connection in connections]
    requests = _requests(token)
    ways = {name: _way(endpoint, _spec(**fields)) for name, fields in CONFIGURED.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    gc.collect()
    gc.freeze()
    gc.disable()
    for number in range(ROUNDS):
        burst = requests[number * BURST % UNITS :][:BURST]  # short, so that many are not disturbed
        for name in random.sample(list(ways), len(ways)):
            ways[name]()
            _send(receive, requests[-16:])
            begun = time.process_time()
            _send(receive, burst)
            if (exposures := endpoint.policy.exposures) is not None:
                exposures.flush()
            times[name].append((time.process_time() - begun) / BURST * 1e6)
    hot_path.check("json", connections[0].transport.wire.last)
    return times


def _way(endpoint: Endpoint, spec: ServiceSpec) -> Callable[[], None]:
    """How to go over to the routing of `spec`: to configure all for each round would empty the processor's caches."""
    endpoint.configure(spec)
    model, target = endpoint.models["tiny"], endpoint.routes[b"/v2/models/tiny/infer"]
    choose, version, exposures = model.choose, target.version, endpoint.policy.exposures

    def go() -> None:
        model.choose, target.version, endpoint.policy.exposures = choose, version, exposures

    return go


def _send(receive: list[Any], requests: list[bytes]) -> None:
    for number, request in enumerate(requests):
        receive[number % hot_path.CONNECTIONS](request)
    InferenceProtocol.outbox.send()


def _requests(token: str) -> list[bytes]:
    """Units that look like those of others: numbers, names, hexadecimal digits."""
    draw = random.Random(20)
    letters = string.ascii_letters + string.digits + "-_"
    body = TINY.json.read_bytes()
    units = ("".join(draw.choices(letters, k=draw.randint(10, 36))) for _ in range(UNITS))
    return [
        hot_path.request_of(token, body, f"X-Attribute-Region: us\r\nUser-Agent: bench\r\nX-Unit-Id: {unit}\r\n")
        for unit in units
    ]


def _spec(arms: list[tuple[int, float]], recording: dict[str, Any] | None = None, **fields: Any) -> ServiceSpec:
    shared = [Arm(version=version, weight=weight) for version, weight in arms]
    model = ServedModel.model_validate({"model": "tiny", "arms": shared, **fields})
    return ServiceSpec(name="hot", models=[model], instances=1, recording=Recording(**(recording or {})))
