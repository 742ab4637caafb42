"""The process that keeps a service up: `python -m jupyter_modeldeploy.serving.supervision.supervisor ROOT NAME`.

It owns the listening socket and the service's row: starts the server processes, restarts those that crash (waiting
longer each time), gives up when they keep crashing, and on SIGTERM lets them finish what is under way. It runs in a
session of its own, so it outlives whoever started it; a server process ends when it loses its supervisor."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.records import Failure, Service, ServiceState
from jupyter_modeldeploy.serving.access import require_loopback
from jupyter_modeldeploy.serving.plan import Message, Plan, PlannedModel, PlannedVersion
from jupyter_modeldeploy.serving.servicelog import tail
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

QUICK_CRASH_S = 10.0
MAX_QUICK_CRASHES = 5
FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 10.0
BACKLOG = 2048

log = logging.getLogger(__name__)


class Supervisor:
    """Keeps the service `name` of the store as its spec wants it."""

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._service: Service = store.services.get(name)
        self._folder = store.service_folder(name)
        self._ready: set[int] = set()
        self._replicas: dict[int, Process] = {}
        self._ending = asyncio.Event()
        self._failure: Failure | None = None

    async def run(self) -> int:
        """Serve until SIGTERM or until there is no hope. Gives the exit status."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.add_signal_handler(signal.SIGINT, self._stop)
        self._publish(state=ServiceState.starting, process=processes.current(), url=None, replicas_ready=0, error=None)
        try:
            await self._serve()
        except (ModelDeployError, OSError) as error:
            self._fail(error)
        ended = {"process": None, "url": None, "replicas_ready": 0}
        if self._failure is not None:
            self._publish(state=ServiceState.failed, error=self._failure, **ended)
            return 1
        self._publish(state=ServiceState.stopped, **ended)
        return 0

    async def _serve(self) -> None:
        spec = self._service.spec
        listener = listen(spec.host, spec.port)
        host = f"[{spec.host}]" if ":" in spec.host else spec.host
        url = f"http://{host}:{listener.getsockname()[1]}"
        plan = self._plan()
        keepers = [
            asyncio.create_task(self._keep(plan.model_copy(update={"replica": index}), listener, url))
            for index in range(spec.replicas)
        ]
        ending = asyncio.create_task(self._ending.wait())
        await asyncio.wait([ending, *keepers], return_when=asyncio.FIRST_COMPLETED)
        self._ending.set()
        for process in self._replicas.values():
            _terminate(process)
        for outcome in await asyncio.gather(*keepers, return_exceptions=True):
            if isinstance(outcome, Exception) and self._failure is None:
                self._fail(outcome)
        listener.close()

    async def _keep(self, plan: Plan, listener: socket.socket, url: str) -> None:
        """Keep one server process up. Ends with the service, or having found that it cannot be kept up."""
        crashes = 0
        while not self._ending.is_set():
            started = time.monotonic()
            process = await self._start(plan, listener)
            failure = await self._wait_ready(plan.replica, process, url)
            code = await process.wait()
            self._replicas.pop(plan.replica, None)
            if self._ending.is_set():
                return
            log.error("replica %d ended: %s", plan.replica, _ended_how(code))
            crashes = crashes + 1 if time.monotonic() - started < QUICK_CRASH_S else 1
            if failure is not None or crashes >= MAX_QUICK_CRASHES:
                self._failure = failure or self._kept_crashing(crashes, code)
                return
            self._lost(plan.replica)
            await self._pause(min(FIRST_BACKOFF_S * 2 ** (crashes - 1), MAX_BACKOFF_S))

    async def _start(self, plan: Plan, listener: socket.socket) -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "jupyter_modeldeploy.serving.replica", str(listener.fileno())),
            stdin=PIPE,
            stdout=PIPE,
            pass_fds=[listener.fileno()],
            env={**processes.clean_environment(), "TOKENIZERS_PARALLELISM": "false"},
        )
        self._replicas[plan.replica] = process
        if process.stdin is not None:
            process.stdin.write(plan.model_dump_json().encode() + b"\n")
        if self._ending.is_set():
            _terminate(process)
        return process

    async def _wait_ready(self, replica: int, process: Process, url: str) -> Failure | None:
        """Give the reason where the server process says that it cannot serve."""
        line = await process.stdout.readline() if process.stdout is not None else b""
        if not line:
            return None
        message = Message.model_validate_json(line)
        if message.ready and not self._ending.is_set():
            self._ready.add(replica)
            self._observed(url)
        return message.failure

    def _observed(self, url: str | None) -> None:
        """All replicas make the service ready; once it is, it stays so while one of them serves."""
        was_ready = self._service.state is ServiceState.ready
        complete = len(self._ready) == self._service.spec.replicas
        state = ServiceState.ready if complete or (was_ready and self._ready) else ServiceState.starting
        self._publish(state=state, url=url, replicas_ready=len(self._ready))

    def _lost(self, replica: int) -> None:
        self._ready.discard(replica)
        self._observed(self._service.url)

    def _stop(self) -> None:
        if not self._ending.is_set():
            self._publish(state=ServiceState.stopping)
            self._ending.set()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._ending.wait(), seconds)
        except TimeoutError:
            return

    def _plan(self) -> Plan:
        spec = self._service.spec
        metrics_folder = self._folder / "metrics"
        shutil.rmtree(metrics_folder, ignore_errors=True)
        metrics_folder.mkdir(mode=0o700)
        if spec.auth == "token":
            self._store.ensure_service_token(spec.name)
        models = []
        for served in spec.models:
            versions = []
            for arm in served.arms:
                version = self._store.versions.get(f"{served.model}@{arm.version}")
                versions.append(
                    PlannedVersion(
                        number=arm.version,
                        weight=arm.weight,
                        format=version.format,
                        task=version.task,
                        folder=self._store.versions.path(version),
                    )
                )
            models.append(PlannedModel(name=served.model, versions=versions))
        return Plan(
            spec=spec,
            replica=0,
            instances=spec.instances or max(1, len(os.sched_getaffinity(0)) // spec.replicas),
            models=models,
            metrics_folder=metrics_folder,
        )

    def _kept_crashing(self, crashes: int, code: int) -> Failure:
        lines = tail(self._folder, 15)
        message = f"A server process crashed {crashes} times in a row, each soon after its start: {_ended_how(code)}."
        return Failure(code="service_failed", message=message, hint=f"The end of its log:\n{lines}")

    def _fail(self, error: Exception) -> None:
        log.error("the service failed", exc_info=error)
        if isinstance(error, ModelDeployError):
            self._failure = Failure(code=error.code, message=error.message, hint=error.hint)
        else:
            self._failure = Failure(code="service_failed", message=f"{type(error).__name__}: {error}")

    def _publish(self, **observed: object) -> None:
        self._service = self._service.model_copy(update=observed)
        self._store.services.save(self._service)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket of this machine alone. Raises OSError where the port is taken."""
    require_loopback(host)
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _terminate(process: Process) -> None:
    if process.returncode is None:
        process.terminate()


def _ended_how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"


def main(root: Path, name: str) -> int:
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return asyncio.run(_supervise(root, name))


async def _supervise(root: Path, name: str) -> int:
    return await Supervisor(Store(Settings(root)), name).run()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
