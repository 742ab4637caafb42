"""Running services when an alias moves. A service serves the versions that it was told when it started or changed, so
it follows only where somebody says so."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from jupyter_modeldeploy.errors import Conflict, ModelDeployError, ServiceFailed
from jupyter_modeldeploy.records import AliasMove, Followed, Moved, Service, Serving
from jupyter_modeldeploy.registry import moving
from jupyter_modeldeploy.serving import changing, lifecycle
from jupyter_modeldeploy.store import Store

log = logging.getLogger(__name__)


def serving(store: Store, model: str, number: int | None) -> Sequence[Service]:
    """The running services that give traffic to this version of the model."""
    lifecycle.reconcile(store)
    return [one for one in store.services.list() if not one.state.ended and number in _served(one, model)]


def chosen(store: Store, model: str, before: int | None, follow: bool, services: Sequence[str]) -> Sequence[str]:
    """The names of the services that are to be switched: those given, and with `follow` all that serve the version
    before. Raises NotFound, and Conflict for one that does not run or does not serve the model."""
    lifecycle.reconcile(store)
    for name in services:
        service = store.services.get(name)
        if service.state.ended:
            raise Conflict(f"The service {name} does not run, so it cannot follow.", "Start it, or leave it out.")
        if not any(one.model == model for one in service.spec.models):
            raise Conflict(f"The service {name} does not serve {model}, so it cannot follow.", "Leave it out.")
    found = [one.name for one in serving(store, model, before)] if follow else []
    return list(dict.fromkeys([*services, *found]))


def running(store: Store, names: Sequence[str]) -> Sequence[str]:
    """Those of the services that run by now; what was asked for some time ago may have been stopped or removed."""
    lifecycle.reconcile(store)
    return [one.name for one in store.services.list() if one.name in names and not one.state.ended]


def followed(store: Store, moved: Moved, names: Sequence[str], undone: AliasMove | None = None) -> Moved:
    """What a move came to, with these services switched to where the alias points now; `undone` is the move that it
    took back, whose services go back to how they were.

    Raises ServiceFailed where one cannot be switched: the others and the alias are taken back first."""
    if moved.move is None or moved.after is None:
        return _told(store, moved, [])
    revisions = {one.service: one.revision for one in undone.followed} if undone else {}
    done: list[Followed] = []
    for name in names:
        try:
            service = _switched(store, name, f"{moved.model}@{moved.after}", revisions.get(name))
        except ModelDeployError as error:
            _take_back(store, moved, done, name)
            message = f"{moved.model}@{moved.alias} stays as it was: {error.message}"
            raise ServiceFailed(message, error.hint or f"modeldeploy services log {name}") from error
        done.append(Followed(service=name, revision=service.revision))
    if done:
        move = moved.move.model_copy(update={"followed": done})
        store.aliases.note_followed(move)
        moved = moved.model_copy(update={"move": move})
    return _told(store, moved, done)


def _switched(store: Store, name: str, ref: str, revision: int | None) -> Service:
    """The service at `ref`: as it was before, where its last change was the one of that revision."""
    if revision is not None and store.services.get(name).revision == revision:
        return changing.rollback(store, name)
    return changing.switch(store, name, ref)


def _take_back(store: Store, moved: Moved, done: Sequence[Followed], failed: str) -> None:
    for one in done:
        try:
            if store.services.get(one.service).revision == one.revision:
                changing.rollback(store, one.service)
        except ModelDeployError as error:  # the one that failed first is what is raised
            log.warning("the service %s was not taken back: %s", one.service, error)
    reason = f"the service {failed} could not follow"
    by, unmoved = store.settings.person, moving.only_from(f"{moved.model}@{moved.alias}", moved.after)
    if moved.before is None:
        store.aliases.move(moved.model, moved.alias, None, by, reason, unmoved)
    else:
        store.aliases.roll_back(moved.model, moved.alias, by, reason, unmoved)


def _told(store: Store, moved: Moved, done: Sequence[Followed]) -> Moved:
    """With the services that were switched, and those that give traffic to the version before."""
    found = [Serving(service=one.service, version=f"{moved.model}@{moved.after}", followed=True) for one in done]
    if moved.before is not None and moved.before != moved.after:
        to = f"{moved.model}@{moved.after}" if moved.after is not None else None
        for service in serving(store, moved.model, moved.before):
            if service.name not in {one.service for one in done}:
                command = f"modeldeploy services switch {service.name} {to}" if to else ""
                ref = f"{moved.model}@{moved.before}"
                found.append(Serving(service=service.name, version=ref, followed=False, command=command))
    return moved.model_copy(update={"services": found})


def _served(service: Service, model: str) -> set[int]:
    return {arm.version for one in service.spec.models if one.model == model for arm in one.arms if arm.weight > 0}
