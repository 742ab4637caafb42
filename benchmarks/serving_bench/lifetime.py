"""What is not requests per second: the time to ready, idle memory, two replicas, and a soak."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Sequence

from serving_bench import servers
from serving_bench.cells import Cell
from serving_bench.generators import drive
from serving_bench.ours import NAME as OURS
from serving_bench.ours import Ours
from serving_bench.rounds import WARM_UP_S, excused, load
from serving_bench.samples import Samples
from serving_bench.servers import Running, Server
from serving_bench.shapes import MINILM_INT8, RESNET, TINY

SETTLE_S = 2.0
LOAD_S = 1.0
LOAD_CONNECTIONS = 16
REPLICAS = 2
REPLICA_CONNECTIONS = 64
"""So many that the operating system gives each process some."""
MIXTURE = (
    Cell("soak", TINY, "json", 8),
    Cell("soak", TINY, "binary", 4),
    Cell("soak", TINY, "grpc", 4),
    Cell("soak", MINILM_INT8, "json", 2),
    Cell("soak", RESNET, "binary", 1),
)
SOAK_WARM_UP_S = 60.0
SOAK_STEP_S = 5.0
"""Between two looks at the memory."""
SOAK_PIECE_S = 20.0
"""How long a generator keeps its connections."""
MEGABYTE = 1e6


def ready(samples: Samples, rounds: int) -> None:
    """From the command line to the first correct answer of MiniLM in INT8."""
    for number in range(rounds):
        with Ours().running(MINILM_INT8, grpc=False) as running:
            samples.add(f"{MINILM_INT8.name}_ready", OURS, number, {"ready_s": running.ready_s})


def memory(samples: Samples, compared: Sequence[Server]) -> None:
    """What a server with the tiny model holds that was asked once, and what it holds after some load. Ours speaks HTTP
    only, as it does unless one asks for more; peers that always speak gRPC as well do so here."""
    for server in compared:
        print(f"Idle memory: {server.label}", flush=True)
        with excused(TINY, server, samples), server.running(TINY, grpc=False) as running:
            time.sleep(SETTLE_S)
            idle = running.tree.memory() / MEGABYTE
            drive(running.address, TINY, "json", LOAD_CONNECTIONS, LOAD_S)
            loaded = running.tree.memory() / MEGABYTE
            samples.add("tiny_memory", server.name, 0, {"idle_mb": idle, "loaded_mb": loaded})


def replicas(samples: Samples, rounds: int, seconds: float) -> None:
    """Two server processes against one."""
    cell = Cell("replicas", TINY, "json", REPLICA_CONNECTIONS)
    for number in range(rounds):
        print(f"Round {number + 1} of {rounds}, {REPLICAS} replicas", flush=True)
        rates = []
        for count in (1, REPLICAS):
            with Ours(replicas=count).running(TINY, grpc=False) as running:
                servers.check(running.address, TINY, ["json"])
                drive(running.address, TINY, "json", REPLICA_CONNECTIONS, WARM_UP_S)
                rates.append(load(running, cell, seconds)["requests_per_s"])
        one, two = rates
        samples.add("two_replicas", OURS, number, {"one": one, "two": two, "times_one": two / one})


def soak(samples: Samples, seconds: float) -> None:
    """The memory of a service with three models under mixed load: its growth from the first tenth of the looks to the
    last, after a minute of the same load."""
    with Ours().serving([TINY, MINILM_INT8, RESNET], grpc=True) as running:
        for cell in MIXTURE:
            servers.check(running.address, cell.shape, [cell.protocol])
        looks, requests = _looks_under_load(running, seconds)
    tenth = max(1, len(looks) // 10)
    begun, ended = statistics.mean(looks[:tenth]), statistics.mean(looks[-tenth:])
    found = {"growth": ended / begun - 1, "begun_mb": begun, "ended_mb": ended, "requests": float(requests)}
    samples.add("soak", OURS, 0, {**found, "most_mb": max(looks), "seconds": seconds})


def _looks_under_load(running: Running, seconds: float) -> tuple[list[float], int]:
    over, counts, failures = threading.Event(), [], []

    def ask(cell: Cell) -> None:
        try:
            while not over.is_set():
                seen = drive(running.address, cell.shape, cell.protocol, cell.connections, SOAK_PIECE_S)
                counts.append(seen.requests)
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            failures.append(error)
            over.set()

    threads = [threading.Thread(target=ask, args=(cell,)) for cell in MIXTURE]
    for thread in threads:
        thread.start()
    begun, looks = time.monotonic(), []
    while (passed := time.monotonic() - begun) < SOAK_WARM_UP_S + seconds and not over.wait(SOAK_STEP_S):
        if passed + SOAK_STEP_S >= SOAK_WARM_UP_S:
            looks.append(running.tree.memory() / MEGABYTE)
    over.set()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return looks, sum(counts)
