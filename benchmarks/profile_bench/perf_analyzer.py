"""The load generator beside NVIDIA's perf_analyzer on the same V2 endpoint of ours, in turns: throughput, p50 and p99.

perf_analyzer 2.41 is the last that comes in tritonclient's wheel. It wants Debian's libb64 and, though it loads no GPU
here, CUDA's runtime library, which is taken from PyPI."""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from serving_bench import environments
from serving_bench.shapes import MINILM

from jupyter_modeldeploy.profiling.load import Body, Length, Plan, Step, measure
from jupyter_modeldeploy.progress import Silent
from profile_bench import service
from profile_bench.service import Measured

CLIENT, CUDA = "tritonclient==2.41.0", "nvidia-cuda-runtime-cu12==12.4.127"
CONNECTIONS, WINDOW_S, WINDOWS, ROUNDS = 1, 5, 3, 14
"""One connection: with more both would measure who gets the processor. perf_analyzer measures in three windows; a
second has some two requests beyond the 99th percentile, so that it takes many."""
COLUMNS = {"requests_per_s": "Inferences/Second", "p50_ms": "p50 latency", "p99_ms": "p99 latency"}


def run() -> dict[str, Any]:
    """The median over the rounds of each figure's ratio of ours to perf_analyzer's, and the largest of their distances
    from 1."""
    program = _Program()
    ratios: dict[str, list[float]] = {name: [] for name in COLUMNS}
    with service.running(MINILM) as endpoint:
        for _ in range(ROUNDS):
            theirs, ours = program.measured(endpoint), _measured(endpoint)
            for name, value in ours.items():
                ratios[name].append(value / theirs[name])
    medians = {name: statistics.median(found) for name, found in ratios.items()}
    print("ours over perf_analyzer's: " + ", ".join(f"{name} {ratio:.3f}" for name, ratio in medians.items()))
    error = max(abs(ratio - 1) for ratio in medians.values())
    return {"perf_analyzer_agreement_error": error, "perf_analyzer": ratios}


def _measured(endpoint: Measured) -> dict[str, float]:
    length = Length(WINDOWS * WINDOW_S, 0.0, WINDOW_S / 2, percentile=99, tolerance=0.1, to_the_end=True)
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    body = Body(MINILM.json.read_bytes(), {})
    (step,) = measure(Plan(endpoint.url, [body], [Step(length, concurrency=CONNECTIONS)], headers), Silent())
    assert step.latency.p50 is not None
    assert step.latency.p99 is not None
    return {
        "requests_per_s": step.throughput_rps,
        "p50_ms": step.latency.p50.value,
        "p99_ms": step.latency.p99.value,
    }


def _inputs() -> dict[str, Any]:
    """What `Body` sends, in perf_analyzer's words, which leave the first dimension to the batch."""
    inputs = json.loads(MINILM.json.read_bytes())["inputs"]
    return {each["name"]: {"content": each["data"], "shape": each["shape"][1:]} for each in inputs}


class _Program:
    """perf_analyzer, unpacked when it is first asked for."""

    def __init__(self) -> None:
        (self._path,) = environments.unpacked("perf-analyzer", CLIENT).rglob("bin/perf_analyzer")
        self._path.chmod(0o755)
        (library,) = environments.unpacked("cuda-runtime", CUDA).rglob("libcudart.so.12")
        self._environment = {**os.environ, "LD_LIBRARY_PATH": str(library.parent)}

    def measured(self, endpoint: Measured) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            table, data = Path(folder) / "measured.csv", Path(folder) / "data.json"
            data.write_text(json.dumps({"data": [_inputs()]}))
            address = urlsplit(endpoint.url).netloc
            options = ["-m", MINILM.name, "-u", address, "-i", "http", "-H", f"Authorization:Bearer {endpoint.token}"]
            options += ["--concurrency-range", str(CONNECTIONS), "--percentile", "99", "-f", str(table)]
            options += ["--measurement-interval", str(1000 * WINDOW_S), "--input-data", str(data), "-s", "50"]
            options += ["--input-tensor-format=json", "--output-tensor-format=json"]
            done = subprocess.run(
                [self._path, *options], env=self._environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise SystemExit(
                    f"perf_analyzer failed (does it lack libb64? apt-get install libb64-0d): {done.stderr}"
                )
            (row,) = csv.DictReader(table.read_text().splitlines())
        return {name: float(row[column]) / (1000 if name.endswith("_ms") else 1) for name, column in COLUMNS.items()}
