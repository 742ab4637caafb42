"""Judge a version on held-out data, alone or against another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import held_out
from jupyter_modeldeploy.records import Dataset, EvaluationReport

if TYPE_CHECKING:
    from jupyter_modeldeploy.judging.versions import Judgement


class EvaluateParameters(Parameters):
    version: str = Field(description="the version to judge: NAME, NAME@3 or NAME@alias")
    dataset: str | None = Field(default=None, description="judge on its held-out rows; else on the version's own")
    against: str | None = Field(default=None, description="a second version: the paired difference to it is reported")


def run(context: Context) -> dict[str, Any]:
    parameters: EvaluateParameters = context.parameters
    store = context.store
    version = store.versions.get(parameters.version)
    other = store.versions.get(parameters.against) if parameters.against else None
    dataset = held_out.required_dataset(store, version, parameters.dataset)
    compared = [version] if other is None else [version, other]
    for each in compared:
        held_out.check_judgeable(each, dataset)
    judged = [held_out.judge(store, each, dataset, context.reporter) for each in compared]
    result: dict[str, Any] = {
        "dataset": dataset.ref,
        "version": version.ref,
        "evaluation": _report(dataset, *judged).model_dump(mode="json"),
    }
    if other is not None:
        result["against"] = other.ref
        result["against_evaluation"] = _report(dataset, judged[1]).model_dump(mode="json")
    return result


def _report(dataset: Dataset, judgement: Judgement, against: Judgement | None = None) -> EvaluationReport:
    from jupyter_modeldeploy.judging.report import report

    return report(
        dataset.ref,
        judgement.held_out,
        judgement.answers,
        judgement.metrics,
        against.metrics if against else None,
        against.rows if against else None,
    )


KIND = Kind(
    "evaluate",
    EvaluateParameters,
    lambda p: f"Evaluate {p.version}" + (f" against {p.against}" if p.against else ""),
    run,
)
