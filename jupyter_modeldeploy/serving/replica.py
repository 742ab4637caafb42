"""One server process: `python -m jupyter_modeldeploy.serving.replica FD`, started by a supervisor.

`FD` is the listening socket, shared with the other replicas. The plan comes as one line on standard input, and the end
of that input means that the supervisor is gone; standard output carries messages to it, standard error is the log."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop

from jupyter_modeldeploy import plugins, release
from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.serving.access import guard
from jupyter_modeldeploy.serving.endpoint import Endpoint, ModelRoute
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.execution.layout import instances_of
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http.app import Application
from jupyter_modeldeploy.serving.http.outbox import Outbox
from jupyter_modeldeploy.serving.http.protocol import InferenceProtocol
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.plan import Plan, read_plan, read_spec
from jupyter_modeldeploy.serving.repository import Repository, failure_of, give_back_memory
from jupyter_modeldeploy.serving.supervision.link import Link
from jupyter_modeldeploy.serving.supervision.vitals import Pulse, resident_bytes

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import ServiceSpec
    from jupyter_modeldeploy.serving.grpc.server import GrpcServer

DRAIN_S = 30
MAX_CONNECTIONS = 4096
SPARE_FILES = 128  # for what is not a connection, and for those that are told that there are too many
TICK_S = 0.1
FLUSH_S = 1.0
MUCH_BYTES = 32 * 2**20  # more than that, left by a peak of requests, is given back when nothing is under way
EXIT_CANNOT_SERVE = 3
DEVICES = {"cpu": "cpu", "gpu": "cuda"}  # by the instance type's first word

log = logging.getLogger(__name__)


def main() -> int:
    """Serve until SIGTERM, then finish what is under way. Exit status 3 means that the models cannot be served."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    link = Link()
    plan = read_plan(link.first_line())
    plugins.use(plan.plugins)
    if plan.package_version is not None:
        release.use(plan.package_version)
    listener = socket.socket(fileno=int(sys.argv[1]))
    try:
        return uvloop.run(_serve(plan, listener, link))
    except ModelDeployError as error:
        log.error("cannot serve: %s", error)
        link.tell({"ready": False, "failure": failure_of(error)})
        return EXIT_CANNOT_SERVE


async def _serve(plan: Plan, listener: socket.socket, link: Link) -> int:
    loop = asyncio.get_running_loop()
    spec = plan.spec
    metrics = Metrics(plan.metrics_folder, plan.replica)
    models = _loaded(plan, metrics)
    count = instances_of(spec, _versions(models), plan.instances)
    instances = Instances(count, spec.max_queue, spec.timeout_s, loop)
    access, folder = guard(plan.token_folder), plan.metrics_folder.parent
    endpoint = Endpoint(spec.name, models, access, instances, metrics, spec.max_body_bytes, folder)
    endpoint.repository = repository = Repository(endpoint, link)
    await repository.follow(spec.unloaded)
    endpoint.configure(spec, plan.stage, plan.stages)
    server = uvicorn.Server(_config(endpoint, spec))
    grpc = await _grpc_server(endpoint, plan)
    metrics.gauge("queue_depth", lambda: instances.depth)
    metrics.gauge("connections", lambda: len(server.server_state.connections))
    metrics.flush()
    give_back_memory()
    gc.freeze()  # what is loaded stays: no collection during a request looks through it
    orders = Orders(server, endpoint, repository, link)
    link.attach(loop, orders.take)
    pulse = Pulse(
        requests=lambda: server.server_state.total_requests + (grpc.requests if grpc else 0),
        depth=lambda: instances.depth,
        in_flight=lambda: sum(map(_is_busy, server.server_state.connections)) + (grpc.in_flight if grpc else 0),
    )
    upkeep = loop.create_task(_keep_up(server, endpoint, link, pulse))
    signal.signal(signal.SIGTERM, lambda number, frame: None)  # uvicorn raises it again after the drain
    await asyncio.gather(
        server.serve(sockets=[listener]),
        *([grpc.drain_when(lambda: server.should_exit, lambda: orders.replaced, _drain_s(spec))] if grpc else []),
    )
    upkeep.cancel()
    instances.close()
    endpoint.close()
    metrics.flush()
    return 0


