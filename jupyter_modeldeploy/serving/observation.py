"""What the supervisor observes becomes the service's row, and so a change that is followed: done by whoever looks."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import ServiceFailed
from jupyter_modeldeploy.records import Failure, ProcessRef, Service, ServiceSpec, ServiceState
from jupyter_modeldeploy.serving.supervision import documents
from jupyter_modeldeploy.store import Store

LOST = "service_lost"
"""The code of the failure of a service whose supervisor ended without a word."""
KILL_GRACE_S = 1.0


def status(store: Store, name: str) -> dict[str, Any] | None:
    """What the service's supervisor last said; None before its first word. Raises ServiceFailed for nonsense."""
    try:
        return documents.read(store.service_folder(name), documents.STATUS)
    except ValueError as error:
        raise ServiceFailed(
            f"The status of {name!r} cannot be read: {error}.", "Stop and start the service."
        ) from error


def live(store: Store, name: str) -> dict[str, Any]:
    """What the service's replicas said in their last second; `{"replicas": []}` where none runs."""
    try:
        said = documents.read(store.service_folder(name), documents.LIVE)
    except ValueError as error:
        raise ServiceFailed(f"The figures of {name!r} cannot be read: {error}.", "Ask again in a second.") from error
    return said if said is not None else {"replicas": []}


def moved(store: Store, service: Service) -> list[str]:
    """What clients of a running service must know that found a port of its last start taken."""
    said = None if service.url is None else status(store, service.name)
    former = said.get("moved", {}) if said is not None else {}
    return [
        f"It listens on {authority}: port {former[field]}, where it was before, was taken when it started."
        for field, authority in (("port", service.url), ("grpc_port", service.grpc_url))
        if field in former and authority
    ]


def observe(store: Store, service: Service) -> Service:
    """The service as its supervisor sees it; its row is written where that is new."""
    if service.state.ended or observed(store, service) == service:
        return service
    return store.services.update(service.name, lambda row: observed(store, row))


def observed(store: Store, service: Service) -> Service:
    """The row with what the supervisor of this very run has said."""
    said = status(store, service.name)
    if service.state.ended or said is None:
        return service
    if service.process is not None and said["process"]["pid"] != service.process.pid:
        return service  # it is the former run's
    state = ServiceState(said["state"])
    if service.state is ServiceState.stopping and not state.ended:
        state = ServiceState.stopping  # the supervisor does not know yet
    failure = said["failure"]
    update: dict[str, Any] = {
        "state": state,
        "process": None if state.ended else service.process or ProcessRef(**said["process"]),
        "url": said["url"],
        "grpc_url": said["grpc_url"],
        "replicas_ready": said["replicas_ready"],
        "replicas_wanted": said["replicas_wanted"],
        "observed_revision": said["revision"],
        "error": Failure(**failure) if failure else None,
    }
    if said["revision"] >= service.revision:  # what is served is what counts: a change may have been undone
        spec = ServiceSpec.model_validate(said["spec"])
        history = service.history
        undone = bool(history) and history[-1] == spec and service.spec != spec
        update |= {"spec": spec, "revision": said["revision"], "history": history[:-1] if undone else history}
    return service.model_copy(update=update)


def settle(store: Store, name: str) -> Service:
    """Write what became of a service whose supervisor is gone, and end what it left running. To be called by its only
    writer, and its row is read anew: what seemed gone at an earlier look may have been started again since."""
    service = observe(store, store.services.get(name))
    if service.state.ended or processes.alive(service.process):
        return service
    if service.process is not None:
        processes.stop_group(service.process, grace_s=KILL_GRACE_S)
    if service.state is ServiceState.stopping:
        return store.services.update(name, lambda row: ended(row, ServiceState.stopped, None))
    who = f"Its supervisor (process {service.process.pid})" if service.process else "Its supervisor"
    failure = Failure(
        code=LOST,
        message=f"{who} ended without a word: it was killed, or the machine restarted.",
        hint="Start the service again; its log may tell more.",
    )
    return store.services.update(name, lambda row: ended(row, ServiceState.failed, failure))


def ended(service: Service, state: ServiceState, error: Failure | None) -> Service:
    if service.state.ended:
        return service
    over = {"process": None, "url": None, "grpc_url": None, "replicas_ready": 0}
    return service.model_copy(update={"state": state, "error": error, **over})
