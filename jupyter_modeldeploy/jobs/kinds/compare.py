"""Compare two versions behind one service under generated traffic."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import held_out, traffic
from jupyter_modeldeploy.records import Dataset, Experiment, Metric, Name, Service

if TYPE_CHECKING:
    from jupyter_modeldeploy.experiments.observed import Observed
    from jupyter_modeldeploy.profiling.load import LoadResult


AtItsEnd = Literal["fixed", "sequence"]
"""The methods that judge what is over."""


class CompareParameters(Parameters):
    service: Name = Field(description="a running service with two versions of one model")
    base: str | None = Field(default=None, description="the version to compare with; the service's first when left out")
    candidate: str | None = Field(default=None, description="the version to judge; the service's second when left out")
    dataset: str | None = Field(default=None, description="send its held-out rows; else those of the base's dataset")
    requests: int = Field(default=2000, ge=20, le=10_000_000, description="requests in all")
    concurrency: int = Field(default=1, ge=1, le=1024, description="connections")
    method: AtItsEnd = Field(
        default="fixed", description="how it is judged: once, at the last request, or as one may look at any time"
    )


def run(context: Context) -> dict[str, Any]:
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
    split = {ref: weight / sum(weights) for ref, weight in zip((base, candidate), weights, strict=True)}
    observed = [_observed(result, ref, share, requests.labels, dataset) for ref, share in split.items()]
    found = _judged(observed, base, candidate, parameters.method)
    experiment = store.experiments.add(
        Experiment(
            id=context.job_id,
            service=service.name,
            base=base,
            candidate=candidate,
            split=list(split.values()),
            owner=store.settings.owner,
            job=context.job_id,
            created_at=datetime.now(UTC),
            method=parameters.method,
            units=[one.units for one in observed],
            **found,
        )
    )
    return {"experiment": experiment.model_dump(mode="json")}


def _judged(
    observed: list[Observed], base: str, candidate: str, method: Literal["fixed", "sequence"]
) -> dict[str, Any]:
    """The fields of an experiment that say what was found. Raises InvalidInput where a version answered too little."""
    from jupyter_modeldeploy.experiments.own_metrics import ERROR_RATE, LATENCY
    from jupyter_modeldeploy.experiments.verdicts import judge, sentence, split_p_value

    for one in observed:
        if (answers := int(one.sums["answers"].sum())) < 2:
            raise InvalidInput(f"{one.version} answered {answers} requests, too few to compare.", "Send more requests.")
    metrics = [LATENCY.model_copy(update={"per": "answers"}), ERROR_RATE]
    if all("right" in one.sums for one in observed):
        metrics.append(Metric(name="accuracy", kind="ratio", of="right", per="answers", unit="proportion"))
    compared = judge(observed, base, candidate, metrics, method)
    p_value = split_p_value(observed, base, candidate, method)
    return {"metrics": compared, "split_p_value": p_value, "verdict": sentence(candidate, compared, p_value)}


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


def _observed(
    result: LoadResult, ref: str, share: float, labels: list[int] | None, dataset: Dataset | None
) -> Observed:
    """The requests that `ref` got, each a unit of its own; one without an answer has no latency and is not right."""
    from jupyter_modeldeploy.experiments.observed import Observed

    mine = np.flatnonzero(result.version == ref)
    answered = result.status[mine] == 200
    sums = {
        "requests": np.ones(len(mine)),
        "answers": answered.astype(np.float64),
        "errors": 1.0 - answered,
        "latency_ms": np.where(answered, result.latency_ms[mine], 0.0),
    }
    if labels is not None and dataset is not None and result.answers is not None:
        sums["right"] = np.zeros(len(mine))
        for place in np.flatnonzero(answered):
            row = mine[place]
            wanted = dataset.classes[labels[result.payload[row]]]
            sums["right"][place] = result.answers[row]["predictions"][0]["label"] == wanted
    return Observed(ref, 0, share, len(mine), sums)


KIND = Kind("compare", CompareParameters, lambda p: f"Compare two versions behind {p.service}", run)
