"""Start the workers of a training and wait for them: here on this machine; others can do it elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

from jupyter_modeldeploy import processes as system
from jupyter_modeldeploy.errors import WorkerDied, described
from jupyter_modeldeploy.training.distributed.exchange import Exchange

WORKER = "jupyter_modeldeploy.training.distributed.worker"
LOOK_EVERY_S = 0.05
AFTERMATH_S = 2.0
LOG_TAIL = 2000


class Launcher(Protocol):
    """One attempt of a training. Who calls it starts the next attempt, which goes on from the last checkpoint."""

    def run(self, exchange: Exchange, processes: int, look: Callable[[], None]) -> None:
        """Start `processes` workers, call `look` a few times per second, and return when all are done.

        No worker is left when it returns or raises: WorkerDied when one was lost, which is worth another attempt;
        JobFailed when the caller's code failed, and what else a worker raised, which is not."""


class LocalProcesses:
    """Workers on this machine, as processes of their own: nothing is forked, and the caller's `__main__` is not
    imported again, so neither a notebook nor a script without a guard is in the way.

    With `sessions` each leads a session of its own, so that an interrupt of the caller ends it in order, by the caller;
    without, whoever ends the caller's session ends them too."""

    def __init__(self, sessions: bool = True) -> None:
        self._sessions = sessions

    def run(self, exchange: Exchange, processes: int, look: Callable[[], None]) -> None:
        exchange.forget_failures()
        meeting = exchange.folder / f"meeting-{uuid.uuid4().hex}"
        workers: list[_Worker] = []
        try:
            for rank in range(processes):
                workers.append(_Worker(exchange.folder, rank, processes, meeting, self._sessions))
            while not all(worker.code == 0 for worker in workers):
                time.sleep(LOOK_EVERY_S)
                look()
                if any(worker.code for worker in workers):
                    _raise_what_happened(exchange, workers)
        finally:
            for worker in workers:
                worker.end()
        look()


class _Worker:
    """A process that ends by itself when the caller does: its standard input is then closed."""

    def __init__(self, folder: Path, rank: int, processes: int, meeting: Path, session: bool) -> None:
        self.rank = rank
        self._log: IO[bytes] = (folder / f"worker-{rank}.log").open("w+b")
        arguments = [str(folder), str(rank), str(processes), str(meeting)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER, *arguments],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=session,
        )

    @property
    def code(self) -> int | None:
        return self._process.poll()

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-LOG_TAIL:].strip()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._log.close()


def _raise_what_happened(exchange: Exchange, workers: list[_Worker]) -> None:
    """When one worker is killed, the others fail at once since they miss it, and may be seen first."""
    deadline = time.monotonic() + AFTERMATH_S
    while any(worker.code is None for worker in workers) and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY_S)
    for worker in workers:
        if worker.code and (worker.code < 0 or not exchange.failed(worker.rank)):
            how = f"by signal {-worker.code}" if worker.code < 0 else f"with code {worker.code}"
            raise WorkerDied(f"Worker {worker.rank} of {len(workers)} ended {how}.", worker.log())
    failure = exchange.failure()
    assert failure is not None, "a worker that fails with an error leaves word of it"
    raise described(failure["code"], failure["message"], failure["hint"])


def _environment() -> dict[str, str]:
    """Modules are found where the caller finds them; what the workers tell each other stays within the machine."""
    loopback = "lo0" if sys.platform == "darwin" else "lo"
    return {
        **system.computing_environment(),
        "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),
        "GLOO_SOCKET_IFNAME": loopback,
        "NCCL_SOCKET_IFNAME": loopback,
    }
