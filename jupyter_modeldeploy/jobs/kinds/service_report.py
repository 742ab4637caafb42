"""One report of a served model: how it answers under load, where the time goes, and what would make it faster."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import load as load_kind
from jupyter_modeldeploy.records import Name

if TYPE_CHECKING:
    from jupyter_modeldeploy.profiling.advice.evidence import Evidence
    from jupyter_modeldeploy.records.loads import LoadReport
    from jupyter_modeldeploy.records.service_reports import Advice, AdviceTrial, ServiceReport

SWEEP_SHARE, TRIAL_SHARE = 0.35, 0.45
"""Of the duration, for the throughput-latency curve and for the load of trials; the rest is for the model alone."""
OWN_FIELDS = {"trials", "duration"}


class ServiceReportParameters(Parameters):
    service: Name = Field(description="a running service of the workspace")
    model: Name | None = Field(default=None, description="which of the service's models; the first when left out")
    duration: str = Field(default="60s", description="about how long to measure in all: 30s, 2m")
    concurrency: str = Field(
        default=load_kind.CONCURRENCIES, description="connections of the curve; trials are of the most"
    )
    dataset: str | None = Field(default=None, description="send its held-out rows; else what the model's task takes")
    texts: str | None = Field(default=None, description="send the lines of this file as texts")
    body: str | None = Field(default=None, description="send this file, or each file of this folder, as it is")
    shapes: dict[str, str] = Field(default_factory=dict, description="sizes that the model leaves open: ids=1,128")
    binary: bool = Field(default=False, description="send tensors in V2's binary form, not as JSON")
    trials: bool = Field(default=True, description="try what may be faster; without, there is no advice")

    @field_validator("duration")
    @classmethod
    def _is_duration(cls, duration: str) -> str:
        load_kind.seconds_of(duration)
        return duration

    @field_validator("concurrency")
    @classmethod
    def _is_list(cls, text: str) -> str:
        load_kind.numbers(text)
        return text

    @property
    def of_load(self) -> load_kind.LoadParameters:
        """What the curve is made with."""
        seconds = max(1.0, SWEEP_SHARE * load_kind.seconds_of(self.duration))
        shared = self.model_dump(exclude=OWN_FIELDS)
        return load_kind.LoadParameters(**shared, duration=f"{seconds:.1f}s")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.jobs.kinds import load_plan, service_evidence, service_trials

    parameters: ServiceReportParameters = context.parameters
    begun = time.monotonic()
    planned = load_plan.make(context.store, parameters.of_load)
    curve = load_kind.measured(planned, parameters.of_load, context.reporter)
    concurrency = int(max(load_kind.numbers(parameters.concurrency)))
    found = service_evidence.look(context, planned.plan, concurrency)
    advice: list[Advice] = []
    trials: list[AdviceTrial] = []
    if parameters.trials:
        seconds = TRIAL_SHARE * load_kind.seconds_of(parameters.duration)
        advice, trials = service_trials.try_all(context, planned.plan, found, seconds)
    report = _report(curve, found, concurrency, advice, trials, time.monotonic() - begun)
    return {"service_report": report.model_dump(mode="json")}


def _report(
    curve: LoadReport, found: Any, concurrency: int, advice: list[Advice], trials: list[AdviceTrial], seconds: float
) -> ServiceReport:
    from jupyter_modeldeploy.profiling.advice.summary import parts_of, summary
    from jupyter_modeldeploy.records.service_reports import ServiceReport

    evidence: Evidence = found.evidence
    parts = parts_of(evidence)
    return ServiceReport(
        service=evidence.service,
        version=evidence.version,
        summary=summary(curve, parts, advice, tried=bool(trials)),
        load=curve,
        concurrency=concurrency,
        parts=parts,
        operators=found.operators,
        run=found.run,
        operators_note=found.operators_note,
        size_bytes=found.version.size_bytes,
        memory=found.memory,
        cores=evidence.cores,
        cores_busy=evidence.cores_busy,
        advice=advice,
        trials=trials,
        notes=curve.notes,
        seconds=seconds,
        created_at=datetime.now(UTC),
    )


KIND = Kind("service-report", ServiceReportParameters, lambda p: f"Report on {p.service}", run)
