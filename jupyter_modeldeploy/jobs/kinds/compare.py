"""Compare two versions behind one service under generated traffic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import held_out, traffic
from jupyter_modeldeploy.records import Dataset, Experiment, Name, Service

if TYPE_CHECKING:
    from jupyter_modeldeploy.experiments.comparison import Observations
    from jupyter_modeldeploy.profiling.load import LoadResult


class CompareParameters(Parameters):
    service: Name = Field(description="a running service with two versions of one model")
    base: str | None = Field(default=None, description="the version to compare with; the service's first when left out")
    candidate: str | None = Field(default=None, description="the version to judge; the service's second when left out")
    dataset: str | None = Field(default=None, description="send its held-out rows; else those of the base's dataset")
    requests: int = Field(default=2000, ge=20, le=10_000_000, description="requests in all")
    concurrency: int = Field(default=1, ge=1, le=1024, description="connections")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.experiments.comparison import compare, split_check, verdict
    from jupyter_modeldeploy.profiling import load

    parameters: CompareParameters = context.parameters
    store = context.store
    if known := store.experiments.made_by(context.job_id):  # killed after it was written
        return {"experiment": known.model_dump(mode="json")}
    service = store.services.get(parameters.service)
    base, candidate, weights = _arms(service, parameters.base, parameters.candidate)
    version = store.versions.get(base)
    dataset = held_out.chosen_dataset(store, version, parameters.dataset)
    requests = traffic.make_traffic(store, version, dataset, parameters.requests, pinned=False)
    url, headers = traffic.endpoint(store, service)
    plan = load.Load(
        url=url + requests.path,
        headers=headers,
        payloads=requests.bodies,
        unit_ids=[f"{context.job_id}-{number}" for number in range(parameters.requests)],
        concurrency=parameters.concurrency,
        requests=parameters.requests,
        keep_answers=requests.labels is not None,
    )
    result = load.run(plan, context.reporter)
    base_side, candidate_side = (_observations(result, ref, requests.labels, dataset) for ref in (base, candidate))
    metrics = compare(base_side, candidate_side)
    counts = [int(np.sum(result.version == ref)) for ref in (base, candidate)]
    p_value = split_check(counts, weights)
    experiment = store.experiments.add(
        Experiment(
            id=context.job_id,
            service=service.name,
            base=base,
            candidate=candidate,
            split=[weight / sum(weights) for weight in weights],
            metrics=metrics,
            split_p_value=p_value,
            verdict=verdict(candidate, metrics, p_value),
            owner=store.settings.owner,
            job=context.job_id,
            created_at=datetime.now(UTC),
        )
    )
    return {"experiment": experiment.model_dump(mode="json")}


def _arms(service: Service, base: str | None, candidate: str | None) -> tuple[str, str, list[float]]:
    """The two versions to compare and their weights. Raises InvalidInput unless both get traffic of one model."""
    name = base.partition("@")[0] if base else service.spec.models[0].model
    models = [model for model in service.spec.models if model.model == name]
    served = {f"{model.model}@{arm.version}": arm.weight for model in models for arm in model.arms}
    refs = list(served)
    base = base or (refs[0] if refs else "")
    candidate = candidate or next((ref for ref in refs if ref != base), "")
    for ref in (base, candidate):
        if not served.get(ref):
            raise InvalidInput(
                f"The service {service.name!r} sends no traffic to {ref or 'a second version of ' + name}.",
                "Serve both versions with a split: modeldeploy serve NAME@1 NAME@2 --split 50,50.",
            )
    return base, candidate, [served[base], served[candidate]]


def _observations(result: LoadResult, ref: str, labels: list[int] | None, dataset: Dataset | None) -> Observations:
    from jupyter_modeldeploy.experiments.comparison import Observations

    mine = result.version == ref
    answered = mine & (result.status == 200)
    correct = None
    if labels is not None and dataset is not None and result.answers is not None:
        rows = np.flatnonzero(answered)
        right = [dataset.classes[labels[result.payload[row]]] for row in rows]
        correct = np.array([result.answers[row]["predictions"][0]["label"] for row in rows]) == np.array(right)
    errors = int(np.sum(mine & (result.status != 200)))
    return Observations(version=ref, latency_ms=result.latency_ms[answered], errors=errors, correct=correct)


KIND = Kind("compare", CompareParameters, lambda p: f"Compare two versions behind {p.service}", run)
