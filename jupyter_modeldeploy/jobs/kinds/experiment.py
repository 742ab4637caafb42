"""Two versions on a service's own traffic: the candidate's share rises while guardrails hold, up to a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator, model_validator

from jupyter_modeldeploy.amounts import seconds_of
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.live import asked
from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.records import Guardrail, Metric, Name
from jupyter_modeldeploy.records.experiments import Method

if TYPE_CHECKING:
    from jupyter_modeldeploy.experiments.live.ramp import Ramp
    from jupyter_modeldeploy.store import Store


class ExperimentOptions(Parameters):
    """What a live experiment is told, beside the service that it is on."""

    candidate: str = Field(description="the version to judge: NAME, NAME@3 or NAME@alias; loaded if it is not served")
    base: str | None = Field(default=None, description="the version to hold it against; by default the one served most")
    traffic_split: str | None = Field(
        default=None, description="the base's and the candidate's part: 80,20; by default as they are served, or 50,50"
    )
    steps: str | None = Field(
        default=None, description="instead of one split, the candidate's shares one after the other: 10,25,50,100"
    )
    hold: str = Field(default="1m", description="how long each step lasts at least: 30s, 10m, 2h, 1d")
    hold_units: int = Field(default=100, ge=0, description="how many units meet the candidate in each step at least")
    duration: str = Field(default="7d", description="how long it lasts at most: 30s, 10m, 2h, 7d, 2w")
    metrics: dict[str, str] = Field(
        default_factory=dict,
        description="outcomes to measure too, the first of which decides: bought=proportion, wait=p95,lower, "
        "ctr=ratio of clicks per views",
    )
    guardrails: dict[str, str] = Field(
        default_factory=dict,
        description="by how much the candidate may be worse: error_rate=2pp, latency_p95=50%, bought=5%,pause; or off",
    )
    method: Method = Field(default="sequence", description="sequence may be looked at any time, fixed is judged once")
    level: float = Field(default=0.95, gt=0.5, lt=1, description="how sure an interval is")
    horizon: int | None = Field(
        default=None, ge=2, description="units planned for, with fixed and stages; else the time"
    )
    attributes: str | None = Field(
        default=None, description="headers X-Attribute-NAME by which parts of the traffic are told apart: region,plan"
    )
    promote: bool = Field(default=False, description="give it all the traffic where it proves better in what decides")
    alias: Name | None = Field(
        default=None, description="where it is promoted, let this alias point at it, as its rule allows: production"
    )
    namespace: str | None = Field(
        default=None,
        description="only the units in this range of a namespace take part, others take theirs: checkout:0-0.5",
    )
    at_end: Literal["before", "keep"] = Field(default="before", description="at the end the split before, or that then")

    @field_validator("traffic_split", "steps", "attributes", mode="before")
    @classmethod
    def _joined(cls, given: Any) -> Any:
        return ",".join(str(each) for each in given) if isinstance(given, list | tuple) else given

    @field_validator("hold", "duration")
    @classmethod
    def _is_duration(cls, text: str) -> str:
        seconds_of(text)
        return text

    @model_validator(mode="after")
    def _agrees(self) -> ExperimentOptions:
        if self.traffic_split and self.steps:
            raise ValueError("choose one of traffic_split and steps")
        if self.traffic_split:
            asked.share_of_split(self.traffic_split)
        if self.steps:
            asked.shares_of(self.steps)
        if self.namespace:
            asked.namespace_of(self.namespace)
            if self.at_end == "keep":
                raise ValueError("a range of a namespace is given back at the end: leave out at_end=keep")
        try:
            asked.guardrails_of(self.guardrails, asked.metrics_of(self.metrics))
        except InvalidInput as error:
            raise ValueError(f"{error} {error.hint}") from error
        return self

    @property
    def measured(self) -> Sequence[Metric]:
        return asked.metrics_of(self.metrics)

    @property
    def watched(self) -> Sequence[Guardrail]:
        return asked.guardrails_of(self.guardrails, self.measured)

    def ramp(self, share_now: float) -> Ramp:
        """Its steps; `share_now` is what the candidate has of the traffic. One that begins with all of it is preceded
        by a look at the base, since there is nothing else to hold it against."""
        from jupyter_modeldeploy.experiments.live.ramp import Ramp

        if self.steps:
            steps = asked.shares_of(self.steps)
        elif self.traffic_split:
            steps = (asked.share_of_split(self.traffic_split),)
        else:
            steps = (share_now if 0 < share_now < 1 else 0.5,)
        return Ramp(
            steps=(0.0, *steps) if steps[0] == 1 else steps,
            hold_s=seconds_of(self.hold),
            hold_units=self.hold_units,
            duration_s=seconds_of(self.duration),
            promote=self.promote,
        )


class ExperimentParameters(ExperimentOptions):
    service: Name = Field(description="a running service")


def check(store: Store, parameters: ExperimentParameters) -> None:
    """Raise what can be known to be wrong before anything is changed."""
    from jupyter_modeldeploy.jobs.kinds import experiment_pair

    pair = experiment_pair.find(store, parameters)
    store.experiments.check_free(parameters.service, pair.model, pair.namespace)
    experiment_pair.check_range(store, parameters.service, pair)


def entered(store: Store, job_id: str, parameters: ExperimentParameters) -> None:
    """Write its row, from which on no other one may begin on the same traffic."""
    from jupyter_modeldeploy.jobs.kinds import experiment_pair, experiment_row

    pair = experiment_pair.find(store, parameters, job_id)
    store.experiments.begin(experiment_row.begun(store, job_id, parameters, pair))


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.jobs.kinds import experiment_watch

    experiment = experiment_watch.watch(context)
    return {"experiment": experiment.model_dump(mode="json")}


def _title(parameters: ExperimentParameters) -> str:
    return f"{parameters.candidate} on the traffic of {parameters.service}"


KIND = Kind("experiment", ExperimentParameters, _title, run, leases=False, check=check, entered=entered)
