"""Start, stop and look after services, from whichever process a user is in.

The doors write a plan and read a status (`supervision.documents`); whoever looks brings the service's row up to date,
and where the supervisor is gone writes what became of it (`reconcile`)."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Conflict, ModelDeployError, NotFound, ServiceFailed, StorageFull, from_os_error
from jupyter_modeldeploy.records import Failure, Service, ServiceSpec, ServiceState
from jupyter_modeldeploy.serving import planning, servicelog
from jupyter_modeldeploy.serving.history import revised
from jupyter_modeldeploy.serving.observation import KILL_GRACE_S, LOST, ended, observe, settle, status
from jupyter_modeldeploy.serving.supervision import documents
from jupyter_modeldeploy.store import Store

POLL_S = 0.01
SETTLED_S = 30.0
"""Whoever writes what became of a service's last run is done within this time; who wants to start it waits so long."""

log = logging.getLogger(__name__)


def start(store: Store, spec: ServiceSpec, owner: str, wait_s: float = 300.0) -> Service:
    """Start the service and give it back once all its replicas are warm.

    A stopped service of that name gets this spec. Raises InvalidInput for a host that is not this machine alone,
    NotFound for a model version that is not there, Unavailable where nothing here can run one, Conflict while a service
    of that name runs or its port is taken, and ServiceFailed with the end of the log when it does not become ready."""
    planning.plan_of(store, spec, revision=1)
    with only_writer(store, spec.name, SETTLED_S):
        begun = _new_row(store, spec, owner)
        plan = planning.plan_of(store, spec, begun.revision)
        documents.forget(store.service_folder(spec.name), documents.STATUS, documents.LIVE)
        shutil.rmtree(plan.metrics_folder, ignore_errors=True)  # the supervisor makes it anew
        planning.write(store, plan)
        store.services.save(begun)
        supervisor = _spawn(store, spec.name)
        process = processes.let_outlive(supervisor)
        store.services.update(spec.name, lambda row: row.model_copy(update={"process": process}))
    service = _wait_ready(store, spec.name, supervisor, wait_s)
    if service.state is ServiceState.ready:
        return service
    if service.started_at != begun.started_at:
        raise Conflict(f"The service {spec.name!r} was stopped and is started by another meanwhile.", "Wait for it.")
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

    A service that has stopped already stays as it is, and so does one that another starts again meanwhile. Raises
    NotFound."""
    deadline = time.monotonic() + wait_s
    service = observe(store, store.services.get(name))
    while service.process is None and not service.state.ended and time.monotonic() < deadline:
        if not being_written(store, name):
            break
        time.sleep(POLL_S)
        service = observe(store, store.services.get(name))
    if service.process is not None:
        try:
            store.services.update(name, lambda row: _stopping(row) if row.started_at == service.started_at else row)
        except StorageFull as error:  # that must keep nobody from stopping it
            log.warning("the service %s is stopped although its row cannot say so: %s", name, error)
        if running := processes.find(service.process):
            running.terminate()
        while processes.alive(service.process) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        processes.stop_group(service.process, grace_s=KILL_GRACE_S)
    processes.reap()
    observe(store, store.services.get(name))
    run = service.started_at
    return store.services.update(
        name, lambda row: ended(row, ServiceState.stopped, None) if row.started_at == run else row
    )


def reconcile(store: Store) -> bool:
    """Bring the rows up to date: with what supervisors observe, and with what became of those that are gone. False
    where there was none to look at."""
    processes.reap()
    living = [service for service in store.services.list() if not service.state.ended]
    for service in living:
        try:
            seen = observe(store, service)
            if seen.state.ended or processes.alive(seen.process):
                continue
            with only_writer(store, service.name):
                settle(store, service.name)
        except (Conflict, NotFound):  # whoever starts or changes it sees to it, or it was removed
            continue
    return bool(living)


def resume(store: Store) -> list[Service]:
    """Start the services that want it (`start_at_boot`) and whose supervisor ended without a word, as it does when the
    machine or the container restarts; those that a user stopped, or that failed by themselves, stay as they are.

    Gives those that were started; what keeps another from starting is in its row and in the log."""
    reconcile(store)
    resumed = []
    for service in store.services.list():
        lost = service.state is ServiceState.failed and service.error is not None and service.error.code == LOST
        if not service.spec.start_at_boot or not lost:
            continue
        try:
            resumed.append(start(store, service.spec, service.owner))
        except ModelDeployError as error:
            log.warning("the service %s does not start again: %s", service.name, error)
    return resumed


def remove(store: Store, name: str) -> None:
    """Forget a stopped service, its token and its log. Raises NotFound, and Conflict where it runs."""
    store.services.get(name)
    with only_writer(store, name, SETTLED_S):
        if not store.services.get(name).state.ended:
            raise Conflict(f"The service {name!r} runs.", f"Stop it first: modeldeploy services stop {name}.")
        store.services.delete(name)
        shutil.rmtree(store.service_folder(name))


def log_tail(store: Store, name: str, lines: int = 50) -> str:
    """The last lines of the service's log. Raises NotFound."""
    store.services.get(name)
    return servicelog.tail(store.service_folder(name), lines)


