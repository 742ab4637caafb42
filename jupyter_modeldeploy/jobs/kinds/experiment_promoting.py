"""What is done, and may refuse, before the candidate of an experiment gets the traffic: its alias is moved."""

from __future__ import annotations

import logging

from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.jobs.kinds import experiment_pair
from jupyter_modeldeploy.records import Experiment, Moved
from jupyter_modeldeploy.registry import moving
from jupyter_modeldeploy.store import Store

log = logging.getLogger(__name__)


def check_base(store: Store, experiment: Experiment) -> None:
    """Raise Conflict where the candidate was held against what nobody gets any more: another experiment in a range of
    the same namespace was promoted meanwhile."""
    pair = experiment_pair.of(experiment)
    if pair.namespace is None:
        return
    served = experiment_pair.served_model(store.services.get(str(experiment.service)), pair.model)
    weights = {arm.version: arm.weight for arm in served.arms}
    if not weights.get(pair.base):
        now = ", ".join(f"{pair.model}@{number}" for number, weight in weights.items() if weight)
        raise Conflict(
            f"{pair.candidate_ref} was held against {pair.base_ref}, which has no traffic any more: {now} has it.",
            f"End it, and hold {pair.candidate_ref} against {now}.",
        )


def move_alias(store: Store, experiment: Experiment, alias: str, by: str) -> Moved:
    """Point the alias at the candidate, as its rule allows; nothing happens where it points there already. The
    experiment itself is a proof that the rule may ask for.

    Raises Conflict and Forbidden where that is refused, and Conflict where a second person must approve it, who has
    been asked then. The traffic is nobody's matter here."""
    version = store.versions.get(experiment.candidate)
    reason = f"promoted by the experiment {experiment.id}"
    moved = moving.promote(store, version, alias, by, reason, experiment=experiment.id)
    if moved.request is not None:
        raise Conflict(
            f"A second person approves where {moved.model}@{alias} points: request {moved.request.id}.",
            f"modeldeploy models approve {moved.request.id}; then promote it again.",
        )
    return moved


def take_back(store: Store, moved: Moved, by: str) -> None:
    """Let the alias point where it did, since the traffic could not be moved; elsewhere by now, it stays there."""
    if moved.move is None:
        return
    called, reason = f"{moved.model}@{moved.alias}", "the traffic could not be moved with it"
    seen = moving.only_from(called, moved.after)
    try:
        if moved.before is None:
            store.aliases.move(moved.model, moved.alias, None, by, reason, seen)
        else:
            store.aliases.roll_back(moved.model, moved.alias, by, reason, seen)
    except Conflict as error:
        log.warning("%s", error)


def told(store: Store, experiment: Experiment, moved: Moved | None) -> str:
    """What became of the aliases, in a sentence; '' where none is concerned."""
    if moved is not None:
        return f"{moved.model}@{moved.alias} is @{moved.after}."
    model, _, base = experiment.base.partition("@")
    left = [alias for alias, number in store.models.get(model).aliases.items() if str(number) == base]
    return f"Still @{base}: {', '.join(f'{model}@{alias}' for alias in left)}." if left else ""
