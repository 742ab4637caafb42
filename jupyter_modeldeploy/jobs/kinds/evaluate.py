"""Judge a version on held-out data, alone or against another."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import held_out


class EvaluateParameters(Parameters):
    version: str = Field(description="the version to judge: NAME, NAME@3 or NAME@alias")
    dataset: str | None = Field(default=None, description="judge on its held-out rows; else on the version's own")
    against: str | None = Field(default=None, description="a second version: the paired difference to it is reported")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.experiments.evaluate import paired_difference

    parameters: EvaluateParameters = context.parameters
    store = context.store
    version = store.versions.get(parameters.version)
    other = store.versions.get(parameters.against) if parameters.against else None
    dataset = held_out.required_dataset(store, version, parameters.dataset)
    compared = [version] if other is None else [version, other]
    for each in compared:
        held_out.check_judgeable(each, dataset)
    evaluations = [
        held_out.judge(store, each.format, store.versions.path(each), dataset, context.reporter) for each in compared
    ]
    result: dict[str, Any] = {
        "dataset": dataset.ref,
        "version": version.ref,
        "evaluation": evaluations[0].model_dump(mode="json", exclude={"correct"}),
    }
    if other is not None:
        result["against"] = other.ref
        result["against_evaluation"] = evaluations[1].model_dump(mode="json", exclude={"correct"})
        result["accuracy_difference"] = paired_difference(*evaluations).model_dump()
    return result


KIND = Kind(
    "evaluate",
    EvaluateParameters,
    lambda p: f"Evaluate {p.version}" + (f" against {p.against}" if p.against else ""),
    run,
)
