"""The rounds: in each, every server has its turn, one after the other, and nothing else runs meanwhile.

A server is started for its turn and ended after it, since some of them take processor time while nobody asks. Its
answers are compared with the model's own before anything is measured."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from serving_bench import servers
from serving_bench.cells import LIMIT, Cell
from serving_bench.environments import CannotInstallError
from serving_bench.generators import RequestsFailedError, drive
from serving_bench.ours import NAME as OURS
from serving_bench.places import BENCHMARKS
from serving_bench.samples import Sample, Samples
from serving_bench.servers import FailedToServeError, Running, Server
from serving_bench.shapes import Shape
from serving_bench.tree import used

WARM_UP_S = 1


def prepare(wanted: Sequence[Server], samples: Samples) -> tuple[list[Server], dict[str, dict[str, str]]]:
    """Those that can be had here, and the versions of what they consist of."""
    found, versions = [], {}
    for server in wanted:
        try:
            versions[server.name] = server.prepare()
        except CannotInstallError as error:
            samples.unavailable[server.name] = str(error)
        else:
            found.append(server)
    return found, versions


def measure(
    shape: Shape, cells: Sequence[Cell], compared: Sequence[Server], rounds: int, seconds: float, samples: Samples
) -> None:
    """Fill in the samples of these cells, which are all of this model."""
    for number in range(rounds):
        samples.add(cells[0].name, LIMIT, number, limit(shape, seconds))
        for server in compared:
            its = [cell for cell in cells if cell.protocol in server.protocols]
            if not its or server.name in samples.unavailable:
                continue
            print(f"Round {number + 1} of {rounds}, {shape.name}: {server.label}", flush=True)
            _guarded(shape, its, server, number, seconds, samples)


def limit(shape: Shape, seconds: float) -> Sample:
    """The model alone, on as many threads as a server may run it."""
    arguments = [str(shape.folder), str(shape.instances), str(seconds)]
    command = [sys.executable, "-m", "serving_bench.limit", *arguments]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, check=True)
    sample: Sample = json.loads(done.stdout)
    return sample


def load(running: Running, cell: Cell, seconds: float) -> Sample:
    """Requests and what they cost the server."""
    before = running.tree.cpu_seconds()
    seen = drive(running.address, cell.shape, cell.protocol, cell.connections, seconds)
    cpu = used(before, running.tree.cpu_seconds())
    return {
        "requests_per_s": seen.requests_per_s,
        "p50_ms": seen.p50_ms,
        "p99_ms": seen.p99_ms,
        "cpu_us": cpu / seen.requests * 1e6,
    }


def _guarded(shape: Shape, cells: list[Cell], server: Server, number: int, seconds: float, samples: Samples) -> None:
    try:
        _turn(shape, cells, server, number, seconds, samples)
    except (FailedToServeError, RequestsFailedError) as error:
        if server.name == OURS:
            raise
        samples.unavailable[server.name] = f"{shape.name}: {error}"
        print(f"  {server.label} is left out: {error}", flush=True)


def _turn(shape: Shape, cells: list[Cell], server: Server, number: int, seconds: float, samples: Samples) -> None:
    protocols = list(dict.fromkeys(cell.protocol for cell in cells))
    with server.running(shape, grpc="grpc" in protocols) as running:
        samples.add(f"{shape.name}_ready", server.name, number, {"ready_s": running.ready_s})
        servers.check(running.address, shape, protocols)
        for protocol in protocols:
            its = [cell for cell in cells if cell.protocol == protocol]
            drive(running.address, shape, protocol, its[0].connections, WARM_UP_S)
            for cell in its:
                samples.add(cell.name, server.name, number, load(running, cell, seconds * cell.share))
