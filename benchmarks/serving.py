"""Requests per second and processor time per request of a served tiny model, beside FastAPI and the limit.

    python benchmarks/serving.py [--seconds 5]

A perceptron of 4 × 8 × 3 over JSON (Open Inference Protocol V2) at 16 connections, made by `wrk` on the same machine;
one server process each. The limit is the model alone, in one process without a server. FastAPI is installed in an
environment of its own, `build/benchmark-fastapi`. Writes `benchmarks/results/serving.json`."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import psutil
from onnx import TensorProto, helper, numpy_helper

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.records import Arm, Format, Lineage, NewVersion, ServedModel, ServiceSpec, Step
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

HERE = Path(__file__).parent
RESULT = HERE / "results" / "serving.json"
PEER = HERE.parent / "build" / "benchmark-fastapi"
PEER_PACKAGES = ["fastapi", "uvicorn", "httptools", "uvloop", "orjson", "numpy", "onnxruntime"]
CONNECTIONS = 16
PATH = "/v2/models/mlp/infer"
BODY = json.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [0.1, 0.2, 0.3, 0.4]}]})

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the data plane beside FastAPI and the limit.")
    parser.add_argument("--seconds", type=int, default=5, help="the length of each measurement")
    seconds = parser.parse_args().seconds
    if shutil.which("wrk") is None:
        sys.exit("This benchmark needs wrk. On Debian or Ubuntu: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(Path(folder) / "model")
        rows = [measure_limit(model, seconds)]
        with our_service(Path(folder), model) as (url, token, servers):
            rows.append(measure("jupyter_modeldeploy", url, token, servers, seconds, Path(folder)))
        with fastapi_service(model) as (url, servers):
            rows.append(measure("FastAPI + orjson", url, None, servers, seconds, Path(folder)))
    report(rows)


def make_model(folder: Path) -> Path:
    folder.mkdir()
    generator = np.random.default_rng(0)
    weights = [
        numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32), name)
        for name, shape in (("w1", (4, 8)), ("b1", (8,)), ("w2", (8, 3)))
    ]
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"]),
        helper.make_node("Add", ["h", "b1"], ["hb"]),
        helper.make_node("Relu", ["hb"], ["r"]),
        helper.make_node("MatMul", ["r", "w2"], ["y"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])
    answer = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])
    graph = helper.make_graph(nodes, "mlp", [given], [answer], weights)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx"
    )
    return folder


def measure_limit(model: Path, seconds: int) -> Row:
    runtime, inputs = OnnxRuntime(model), {"x": np.ones((1, 4), np.float32)}
    count, begun, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - begun < seconds:
        for _ in range(1000):
            runtime.run(inputs)
        count += 1000
    elapsed = time.perf_counter() - begun
    cpu_us = (time.process_time() - cpu) / count * 1e6
    return {"name": "in-process limit", "requests_per_s": count / elapsed, "cpu_us_per_request": cpu_us}


@contextlib.contextmanager
def our_service(folder: Path, model: Path) -> Iterator[tuple[str, str | None, list[psutil.Process]]]:
    store = Store(Settings(folder / "root"))
    new = NewVersion(model="mlp", format=Format.onnx, task="tensor", lineage=Lineage(step=Step.imported))
    copy = shutil.copytree(model, folder / "copy")
    store.versions.add(new, copy)
    spec = ServiceSpec(name="benchmark", models=[ServedModel(model="mlp", arms=[Arm(version=1)])], replicas=1)
    service = lifecycle.start(store, spec, "benchmark")
    try:
        assert service.process is not None
        assert service.url is not None
        servers = [one for one in processes.group(service.process) if one.pid != service.process.pid]
        yield service.url, store.service_token("benchmark"), servers
    finally:
        lifecycle.stop(store, "benchmark")
        store.close()


@contextlib.contextmanager
def fastapi_service(model: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    python = PEER / "bin" / "python"
    if not (PEER / "installed").exists():
        venv.create(PEER, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEER_PACKAGES], check=True)
        (PEER / "installed").touch()
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    arguments = ["fastapi_app:app", "--port", str(port), "--no-access-log", "--log-level", "warning"]
    environment = {**os.environ, "MODEL": str(model / "model.onnx")}
    server = subprocess.Popen([python, "-m", "uvicorn", *arguments], cwd=HERE / "peers", env=environment)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        yield url, [psutil.Process(server.pid)]
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            httpx.get(url)
            return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def measure(name: str, url: str, token: str | None, servers: list[psutil.Process], seconds: int, folder: Path) -> Row:
    script = folder / "request.lua"
    header = f'wrk.headers["Authorization"] = "Bearer {token}"\n' if token else ""
    script.write_text(f'wrk.method = "POST"\nwrk.body = [[{BODY}]]\n{header}')
    script.chmod(0o600)
    drive(url, script, 1)
    before = cpu_seconds(servers)
    found = drive(url, script, seconds)
    found["cpu_us_per_request"] = (cpu_seconds(servers) - before) / found.pop("requests") * 1e6
    return {"name": name, **found}


def drive(url: str, script: Path, seconds: int) -> dict[str, float]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(script), url + PATH]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output:
        sys.exit(f"Requests failed:\n{output}")
    return {
        "requests": number(r"(\d+) requests in", output),
        "requests_per_s": number(r"Requests/sec:\s+([\d.]+)", output),
        "p50_ms": milliseconds("50%", output),
        "p99_ms": milliseconds("99%", output),
    }


def number(pattern: str, output: str) -> float:
    found = re.search(pattern, output)
    if found is None:
        sys.exit(f"wrk's output is not understood:\n{output}")
    return float(found[1])


def milliseconds(percentile: str, output: str) -> float:
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0)):
        if found := re.search(rf"{percentile}\s+([\d.]+){unit}\b", output):
            return float(found[1]) * factor
    sys.exit(f"wrk's output is not understood:\n{output}")


def cpu_seconds(servers: list[psutil.Process]) -> float:
    return sum(sum(server.cpu_times()[:2]) for server in servers)


def report(rows: list[Row]) -> None:
    limit, ours, peer = rows
    print(f"{'':22}{'requests/s':>12}{'CPU µs/request':>16}{'p50 ms':>9}{'p99 ms':>9}")
    for row in rows:
        latency = "".join(f"{row[key]:9.2f}" if key in row else f"{'':9}" for key in ("p50_ms", "p99_ms"))
        print(f"{row['name']:22}{row['requests_per_s']:12,.0f}{row['cpu_us_per_request']:16.1f}{latency}")
    figures = {
        "requests_per_s": ours["requests_per_s"],
        "cpu_us_per_request": ours["cpu_us_per_request"],
        "p99_ms": ours["p99_ms"],
        "times_fastapi": ours["requests_per_s"] / peer["requests_per_s"],
        "share_of_limit": ours["requests_per_s"] / limit["requests_per_s"],
    }
    machine = {
        "cores": len(os.sched_getaffinity(0)),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg()[0],
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": machine, "figures": figures, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
