"""The kinds of jobs, one file each: what they take, what they do with the capabilities, what they leave."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from jupyter_modeldeploy.errors import InvalidInput, from_validation_error
from jupyter_modeldeploy.jobs.context import Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import (
    compare,
    compare_offline,
    convert,
    dataset,
    distil,
    evaluate,
    experiment,
    fetch,
    finetune,
    load,
    optimize,
    profile,
    prune,
    quantize,
    requirements,
    service_report,
    sweep,
    trial,
)

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        fetch.KIND,
        dataset.KIND,
        finetune.KIND,
        sweep.KIND,
        trial.KIND,
        distil.KIND,
        convert.KIND,
        quantize.KIND,
        prune.KIND,
        optimize.KIND,
        evaluate.KIND,
        profile.KIND,
        load.KIND,
        service_report.KIND,
        compare.KIND,
        compare_offline.KIND,
        experiment.KIND,
        requirements.KIND,
    )
}


def typed(kind: str, parameters: dict[str, Any]) -> Parameters:
    """The parameters of a job of this kind. Raises InvalidInput that names each wrong one, also for a job that an
    older release wrote and this one does not understand."""
    if kind not in KINDS:
        raise InvalidInput(f"{kind!r} is no kind of job.", f"There are: {', '.join(KINDS)}.")
    try:
        return KINDS[kind].parameters.model_validate(parameters)
    except ValidationError as error:
        raise from_validation_error(error, kind) from error
