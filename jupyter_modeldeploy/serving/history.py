"""The revisions of a service: what it was told to be, and what a rollback goes back to."""

from __future__ import annotations

from collections.abc import Collection

from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.records import Service, ServiceSpec

KEPT = 10
OPERATING = {"replicas", "unloaded", "recording"}
"""Fields that say how a service is run for now, not what it is: a rollback leaves them as they are."""


def revised(service: Service, spec: ServiceSpec, remembered: bool = True) -> Service:
    """The service's row with `spec` as its next revision; the row as it is where the spec is the same. A change that is
    not `remembered` is no place of its own to roll back to."""
    if spec == service.spec:
        return service
    history = service.history
    if remembered and spec.model_dump(exclude=OPERATING) != service.spec.model_dump(exclude=OPERATING):
        history = [*history, service.spec][-KEPT:]
    return service.model_copy(update={"spec": spec, "revision": service.revision + 1, "history": history})


def without_ranges(service: Service, model: str, ended: Collection[str]) -> Service:
    """The row whose history knows nothing of these experiments' ranges on the model: nobody watches them any more."""
    history = []
    for spec in service.history:
        models = [
            one.model_copy(update={"ranges": [each for each in one.ranges if each.name not in ended]})
            if one.model == model
            else one
            for one in spec.models
        ]
        history.append(spec.model_copy(update={"models": models}))
    return service.model_copy(update={"history": history})


def rolled_back(service: Service) -> Service:
    """The row with the newest spec of its history as its next revision. Raises Conflict without any."""
    if not service.history:
        raise Conflict(f"The service {service.name!r} has not been changed yet.", "There is nothing to go back to.")
    *history, former = service.history
    now = {field: getattr(service.spec, field) for field in OPERATING}
    now["unloaded"] = [name for name in now["unloaded"] if name in {served.model for served in former.models}]
    spec = former.model_copy(update=now)
    return service.model_copy(update={"spec": spec, "revision": service.revision + 1, "history": history})
