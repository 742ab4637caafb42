"""What one inference request costs our front end, without sockets, so that it can be judged on a noisy machine.

    python benchmarks/hot_path.py                  # microseconds a request: the best of many short runs
    python benchmarks/hot_path.py --instructions   # processor instructions a request, under valgrind; some minutes
    python benchmarks/hot_path.py --profile        # where the time goes, by function

The bytes of a request go to the protocol of each of 16 connections in turn, as the event loop would hand them over, and
what it writes is kept: parsing, the token, routing, decoding, ONNX Runtime on the tiny model, encoding and counting are
all in it. Instructions do not depend on what else runs here: two counts of the same code differed by 0.2 %. `model` is
ONNX Runtime's part, called as the service calls it."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import ctypes
import gc
import json
import math
import os
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import uvicorn
import uvloop
from serving_bench import shapes
from serving_bench.places import BUILD
from serving_bench.shapes import TINY

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.records import Arm, Format, Lineage, NewVersion, ServedModel, ServiceSpec, Step
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.serving import planning, replica
from jupyter_modeldeploy.serving.access import guard
from jupyter_modeldeploy.serving.endpoint import Endpoint
from jupyter_modeldeploy.serving.execution import served
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.http.protocol import InferenceProtocol
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

CONNECTIONS = 16
BURST = 500
"""Requests a short run: a few milliseconds, so that some of the runs are not interrupted."""
MARK = "ffi_call"
"""The function of libffi through which `marked` calls bsearch, which calls us."""
PATHS = ("json", "binary", "model")

Send = Callable[[int], None]
"""Make so many requests."""


class Wire(asyncio.Transport):
    """A connection without a socket, which keeps the last that was written."""

    def __init__(self) -> None:
        super().__init__()
        self.wire = self
        self.writes = 0
        self.last = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.writes += 1
        self.last = bytes(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        raise ConnectionError(f"The connection was closed after {self.last!r}.")

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def main() -> None:
    arguments = _arguments()
    # However slow this machine, or valgrind, makes the model: it is measured on the way that fast models take.
    served.INLINE_MS = served.INLINE_LIMIT_S = math.inf
    if arguments.instructions:
        for path in arguments.paths:
            print(f"{path:8}{instructions(path):10,.0f} instructions a request", flush=True)
        return
    shapes.make()
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        uvloop.run(_in_loop(Path(folder), arguments))


async def _in_loop(folder: Path, arguments: argparse.Namespace) -> None:
    sends = senders(folder)
    gc.collect()
    gc.freeze()
    for path in arguments.paths:
        send = sends[path]
        send(BURST)
        if arguments.marked:
            marked(send)
        elif arguments.profile:
            profile(send)
        else:
            best, median = microseconds(send, arguments.bursts)
            print(f"{path:8}{best:8.2f} µs a request, {median:.2f} in the median run")


def senders(folder: Path) -> dict[str, Send]:
    """A way to make requests for each of `PATHS`; raises RuntimeError where an answer is not the model's."""
    store = Store(Settings(folder / "root"))
    add_tiny(store, folder / "tiny")
    spec = ServiceSpec(name="hot", models=[ServedModel(model="tiny", arms=[Arm(version=1)])], instances=1)
    _, config, token = serve(store, spec)
    store.close()
    server = uvicorn.Server(config)
    connections = [connection(server) for _ in range(CONNECTIONS)]
    sends: dict[str, Send] = {}
    header = f"Inference-Header-Content-Length: {TINY.header_length}\r\n"
    for path, request in {
        "json": request_of(token, TINY.json.read_bytes()),
        "binary": request_of(token, TINY.binary.read_bytes(), header),
    }.items():
        sends[path] = _sender(connections, request)
        sends[path](CONNECTIONS)
        check(path, connections[0].transport.wire.last)
    sends["model"] = _model(OnnxRuntime(TINY.model.parent))
    return sends


def add_tiny(store: Store, folder: Path) -> None:
    """The tiny model as the next version of itself."""
    new = NewVersion(model="tiny", format=Format.onnx, task="tensor", lineage=Lineage(step=Step.imported))
    store.versions.add(new, Path(shutil.copytree(TINY.model.parent, folder)))