@contextmanager
def only_writer(store: Store, name: str, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock of whoever starts or changes this service, in whichever process; it is gone with the process.

    Raises Conflict where another holds it for longer than `wait_s`."""
    deadline = time.monotonic() + wait_s
    while (file := _locked(store.service_folder(name) / "start.lock")) is None:
        if time.monotonic() >= deadline:
            raise Conflict(f"The service {name!r} is being started or changed.", "Wait for it, or choose another name.")
        time.sleep(POLL_S)
    with file:
        yield


def being_written(store: Store, name: str) -> bool:
    """Whether somebody is about to start or change the service."""
    try:
        with only_writer(store, name):
            return False
    except Conflict:
        return True


def _locked(path: Path) -> BinaryIO | None:
    """The file with its lock held until it is closed; None where another holds it, or removed the file meanwhile."""
    file = path.open("wb")
    with suppress(BlockingIOError, FileNotFoundError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    file.close()
    return None


def _new_row(store: Store, spec: ServiceSpec, owner: str) -> Service:
    now = datetime.now(UTC)
    former = next((one for one in store.services.list() if one.name == spec.name), None)
    if former is not None:
        former = observe(store, former)
        if former.process is not None and processes.alive(former.process):
            raise Conflict(f"The service {spec.name!r} is {former.state}.", "Stop it first, or choose another name.")
        former = settle(store, spec.name)
    planning.check_address(spec)
    fresh = Service(
        name=spec.name,
        spec=spec,
        state=ServiceState.starting,
        replicas_wanted=spec.replicas,
        owner=owner,
        created_at=former.created_at if former else now,
        started_at=now,
    )
    if former is None:
        return fresh
    again = revised(former, spec)
    return fresh.model_copy(update={"revision": again.revision, "history": again.history})


def _stopping(service: Service) -> Service:
    return service if service.state.ended else service.model_copy(update={"state": ServiceState.stopping})


def _spawn(store: Store, name: str) -> subprocess.Popen[bytes]:
    folder = store.service_folder(name)
    try:
        descriptor = servicelog.begin(folder)
    except OSError as error:
        raise from_os_error(error, "opening the service's log") from error
    with open(descriptor, "wb") as file:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "jupyter_modeldeploy.serving.supervision", str(folder)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**processes.serving_environment(), "TOKENIZERS_PARALLELISM": "false"},
            start_new_session=True,
        )


def _wait_ready(store: Store, name: str, supervisor: subprocess.Popen[bytes], wait_s: float) -> Service:
    """The service once it is ready, has ended, or the time is over."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        gone = supervisor.poll() is not None
        said = status(store, name)
        if gone:
            with only_writer(store, name, SETTLED_S):
                return settle(store, name)
        if said is not None and said["state"] == ServiceState.ready:
            break
        time.sleep(POLL_S)
    return observe(store, store.services.get(name))
