"""The rounds: in each, every server has its turn, one after the other, and nothing else runs meanwhile.

A server's answers are compared with the model's own before anything is measured. Servers that take processor time
while nobody asks are stopped by a signal between their turns."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence

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

RESTLESS = 0.01
"""The share of a core above which an idle server would cost the others."""
SETTLE_S = 0.5
IDLE_S = 1.0
WARM_UP_S = 1
QUIET_S = 0.3
"""Before a measurement: servers go on with requests whose generator has gone."""


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
    with contextlib.ExitStack() as held:
        contenders = []
        for server in compared:
            if any(cell.protocol in server.protocols for cell in cells):
                with excused(shape, server, samples):
                    contenders.append(Contender(server, shape, cells, samples, held))
        for number in range(rounds):
            print(f"{shape.name}: round {number + 1} of {rounds}", flush=True)
            samples.add(cells[0].name, LIMIT, number, limit(shape, seconds))
            first = number % len(contenders)  # another one begins each round
            for contender in [*contenders[first:], *contenders[:first]]:
                name = contender.server.name
                if samples.why_none(shape.name, name) is None:
                    with excused(shape, contender.server, samples), contender.turn() as running:
                        _measure(running, contender.cells, number, seconds, name, samples)


class Contender:
    """A server that answers rightly, kept from turn to turn. Between them it sleeps if it is restless."""

    def __init__(
        self, server: Server, shape: Shape, cells: Sequence[Cell], samples: Samples, held: contextlib.ExitStack
    ) -> None:
        self.server = server
        self.cells = [cell for cell in cells if cell.protocol in server.protocols]
        protocols = sorted({cell.protocol for cell in self.cells})
        with contextlib.ExitStack() as own:
            self._running = own.enter_context(server.running(shape, "grpc" in protocols))
            samples.add(f"{shape.name}_ready", server.name, 0, {"ready_s": self._running.ready_s})
            servers.check(self._running.address, shape, protocols)
            self._restless = _idle_share(self._running) > RESTLESS
            self._sleep()
            held.enter_context(own.pop_all())

    @contextlib.contextmanager
    def turn(self) -> Iterator[Running]:
        if self._restless:
            self._running.tree.signal(signal.SIGCONT)
        yield self._running
        self._sleep()

    def _sleep(self) -> None:
        if self._restless:
            self._running.tree.signal(signal.SIGSTOP)


@contextlib.contextmanager
def excused(shape: Shape, server: Server, samples: Samples) -> Iterator[None]:
    """A peer that fails with this model is left out of its rounds, and the reason is kept; ours may not fail."""
    try:
        yield
    except (FailedToServeError, RequestsFailedError) as error:
        if server.name == OURS:
            raise
        samples.unavailable[f"{shape.name}/{server.name}"] = str(error)
        print(f"{server.label} is left out: {error}", flush=True)


def limit(shape: Shape, seconds: float) -> Sample:
    """The model alone, on as many threads as a server may run it."""
    arguments = [str(shape.folder), str(shape.instances), str(seconds)]
    command = [sys.executable, "-m", "serving_bench.limit", *arguments]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, check=True)
    sample: Sample = json.loads(done.stdout)
    return sample


def load(running: Running, cell: Cell, seconds: float) -> Sample:
    """Requests and what they cost the server."""
    time.sleep(QUIET_S)
    before = running.tree.cpu_seconds()
    seen = drive(running.address, cell.shape, cell.protocol, cell.connections, seconds)
    cpu = used(before, running.tree.cpu_seconds())
    return {
        "requests_per_s": seen.requests_per_s,
        "p50_ms": seen.p50_ms,
        "p99_ms": seen.p99_ms,
        "cpu_us": cpu / seen.requests * 1e6,
    }


def _measure(
    running: Running, cells: Sequence[Cell], number: int, seconds: float, server: str, samples: Samples
) -> None:
    for protocol in dict.fromkeys(cell.protocol for cell in cells):
        its = [cell for cell in cells if cell.protocol == protocol]
        drive(running.address, its[0].shape, protocol, its[0].connections, WARM_UP_S)
        for cell in its:
            samples.add(cell.name, server, number, load(running, cell, seconds * cell.share))


def _idle_share(running: Running) -> float:
    time.sleep(SETTLE_S)
    before, begun = running.tree.cpu_seconds(), time.monotonic()
    time.sleep(IDLE_S)
    return used(before, running.tree.cpu_seconds()) / (time.monotonic() - begun)
