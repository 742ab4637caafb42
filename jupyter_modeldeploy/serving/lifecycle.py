"""Start, stop and look after services, from whichever process a user is in.

The supervisor writes its service's row; where it is gone, whoever looks writes what became of it (`reconcile`)."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from jupyter_modeldeploy import plugins, processes
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, ServiceFailed, Unavailable, from_os_error
from jupyter_modeldeploy.records import Failure, Service, ServiceSpec, ServiceState
from jupyter_modeldeploy.serving import servicelog
from jupyter_modeldeploy.serving.access import require_loopback
from jupyter_modeldeploy.serving.supervision.supervisor import listen
from jupyter_modeldeploy.store import Store

POLL_S = 0.02
KILL_GRACE_S = 1.0


def start(store: Store, spec: ServiceSpec, owner: str, wait_s: float = 60.0) -> Service:
    """Start the service and give it back once all its replicas are warm.

    A stopped service of that name gets this spec. Raises InvalidInput for a host that is not this machine alone,
    NotFound for a model version that is not there, Unavailable where nothing here can run one, Conflict while a service
    of that name runs or its port is taken, and ServiceFailed with the end of the log when it does not become ready."""
    _check(store, spec)
    with _only_starter(store, spec.name):
        service = _new_row(store, spec, owner)
        store.services.save(service)
        supervisor = _spawn(store, spec.name)
        service = _wait(store, spec.name, supervisor, wait_s, until_ready=False)
    service = _wait(store, spec.name, supervisor, wait_s, until_ready=True)
    if service.state is ServiceState.ready:
        return service
    if not service.state.ended:
        stop(store, spec.name)
        raise ServiceFailed(
            f"The service {spec.name!r} was not ready after {wait_s:g} s and was stopped.",
            f"Allow it more time. The end of its log:\n{log_tail(store, spec.name, 15)}",
        )
    failure = service.error or Failure(code="service_failed", message="It was stopped while it started.")
    raise ServiceFailed(
        f"The service {spec.name!r} did not start: {failure.message}",
        failure.hint or f"The end of its log:\n{log_tail(store, spec.name, 15)}",
    )


def stop(store: Store, name: str, wait_s: float = 10.0) -> Service:
    """Stop the service: finish what is under way, at most `wait_s` seconds, then leave no process of it.

    A service that has stopped already stays as it is. Raises NotFound."""
    deadline = time.monotonic() + wait_s
    service = store.services.get(name)
    while service.process is None and not service.state.ended and time.monotonic() < deadline:
        if not _being_started(store, name):
            break
        time.sleep(POLL_S)
        service = store.services.get(name)
    if service.process is not None:
        if running := processes.find(service.process):
            running.terminate()
        while processes.alive(service.process) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        processes.stop_group(service.process, grace_s=KILL_GRACE_S)
    processes.reap()
    service = store.services.get(name)
    if not service.state.ended:
        service = _ended(service, ServiceState.stopped, None)
        store.services.save(service)
    return service


def reconcile(store: Store) -> None:
    """Write down what became of services whose supervisor is gone, and end what it left running."""
    processes.reap()
    for service in store.services.list():
        if service.state.ended or processes.alive(service.process):
            continue
        if service.process is None and _being_started(store, service.name):
            continue
        _settle(store, service)


def log_tail(store: Store, name: str, lines: int = 50) -> str:
    """The last lines of the service's log. Raises NotFound."""
    store.services.get(name)
    return servicelog.tail(store.service_folder(name), lines)


def _check(store: Store, spec: ServiceSpec) -> None:
    require_loopback(spec.host)
    names = [served.model for served in spec.models]
    if len(set(names)) != len(names):
        raise InvalidInput(f"A model is named twice: {', '.join(names)}.", "Give its versions as arms of one entry.")
    for served in spec.models:
        for arm in served.arms:
            version = store.versions.get(f"{served.model}@{arm.version}")
            for group, name in (("runtimes", version.format.value), ("tasks", version.task)):
                if name not in plugins.available(group):
                    raise Unavailable(
                        f"{version.ref} cannot be served: there is no {name!r} among the {group}.",
                        f"Installed: {', '.join(sorted(plugins.available(group)))}. Convert the model to ONNX perhaps.",
                    )


def _new_row(store: Store, spec: ServiceSpec, owner: str) -> Service:
    now = datetime.now(UTC)
    try:
        former = store.services.get(spec.name)
    except NotFound:
        former = None
    if former is not None and not former.state.ended:
        if former.process is not None and processes.alive(former.process):
            raise Conflict(f"The service {spec.name!r} is {former.state}.", "Stop it first, or choose another name.")
        _settle(store, former)
    try:
        listen(spec.host, spec.port).close()
    except OSError as error:
        raise Conflict(
            f"The port {spec.port} of {spec.host} cannot be had: {error.strerror}.", "Choose another, or 0 for any."
        ) from error
    return Service(
        name=spec.name,
        spec=spec,
        state=ServiceState.starting,
        owner=owner,
        created_at=former.created_at if former else now,
        started_at=now,
    )


def _spawn(store: Store, name: str) -> subprocess.Popen[bytes]:
    folder = store.service_folder(name)
    try:
        log = servicelog.begin(folder)
    except OSError as error:
        raise from_os_error(error, "opening the service's log") from error
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "jupyter_modeldeploy.serving.supervision.supervisor", str(store.root), name],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=processes.clean_environment(),
            start_new_session=True,
        )
    processes.let_outlive(process)
    return process


def _wait(store: Store, name: str, supervisor: subprocess.Popen[bytes], wait_s: float, *, until_ready: bool) -> Service:
    """The service once its supervisor has taken it over (or made it ready), has ended, or the time is over."""
    deadline = time.monotonic() + wait_s
    while True:
        gone = supervisor.poll() is not None
        service = store.services.get(name)
        there = service.state is ServiceState.ready if until_ready else service.process is not None
        if there or service.state.ended or time.monotonic() > deadline:
            return service
        if gone:
            _settle(store, service)
            return store.services.get(name)
        time.sleep(POLL_S)


def _settle(store: Store, service: Service) -> None:
    """The supervisor is gone without having written so."""
    if service.process is not None:
        processes.stop_group(service.process, grace_s=KILL_GRACE_S)
    if service.state is ServiceState.stopping:
        store.services.save(_ended(service, ServiceState.stopped, None))
        return
    who = f"Its supervisor (process {service.process.pid})" if service.process else "Its supervisor"
    failure = Failure(
        code="service_failed",
        message=f"{who} ended without a word: it was killed, or the machine restarted.",
        hint="Start the service again; its log may tell more.",
    )
    store.services.save(_ended(service, ServiceState.failed, failure))


def _ended(service: Service, state: ServiceState, error: Failure | None) -> Service:
    return service.model_copy(
        update={"state": state, "error": error, "process": None, "url": None, "replicas_ready": 0}
    )


@contextmanager
def _only_starter(store: Store, name: str) -> Iterator[None]:
    """Hold the lock of whoever starts this service, in whichever process; it is gone with the process."""
    with (store.service_folder(name) / "start.lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(f"The service {name!r} is being started.", "Wait for it, or choose another name.") from None
        yield


def _being_started(store: Store, name: str) -> bool:
    try:
        with _only_starter(store, name):
            return False
    except Conflict:
        return True
