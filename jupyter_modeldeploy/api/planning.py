"""Operations before an experiment, and without a service: plans, and comparisons on labelled rows."""

from __future__ import annotations

from pydantic import Field, field_validator

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.experiments.live.asked import share_of_split
from jupyter_modeldeploy.jobs.kinds.compare_offline import OfflineParameters
from jupyter_modeldeploy.records import ExperimentPlan, Job, Name
from jupyter_modeldeploy.records.experiments import Method
from jupyter_modeldeploy.workspace import Workspace


class PlanExperiment(Request):
    """What is to be found, in how many units. A proportion as `base`, or `deviation`, tells how they differ."""

    service: Name | None = Field(default=None, description="take what this service recorded for what is not given")
    metric: str = Field(default="latency_ms", description="of a service: one of its own metrics, or an outcome")
    kind: str | None = Field(default=None, description="of an outcome: mean, proportion, p95, ratio of X per Y")
    base: float | None = Field(default=None, description="the base's figure: 0.12 of a proportion, 24 of milliseconds")
    deviation: float | None = Field(default=None, gt=0, description="the standard deviation of one unit's figure")
    percentile: float | None = Field(
        default=None, gt=0, lt=1, description="of a percentile, 0.95: the deviation is that of a unit's part in it"
    )
    minimum_effect: float | None = Field(default=None, gt=0, description="the smallest difference that matters")
    relative: bool = Field(default=False, description="the minimum effect is a share of the base's figure")
    traffic_split: str = Field(default="50,50", description="the base's and the candidate's part: 80,20")
    method: Method = Field(default="sequence", description="how it will be judged")
    looks: int = Field(default=20, ge=1, le=100, description="how often it will be looked at")
    power: float = Field(default=0.8, gt=0, lt=1, description="the chance to find the effect where there is one")
    level: float = Field(default=0.95, gt=0, lt=1, description="of the intervals")
    daily_units: float | None = Field(default=None, gt=0, description="units that come a day, of both versions")
    duration_days: float | None = Field(default=None, gt=0, description="what is found in so many days")

    @field_validator("traffic_split")
    @classmethod
    def _is_split(cls, text: str) -> str:
        share_of_split(text)
        return text


class CompareOffline(OfflineParameters, Request):
    pass


def plan_experiment(workspace: Workspace, request: PlanExperiment) -> ExperimentPlan:
    """How many units an experiment needs, how long that takes, and what is found in less."""
    candidate = share_of_split(request.traffic_split)
    asked = request.model_dump(exclude={"traffic_split"})
    return workspace.experiments.plan(**asked, split=[1 - candidate, candidate])


def compare_offline(workspace: Workspace, request: CompareOffline) -> Job:
    """Compare two versions on the same labelled rows, without a service."""
    return workspace.experiments.compare_offline(**request.model_dump()).job


PLANNING: tuple[Operation, ...] = (
    Operation("plan_experiment", "POST", "experiments/plan", "read", PlanExperiment, ExperimentPlan, plan_experiment),
    Operation(
        "compare_offline", "POST", "experiments/offline", "execute", CompareOffline, Job, compare_offline, status=202
    ),
)
