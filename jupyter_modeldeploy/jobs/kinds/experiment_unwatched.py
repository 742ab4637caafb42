"""End an experiment whose job is gone, from whichever process a user is in."""

from __future__ import annotations

import time

from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.experiments.live.arms import share_of
from jupyter_modeldeploy.experiments.live.moves import Asked, Moves
from jupyter_modeldeploy.experiments.live.standing import Journal
from jupyter_modeldeploy.jobs.kinds import experiment_pair, typed
from jupyter_modeldeploy.jobs.kinds.experiment import ExperimentParameters
from jupyter_modeldeploy.jobs.kinds.experiment_acting import Acting
from jupyter_modeldeploy.jobs.kinds.experiment_row import moved
from jupyter_modeldeploy.records import Experiment
from jupyter_modeldeploy.store import Store


def act(store: Store, experiment: Experiment, action: Asked, note: str = "") -> Experiment:
    """Roll back, promote or stop it, with a `note` of what else was done. Raises Conflict where the service cannot be
    changed now."""
    parameters = typed("experiment", store.jobs.get(experiment.id).parameters)
    assert isinstance(parameters, ExperimentParameters)
    pair = experiment_pair.of(experiment)
    journal = Journal(store.job_folder(experiment.id))
    acting = Acting(store, experiment, journal, parameters.attributes)
    now = time.time()
    if acting.never_began():
        return store.experiments.save(
            experiment.model_copy(update={"outcome": "stopped", "verdict": "It never began."})
        )
    if not acting.settle() or journal.now is None:
        raise Conflict(f"The service {parameters.service!r} cannot be changed now.", "Try again in a moment.")
    standing = journal.now
    if not standing.is_over:
        ramp = parameters.ramp(share_of(standing.before, pair.base, pair.candidate))
        moves = Moves(ramp, pair.base, pair.candidate, parameters.at_end)
        acting.decide(moves.asked(standing, now, action, store.settings.owner, note=note))
    share = share_of(journal.now.arms, pair.base, pair.candidate)
    return store.experiments.save(moved(experiment, journal.next or journal.now, share))
