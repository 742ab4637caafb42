"""What it costs to choose a version: the processor time that a split, and rules before it, add to a request.

The requests of `hot_path` go to the protocol of 16 connections, each with a unit of its own of 10 to 36 characters, so
that no head is known and no unit was seen before. The endpoint of the same process routes in turn by one version, by a
split of two, by the same with rules that do not fit, and with a namespace. `split_alone` is a split that gives nobody
to the second version: that two models are in the processor's caches in turn is no part of choosing.

`recorded` is one version whose requests are recorded with an attribute; what a burst leaves is encoded and written at
its end, which a service does once a second."""

from __future__ import annotations

import asyncio
import gc
import math
import random
import shutil
import string
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import hot_path
import uvicorn
import uvloop
from serving_bench import shapes
from serving_bench.places import BUILD
from serving_bench.shapes import TINY

from jupyter_modeldeploy.records import Arm, Format, Lineage, NewVersion, Recording, ServedModel, ServiceSpec, Step
from jupyter_modeldeploy.serving import planning, replica
from jupyter_modeldeploy.serving.access import guard
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.execution import served
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.http.protocol import InferenceProtocol
from jupyter_modeldeploy.serving.metrics import Metrics
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
    """`routing_cpu_us` and `recording_cpu_us`: microseconds that a split, and recording, add to a request, the median
    of the rounds' differences."""
    served.INLINE_MS = served.INLINE_LIMIT_S = math.inf
    shapes.make()
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        times = uvloop.run(_measured(Path(folder)))
    base = times.pop("single")
    print(f"{'single':12}{median(base):8.2f} µs a request")
    figures: dict[str, Any] = {"single_us": round(median(base), 3)}
    for name, found in times.items():
        added = [after - before for after, before in zip(found, base, strict=True)]
        low, _, high = quantiles(added, n=4)
        print(f"{name:12}{median(added):+8.2f} µs, half of the rounds within {low:+.2f} … {high:+.2f}")
        figures[f"{name}_us"] = round(median(added), 3)
    added_us = {"routing_cpu_us": figures["split_us"], "recording_cpu_us": figures["recorded_us"]}
    return {**added_us, "routing": {**figures, "rounds": ROUNDS, "units": UNITS}}


async def _measured(folder: Path) -> dict[str, list[float]]:
    endpoint, server, token = _endpoint(folder)
    wires = [hot_path.Wire() for _ in range(hot_path.CONNECTIONS)]
    receive = [_connected(server, wire) for wire in wires]
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
    hot_path.check("json", wires[0].last)
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


def _connected(server: uvicorn.Server, wire: hot_path.Wire) -> Any:
    protocol = InferenceProtocol(config=server.config, server_state=server.server_state, app_state={})
    protocol.connection_made(wire)
    return protocol.data_received


def _requests(token: str) -> list[bytes]:
    """Units that look like those of others: numbers, names, hexadecimal digits."""
    draw = random.Random(20)
    letters = string.ascii_letters + string.digits + "-_"
    body = TINY.json.read_bytes()
    units = ("".join(draw.choices(letters, k=draw.randint(10, 36))) for _ in range(UNITS))
    return [
        hot_path._request(token, body, f"X-Attribute-Region: us\r\nUser-Agent: bench\r\nX-Unit-Id: {unit}\r\n")
        for unit in units
    ]


def _spec(arms: list[tuple[int, float]], recording: dict[str, Any] | None = None, **fields: Any) -> ServiceSpec:
    shared = [Arm(version=version, weight=weight) for version, weight in arms]
    model = ServedModel.model_validate({"model": "tiny", "arms": shared, **fields})
    return ServiceSpec(name="hot", models=[model], instances=1, recording=Recording(**(recording or {})))


def _endpoint(folder: Path) -> tuple[Endpoint, uvicorn.Server, str]:
    """What a server process makes of a plan of two versions, short of listening."""
    store = Store(Settings(folder / "root"))
    new = NewVersion(model="tiny", format=Format.onnx, task="tensor", lineage=Lineage(step=Step.imported))
    for number in (1, 2):
        store.versions.add(new, Path(shutil.copytree(TINY.model.parent, folder / f"tiny{number}")))
    spec = _spec(**CONFIGURED["split"])
    plan = planning.plan_of(store, spec, revision=1)
    planning.write(store, plan)
    plan.metrics_folder.mkdir(parents=True, exist_ok=True)
    metrics = Metrics(plan.metrics_folder, plan.replica)
    models = replica._loaded(plan, metrics)
    instances = Instances(1, spec.max_queue, spec.timeout_s, asyncio.get_running_loop())
    parent = plan.metrics_folder.parent
    endpoint = Endpoint(spec.name, models, guard(plan.token_folder), instances, metrics, spec.max_body_bytes, parent)
    endpoint.configure(spec)
    config = replica._config(endpoint, spec)
    config.load()
    token = store.ensure_service_token(spec.name)
    store.close()
    return endpoint, uvicorn.Server(config), token
