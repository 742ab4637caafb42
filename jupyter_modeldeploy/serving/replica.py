"""One server process: `python -m jupyter_modeldeploy.serving.replica FD`, started by a supervisor.

`FD` is the listening socket, shared with the other replicas. The plan comes as one line on standard input, and the end
of that input means that the supervisor is gone; standard output carries messages to it, standard error is the log."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
import time

import uvicorn
import uvloop

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.records import Failure
from jupyter_modeldeploy.serving.access import guard
from jupyter_modeldeploy.serving.endpoint import Endpoint, ModelRoute
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http.app import Application
from jupyter_modeldeploy.serving.http.protocol import InferenceProtocol
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.plan import Message, Plan

DRAIN_S = 30
MAX_CONNECTIONS = 4096
SPARE_FILES = 128  # for what is not a connection, and for those that are told that there are too many
ORPHAN_GRACE_S = 5.0
TICK_S = 0.1
FLUSH_S = 1.0
EXIT_CANNOT_SERVE = 3

log = logging.getLogger(__name__)


def main() -> int:
    """Serve until SIGTERM, then finish what is under way. Exit status 3 means that the models cannot be served."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    plan = Plan.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    listener = socket.socket(fileno=int(sys.argv[1]))
    try:
        return uvloop.run(_serve(plan, listener))
    except ModelDeployError as error:
        log.error("cannot serve: %s", error)
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        _tell(Message(ready=False, failure=failure))
        return EXIT_CANNOT_SERVE


async def _serve(plan: Plan, listener: socket.socket) -> int:
    loop = asyncio.get_running_loop()
    spec = plan.spec
    instances = Instances(plan.instances, spec.max_queue, spec.timeout_s, loop)
    metrics = Metrics(plan.metrics_folder, plan.replica)
    models = _loaded(plan, metrics)
    endpoint = Endpoint(spec.name, models, guard(plan.token_folder), instances, metrics, spec.max_body_bytes)
    server = uvicorn.Server(_config(endpoint))
    metrics.gauge("queue_depth", lambda: instances.depth)
    metrics.gauge("connections", lambda: len(server.server_state.connections))
    metrics.flush()
    gc.collect()
    gc.freeze()  # what is loaded stays: no collection during a request looks through it
    upkeep = loop.create_task(_keep_up(server, endpoint))
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # uvicorn raises it again after the drain
    await server.serve(sockets=[listener])
    upkeep.cancel()
    instances.close()
    metrics.flush()
    return 0


def _config(endpoint: Endpoint) -> uvicorn.Config:
    InferenceProtocol.endpoint = endpoint
    InferenceProtocol.max_connections = _allowed_connections()
    return uvicorn.Config(
        Application(endpoint),
        http=InferenceProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )


def _allowed_connections() -> int:
    """As many as there may be open files, having raised that limit as far as this process may."""
    wanted = MAX_CONNECTIONS + SPARE_FILES
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files != resource.RLIM_INFINITY and files < wanted:
        files = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    if files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, files - SPARE_FILES))


def _loaded(plan: Plan, metrics: Metrics) -> list[ModelRoute]:
    routes = []
    for model in plan.models:
        versions = [
            ServedVersion(model.name, planned, metrics.version(model.name, str(planned.number)))
            for planned in model.versions
        ]
        for version in versions:
            version.warm_up()
        routes.append(ModelRoute(plan.spec.name, model.name, versions, [v.weight for v in model.versions]))
    return routes


async def _keep_up(server: uvicorn.Server, endpoint: Endpoint) -> None:
    """Say that the server is ready; then close connections whose client lets its time pass, see which tokens are new or
    gone, and flush the counts."""
    while not server.started:
        await asyncio.sleep(0.001)
    _tell(Message(ready=True))
    flush_at = 0.0
    while True:
        await asyncio.sleep(TICK_S)
        endpoint.guard.refresh()
        now = asyncio.get_running_loop().time()
        for connection in list(server.server_state.connections):
            if isinstance(connection, InferenceProtocol) and connection.expired(now):
                connection.expire(now)
        if now >= flush_at:
            endpoint.metrics.flush()
            flush_at = now + FLUSH_S


def _tell(message: Message) -> None:
    sys.stdout.write(message.model_dump_json() + "\n")
    sys.stdout.flush()


def _end_with_supervisor() -> None:
    while os.read(0, 4096):  # not through sys.stdin, whose lock a thread must not hold when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_GRACE_S)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
