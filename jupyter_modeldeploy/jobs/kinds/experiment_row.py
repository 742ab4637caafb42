"""A live experiment as everybody sees it: its row, made from where it stands and what is known."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jupyter_modeldeploy.experiments.live.standing import Standing
from jupyter_modeldeploy.jobs.kinds.experiment import ExperimentParameters
from jupyter_modeldeploy.jobs.kinds.experiment_pair import Pair, share_now
from jupyter_modeldeploy.records import Experiment, GuardrailState

if TYPE_CHECKING:
    from jupyter_modeldeploy.jobs.kinds.experiment_looking import Looking
    from jupyter_modeldeploy.store import Store


def begun(store: Store, job_id: str, parameters: ExperimentParameters, pair: Pair) -> Experiment:
    """Before anything is known or changed."""
    share = share_now(store.services.get(parameters.service), pair)
    return Experiment(
        id=job_id,
        service=parameters.service,
        base=pair.base_ref,
        candidate=pair.candidate_ref,
        split=[1 - share, share],
        metrics=[],
        split_p_value=1.0,
        verdict="Nothing is known yet.",
        owner=store.settings.owner,
        job=job_id,
        created_at=datetime.now(UTC),
        kind="live",
        unit="unit",
        method=parameters.method,
        units=[0, 0],
        namespace=pair.namespace,
        alias=parameters.alias,
        steps=[*parameters.ramp(share).steps],
        outcome="running",
        guardrails=[GuardrailState(guardrail=each) for each in parameters.watched],
    )


def moved(row: Experiment, standing: Standing, share: float) -> Experiment:
    """The row with where it stands now."""
    return row.model_copy(
        update={
            "split": [1 - share, share],
            "ends_at": datetime.fromtimestamp(standing.ends, UTC),
            "updated_at": datetime.now(UTC),
            "outcome": standing.outcome,
            "decisions": standing.decisions,
        }
    )


def known(row: Experiment, looking: Looking) -> Experiment:
    """The row with what is known now."""
    return row.model_copy(
        update={
            "metrics": looking.found,
            "split_p_value": looking.split_p_value,
            "verdict": looking.sentence,
            "units": looking.units,
            "guardrails": looking.states,
            "suspicions": looking.suspicions,
        }
    )