class Orders:
    """What the supervisor tells a server process while it serves."""

    def __init__(self, server: uvicorn.Server, endpoint: Endpoint, repository: Repository, link: Link) -> None:
        self._server = server
        self._endpoint = endpoint
        self._repository = repository
        self._link = link
        self.replaced = False
        """Whether other processes go on with the service when this one ends."""
        self._turn = asyncio.Lock()
        self._configuring: set[asyncio.Task[None]] = set()

    def take(self, message: dict[str, Any]) -> None:
        if "configure" in message:
            task = asyncio.create_task(self._configure(message))
            self._configuring.add(task)
            task.add_done_callback(self._configuring.discard)
        elif "drain" in message:
            InferenceProtocol.drain_idle_s = message["drain"]
            self.replaced = True
            self._server.should_exit = True
        elif "answer" in message:
            self._repository.answered(message["answer"], message["failure"])

    async def _configure(self, message: dict[str, Any]) -> None:
        failure, revision = None, message["revision"]
        async with self._turn:
            try:
                wanted = read_spec(message["configure"])
                await self._repository.follow(wanted.unloaded)
                self._endpoint.configure(wanted, message["stage"], message["stages"])
            except Exception as error:  # whatever it is: the change is undone, the old goes on
                log.exception("the change to revision %d cannot be followed", revision)
                failure = failure_of(error)
        self._link.tell({"configured": revision, "failure": failure})


def _is_busy(connection: Any) -> bool:
    return connection.cycle is not None and not connection.cycle.response_complete


def _config(endpoint: Endpoint, spec: ServiceSpec) -> uvicorn.Config:
    InferenceProtocol.endpoint = endpoint
    InferenceProtocol.outbox = Outbox(asyncio.get_running_loop())
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
        ssl_certfile=spec.tls.tls_certificate,
        ssl_keyfile=spec.tls.tls_key,
        timeout_graceful_shutdown=_drain_s(spec),
    )


def _drain_s(spec: ServiceSpec) -> int:
    return max(DRAIN_S, int(spec.timeout_s) + 5)


async def _grpc_server(endpoint: Endpoint, plan: Plan) -> GrpcServer | None:
    """The gRPC server, listening, where the service has a port for it: only then is grpcio imported."""
    if plan.grpc_port is None:
        return None
    from jupyter_modeldeploy.serving.grpc.server import GrpcServer

    server = GrpcServer(endpoint, plan)
    await server.start()
    return server


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
    device = DEVICES.get((plan.spec.instance_type or "").partition("-")[0], "auto")
    for model in plan.models:
        versions = [
            ServedVersion(
                model.name,
                planned,
                metrics.version(model.name, str(planned.number)),
                device,
                plan.spec.threads or 1,
            )
            for planned in model.versions
        ]
        for version in versions:
            version.warm_up()
            if budget := _memory_budget(plan.spec):
                version.fit(budget)
        routes.append(ModelRoute(plan.spec.name, model.name, versions, [v.weight for v in model.versions]))
    return routes


def _memory_budget(spec: ServiceSpec) -> int | None:
    """Bytes that the instance type (`cpu-2c4g`) leaves this replica; None where nothing limits it."""
    if spec.instance_type is None:
        return None
    gibibytes = int(spec.instance_type.rpartition("c")[2].removesuffix("g"))
    return gibibytes * 2**30 // max(spec.replicas, spec.scaling.max_replicas or 1)


def _versions(models: list[ModelRoute]) -> list[ServedVersion]:
    return [version for model in models for version in model.versions.values()]


async def _keep_up(server: uvicorn.Server, endpoint: Endpoint, link: Link, pulse: Pulse) -> None:
    """Say that the server is ready; then close connections whose client lets its time pass, see which tokens are new or
    gone, flush the counts and tell the supervisor of them, and give back the memory that a peak has left."""
    while not server.started:
        await asyncio.sleep(0.001)
    link.tell({"ready": True, "failure": None, "vitals": pulse.read()})
    loop = asyncio.get_running_loop()
    flush_at = loop.time() + FLUSH_S
    settled_bytes = resident_bytes()
    accepting = True
    while True:
        await asyncio.sleep(TICK_S)
        endpoint.guard.refresh()
        endpoint.tick()
        pulse.sample()
        now = loop.time()
        for connection in list(server.server_state.connections):
            if not isinstance(connection, InferenceProtocol):
                continue
            if server.should_exit and not connection.draining:  # accepted just before the end of accepting
                connection.shutdown()
            if connection.expired(now):
                connection.expire(now)
        if accepting and not any(listening.is_serving() for listening in server.servers):
            accepting = False
            link.tell({"closed": True})
        if now >= flush_at:
            endpoint.metrics.flush()
            link.tell({"vitals": (vitals := pulse.read())})
            if vitals["in_flight"] == 0 and vitals["rss_bytes"] > settled_bytes + MUCH_BYTES:
                give_back_memory()
                settled_bytes = resident_bytes()
            flush_at = now + FLUSH_S


if __name__ == "__main__":
    sys.exit(main())
