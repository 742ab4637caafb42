"""Change a running service without losing a request.

A door writes the new plan; the supervisor makes it so, or undoes it and says why. Whoever looks brings the row up to
date with either, so that a door that dies in between leaves nothing wrong."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, ServiceFailed, from_validation_error
from jupyter_modeldeploy.records import ServedModel, Service, ServiceSpec, ServiceState
from jupyter_modeldeploy.serving import planning
from jupyter_modeldeploy.serving.history import revised, rolled_back, without_ranges
from jupyter_modeldeploy.serving.lifecycle import POLL_S, only_writer
from jupyter_modeldeploy.serving.observation import observe, settle, status
from jupyter_modeldeploy.serving.supervision.differences import FIXED
from jupyter_modeldeploy.store import Store

TURN_S = 30.0
"""How long a change waits for another that is under way."""


def change(store: Store, name: str, fields: dict[str, Any], wait_s: float = 300.0) -> Service:
    """Change these fields of the spec and give the service back once all replicas serve so.

    Limits, weights and the like are taken over by running replicas; other fields start new replicas, which are warm
    before old ones are drained. A stopped service is changed for its next start.

    Raises InvalidInput for fields that the spec does not have or that contradict each other, NotFound, Conflict for its
    address or name and while it starts or stops, and ServiceFailed with the reason where a new replica does not become
    ready: the former ones serve on then, and the change is undone."""
    return _revise(store, name, lambda service: revised(service, _with(service.spec, fields)), wait_s)


def scale(store: Store, name: str, replicas: int, wait_s: float = 300.0) -> Service:
    """Serve with so many replicas. Raises as `change` does, and InvalidInput for a number beyond the bounds of its
    scaling."""

    def scaled(service: Service) -> Service:
        scaling = service.spec.scaling
        most = scaling.max_replicas or 64
        if not max(1, scaling.min_replicas) <= replicas <= most:
            bounds = f"{max(1, scaling.min_replicas)} to {most}"
            raise InvalidInput(f"{name!r} may have {bounds} replicas, not {replicas}.", "Change its scaling first.")
        return revised(service, _with(service.spec, {"replicas": replicas}))

    return _revise(store, name, scaled, wait_s)


def rollback(store: Store, name: str, wait_s: float = 300.0) -> Service:
    """Go back to the spec before the last change; again, to the one before that.

    The number of replicas stays. A changed weight is instant. Raises as `change` does, Conflict where there is nothing
    to go back to."""
    return _revise(store, name, rolled_back, wait_s)


def switch(store: Store, name: str, ref: str, wait_s: float = 300.0) -> Service:
    """Give all the traffic of a model to one version. Its other versions stay loaded without traffic, so that a
    rollback is instant; a version that is not served yet is loaded and warm before it gets any.

    Raises as `change` does."""
    version = store.versions.get(ref)

    def switched(service: Service) -> Service:
        served = next((one for one in service.spec.models if one.model == version.model), None)
        if served is None:
            names = ", ".join(one.model for one in service.spec.models)
            raise NotFound(f"{name!r} does not serve {version.model!r}.", f"It serves {names}.")
        numbers = [arm.version for arm in served.arms]
        numbers += [] if version.number in numbers else [version.number]
        arms = [{"version": number, "weight": float(number == version.number)} for number in numbers]
        models = [
            {**one.model_dump(), "arms": arms} if one.model == version.model else one.model_dump()
            for one in service.spec.models
        ]
        return revised(service, _with(service.spec, {"models": models}))

    return _revise(store, name, switched, wait_s)


def reweigh(
    store: Store, name: str, model: str, make: Callable[[ServedModel], ServedModel], first: bool, **fields: Any
) -> Service:
    """Split a model's traffic as `make` does, which may refuse how it finds it; with other `fields` of the spec.

    Of the changes of an experiment only the `first` is remembered: a rollback goes back to before all of them, and
    never to a range of a namespace that is no more. Raises as `change` and `make` do, and Conflict where the model is
    not served any more."""

    def reweighed(service: Service) -> Service:
        served = next((one for one in service.spec.models if one.model == model), None)
        if served is None:
            raise Conflict(f"{name!r} does not serve {model!r} any more.", "Look at it again.")
        mine = make(served)
        models = [(mine if one.model == model else one).model_dump() for one in service.spec.models]
        after = revised(service, _with(service.spec, {**fields, "models": models}), remembered=first)
        ended = {one.name for one in served.ranges} - {one.name for one in mine.ranges}
        return without_ranges(after, model, ended) if ended else after

    return _revise(store, name, reweighed, 300.0)


def _with(spec: ServiceSpec, fields: dict[str, Any]) -> ServiceSpec:
    """The spec with these fields. A group such as `cache` is changed in the fields that are given of it."""
    former = spec.model_dump()
    for field, value in fields.items():
        if field in FIXED and value != former[field]:
            raise Conflict(
                f"The {field} of a service cannot change: {former[field]!r} to {value!r}.", "Start another service."
            )
        inside = isinstance(value, dict) and isinstance(former.get(field), dict)
        former[field] = {**former[field], **value} if inside else value
    try:
        return ServiceSpec.model_validate(former)
    except ValidationError as error:
        raise from_validation_error(error, f"the change of {spec.name!r}") from error


def _revise(store: Store, name: str, make: Callable[[Service], Service], wait_s: float) -> Service:
    store.services.get(name)
    with only_writer(store, name, TURN_S):
        before = observe(store, store.services.get(name))
        if not before.state.ended and not processes.alive(before.process):
            before = settle(store, name)
        if before.state in (ServiceState.starting, ServiceState.stopping):
            raise Conflict(f"The service {name!r} is {before.state}.", "Wait until it is ready or stopped.")
        after = make(before)
        if after.revision == before.revision:
            return before
        plan = planning.plan_of(store, after.spec, after.revision)
        if after.spec.grpc_port not in (before.spec.grpc_port, _port(before.grpc_url)):
            planning.check_grpc_port(after.spec)
        planning.write(store, plan)
        wanted = {"spec": after.spec, "revision": after.revision, "history": after.history}
        service = store.services.update(name, lambda row: row.model_copy(update=wanted))
        if service.state.ended:
            return service
        _announce(service)
        return _wait(store, service, wait_s)


def _port(authority: str | None) -> int | None:
    return int(authority.rpartition(":")[2]) if authority else None


def _announce(service: Service) -> None:
    """Tell the supervisor, which looks by itself once a second."""
    supervisor = processes.find(service.process) if service.process else None
    if supervisor is not None:
        supervisor.send_signal(signal.SIGHUP)


def _wait(store: Store, service: Service, wait_s: float) -> Service:
    """The service once it serves its revision. Raises ServiceFailed where it does not, Conflict where somebody stops
    it."""
    name, revision = service.name, service.revision
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        said = status(store, name)
        if said is not None and said["refused"] == revision:
            observe(store, store.services.get(name))
            failure = said["failure"]
            raise ServiceFailed(
                f"The change of {name!r} was undone: {failure['message']}",
                failure["hint"] or "It serves on as before.",
            )
        if said is not None and said["revision"] >= revision:
            return observe(store, store.services.get(name))
        if not processes.alive(service.process):
            processes.reap()
            ended = settle(store, name)
            if ended.error is None:
                raise Conflict(f"The service {name!r} was stopped while it was changed.", "It starts again as changed.")
            why = ended.error.message
            raise ServiceFailed(f"The service {name!r} ended while it was changed: {why}", "Start it again.")
        time.sleep(POLL_S)
    raise ServiceFailed(
        f"The change of {name!r} takes longer than {wait_s:g} s; it goes on.", f"modeldeploy services show {name}"
    )