def serve(store: Store, spec: ServiceSpec) -> tuple[Endpoint, uvicorn.Config, str]:
    """What a server process makes of a plan, short of listening: the endpoint, uvicorn's configuration, the token."""
    plan = planning.plan_of(store, spec, revision=1)
    planning.write(store, plan)
    plan.metrics_folder.mkdir(parents=True, exist_ok=True)
    metrics = Metrics(plan.metrics_folder, plan.replica)
    models = replica._loaded(plan, metrics)
    instances = Instances(1, spec.max_queue, spec.timeout_s, asyncio.get_running_loop())
    folder = plan.metrics_folder.parent
    endpoint = Endpoint(spec.name, models, guard(plan.token_folder), instances, metrics, spec.max_body_bytes, folder)
    endpoint.configure(spec)
    config = replica._config(endpoint, spec)
    config.load()
    return endpoint, config, store.ensure_service_token(spec.name)


def check(path: str, answer: bytes) -> None:
    """Raises RuntimeError where this is not what the model answers to the request."""
    head, _, body = answer.partition(b"\r\n\r\n")
    (expected,) = TINY.expected.values()
    if head.startswith(b"HTTP/1.1 200"):
        in_json = path == "json"
        values = json.loads(body)["outputs"][0]["data"] if in_json else memoryview(body[-4 * len(expected) :]).cast("f")
        if np.allclose(values, expected, rtol=1e-4):
            return
    raise RuntimeError(f"A wrong answer to {path}: {answer!r}")


def microseconds(send: Send, bursts: int) -> tuple[float, float]:
    """A request's, in the best and in the median run."""
    times = []
    for _ in range(bursts):
        begun = time.perf_counter()
        send(BURST)
        times.append((time.perf_counter() - begun) / BURST * 1e6)
    times.sort()
    return times[0], times[len(times) // 2]


def profile(send: Send) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(send, 40 * BURST)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(30)


def instructions(path: str) -> float:
    """A request's, counted by callgrind while `marked` calls a C function."""
    if shutil.which("valgrind") is None:
        sys.exit("Counting instructions needs valgrind. On Debian or Ubuntu: apt-get install valgrind")
    counting = ["valgrind", "--tool=callgrind", f"--toggle-collect={MARK}", "--callgrind-out-file=/dev/null"]
    command = [*counting, sys.executable, __file__, "--paths", path, "--marked"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=False
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        sys.exit(f"valgrind counted nothing (status {done.returncode}):\n{done.stderr[-3000:]}")
    return int(found[1]) / BURST


def marked(send: Send) -> None:
    """A burst inside a call of a C function, so that a counter outside knows where it begins and ends."""
    libc = ctypes.CDLL(None)
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def compare(key: int, element: int) -> int:
        send(BURST)
        return 0

    some = ctypes.create_string_buffer(8)
    size = ctypes.c_size_t
    libc.bsearch(some, some, size(1), size(8), kind(compare))


def connection(server: uvicorn.Server) -> InferenceProtocol:
    protocol = InferenceProtocol(config=server.config, server_state=server.server_state, app_state={})
    protocol.connection_made(Wire())
    return protocol


def request_of(token: str, body: bytes, headers: str = "") -> bytes:
    head = (
        "POST /v2/models/tiny/infer HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


def _sender(connections: list[InferenceProtocol], request: bytes) -> Send:
    """Each request goes to the next connection; raises RuntimeError where one is not answered at once."""
    wires = [connection.transport.wire for connection in connections]
    receive = [connection.data_received for connection in connections]

    def send(count: int) -> None:
        before = sum(wire.writes for wire in wires)
        for number in range(count):
            receive[number % CONNECTIONS](request)
        InferenceProtocol.outbox.send()
        if (answers := sum(wire.writes for wire in wires) - before) != count:
            raise RuntimeError(f"{count} requests were answered at once by {answers} writes.")

    return send


def _model(runtime: OnnxRuntime) -> Send:
    with np.load(TINY.folder / "inputs.npz") as archive:
        inputs: Tensors = dict(archive)

    def send(count: int) -> None:
        for _ in range(count):
            runtime.run(inputs)

    return send


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what a request costs the front end, without sockets.")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--instructions", action="store_true", help="count processor instructions with valgrind")
    kind.add_argument("--profile", action="store_true", help="show the time by function")
    kind.add_argument("--marked", action="store_true", help="only make a burst of requests, for a counter outside")
    parser.add_argument("--bursts", type=int, default=100, help=f"runs of {BURST} requests (default 100)")
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=PATHS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
