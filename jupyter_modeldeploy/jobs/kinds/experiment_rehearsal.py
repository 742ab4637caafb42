"""An experiment tried on traffic that was recorded before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.experiments.live.standing import Journal
from jupyter_modeldeploy.jobs.kinds.experiment import ExperimentParameters
from jupyter_modeldeploy.records import Experiment, Rehearsal
from jupyter_modeldeploy.store import Store

if TYPE_CHECKING:
    from jupyter_modeldeploy.experiments.observed import Observed

ID = re.compile(r"[0-9a-f]{12}")


def rehearse(
    store: Store, traffic: str, candidate: str | None, base: str | None, options: Mapping[str, Any]
) -> Rehearsal:
    """What would have been done in the traffic of a live experiment (its id) or of a log of requests (its path)."""
    from jupyter_modeldeploy.experiments import request_log
    from jupyter_modeldeploy.experiments.live import rehearsal
    from jupyter_modeldeploy.jobs.kinds import typed

    known = store.experiments.get(traffic) if ID.fullmatch(traffic) else None
    if known is not None:
        base, candidate = base or known.base, candidate or known.candidate
    if base is None or candidate is None:
        raise InvalidInput("A log does not say which versions are meant.", "Name the base and the candidate.")
    versions = [store.versions.get(ref) for ref in (base, candidate)]
    service = "recorded" if known is None else known.service
    parameters = typed("experiment", {**options, "service": service, "candidate": versions[1].ref})
    assert isinstance(parameters, ExperimentParameters)
    if known is None:
        observed = request_log.read(Path(traffic).expanduser(), versions[0].model)
    else:
        observed = _kept(store, known, parameters)
    ramp = parameters.ramp(share_now=0.5)
    base, candidate = (version.ref for version in versions)
    return rehearsal.rehearse(observed, base, candidate, ramp, parameters.measured, parameters.watched)


def _kept(store: Store, known: Experiment, parameters: ExperimentParameters) -> list[Observed]:
    """What its service keeps of the experiment's units, from its beginning to its end."""
    from jupyter_modeldeploy.experiments.collecting import KEPT, Collector
    from jupyter_modeldeploy.experiments.spool import FOLDER
    from jupyter_modeldeploy.experiments.strata import among

    journal, folder = Journal(store.job_folder(known.id)), store.service_folder(str(known.service))
    if journal.now is None or not (folder / KEPT).exists():
        raise Conflict(f"Nothing is kept of the traffic of {known.id}.", "It is gone with the service it was on.")
    with closing(Collector(folder / FOLDER, folder / KEPT)) as collector:
        experiment = known.id if known.namespace else ""
        refs = known.base, known.candidate
        observed = collector.observed(*refs, parameters.measured, journal.now.stage, experiment)
    last = (known.updated_at or known.created_at).timestamp()
    return [among(one, one.first_at <= last) for one in observed if one.first_at is not None]
