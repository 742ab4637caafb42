"""Put load on a service, or on any other endpoint, and see how it answers."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator, model_validator

from jupyter_modeldeploy import amounts
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.records import Name
from jupyter_modeldeploy.records.loads import Arrivals, LoadMode, LoadReport

if TYPE_CHECKING:
    from jupyter_modeldeploy.jobs.kinds.load_plan import Planned
    from jupyter_modeldeploy.progress import Reporter

LONGEST_S = 6 * 3600.0
CONCURRENCIES = "1,2,4,8,16"
MOST_STEPS = 64
WARMUP_SHARE, LONGEST_WARMUP_S = 0.1, 3.0
WINDOWS = 10
SHORTEST_WINDOW_S = 0.25
NOT_STABLE = "{steps}: the {percentile:g}th percentile was not stable within {tolerance:.0%}; measure longer."
WAITED = (
    "{steps}: {share:.0%} of the requests were due while all {connections} connections were busy; they waited here."
)
WORTH_TELLING = 0.01


class LoadParameters(Parameters):
    service: Name | None = Field(default=None, description="a running service of the workspace")
    url: str | None = Field(
        default=None,
        description="or any endpoint: http://HOST:PORT/v2/models/NAME/infer of any V2 server, or one of other JSON",
    )
    model: Name | None = Field(default=None, description="which of the service's models; the first when left out")
    duration: str = Field(default="60s", description="the longest time in all: 30s, 2m; a stable step ends before")
    concurrency: str | None = Field(
        default=None, description=f"closed loop: connections that each wait for their answer, such as {CONCURRENCIES}"
    )
    rate: str | None = Field(default=None, description="open loop: requests a second whatever is answered: 50,100,200")
    replay: str | None = Field(
        default=None,
        description="open loop: a file of JSON lines with a timestamp and a body; log: the service's own (log_sample)",
    )
    speed: float = Field(default=1.0, gt=0, le=1000, description="how many times as fast to replay")
    arrivals: Arrivals = Field(default="poisson", description="with a rate: gaps as many clients make them, or equal")
    dataset: str | None = Field(default=None, description="send its held-out rows; else what the model's task takes")
    texts: str | None = Field(default=None, description="send the lines of this file as texts")
    body: str | None = Field(default=None, description="send this file, or each file of this folder, as it is")
    shapes: dict[str, str] = Field(
        default_factory=dict,
        description="sizes of an input made of chance, where the model leaves them open: ids=1,128",
    )
    binary: bool = Field(default=False, description="send tensors in V2's binary form, not as JSON")
    percentile: float = Field(default=99.0, ge=50, le=99.9, description="the percentile of latency that must be stable")
    tolerance: float = Field(default=0.1, gt=0, le=1, description="how far windows may differ for it to be stable")
    whole_duration: bool = Field(default=False, description="go on to the end where it is stable before")
    latency_limit_ms: float | None = Field(
        default=None, gt=0, description="recommend the most load whose percentile stays below this"
    )
    connections: int = Field(default=64, ge=1, le=4096, description="of an open loop, at most")
    timeout_s: float = Field(default=30.0, gt=0, le=3600, description="a request without an answer then has failed")
    token_file: str | None = Field(default=None, description="a file with the token that the endpoint of a URL wants")

    @field_validator("duration")
    @classmethod
    def _is_duration(cls, duration: str) -> str:
        seconds_of(duration)
        return duration

    @field_validator("concurrency", "rate")
    @classmethod
    def _is_list(cls, text: str | None) -> str | None:
        if text is not None:
            numbers(text)
        return text

    @model_validator(mode="after")
    def _agrees(self) -> LoadParameters:
        if (self.service is None) == (self.url is None):
            raise ValueError("say what to put load on: a service, or a url")
        if sum(each is not None for each in (self.concurrency, self.rate, self.replay)) > 1:
            raise ValueError("choose one of concurrency, rate and replay")
        if sum(each is not None for each in (self.dataset, self.texts, self.body)) > 1:
            raise ValueError("choose one of dataset, texts and body")
        if self.url is not None and (self.dataset or self.model or self.replay == "log"):
            raise ValueError("a dataset, a model's name and the log are for services of this workspace")
        if self.concurrency and any(each != int(each) for each in numbers(self.concurrency)):
            raise ValueError("a concurrency is a whole number")
        return self

    @property
    def mode(self) -> LoadMode:
        return "trace" if self.replay else "rate" if self.rate else "concurrency"


def seconds_of(duration: str) -> float:
    """`90`, `90s`, `1.5m`, `1h` in seconds. Raises ValueError for others."""
    seconds = amounts.seconds_of(duration)
    if not 1 <= seconds <= LONGEST_S:
        raise ValueError(f"{duration!r} is no time from 1s to {LONGEST_S / 3600:g}h: write 30s, 2m or 1h")
    return seconds


def numbers(text: str) -> list[float]:
    """`1,2,4` as numbers above 0. Raises ValueError for others."""
    try:
        found = [float(each) for each in text.split(",")]
    except ValueError:
        found = []
    if not found or len(found) > MOST_STEPS or not all(0 < each <= 1_000_000 for each in found):
        raise ValueError(f"{text!r} are no numbers above 0 with commas between, at most {MOST_STEPS}")
    return found


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.jobs.kinds import load_plan

    planned = load_plan.make(context.store, context.parameters)
    return {"load": measured(planned, context.parameters, context.reporter).model_dump(mode="json")}


def measured(planned: Planned, parameters: LoadParameters, reporter: Reporter) -> LoadReport:
    """What the plan's steps found. Raises what `measure` raises."""
    from jupyter_modeldeploy.profiling.load import curve
    from jupyter_modeldeploy.profiling.load.process import measure

    begin = time.monotonic()
    steps = measure(planned.plan, reporter)
    percentile, limit_ms = parameters.percentile, parameters.latency_limit_ms
    chosen = curve.recommended(steps, percentile, limit_ms)
    return LoadReport(
        url=planned.plan.url,
        service=parameters.service,
        mode=parameters.mode,
        arrivals=parameters.arrivals if parameters.mode == "rate" else None,
        sent=planned.sent,
        percentile=percentile,
        tolerance=parameters.tolerance,
        steps=steps,
        knee=curve.knee(steps) if len(steps) > 1 else None,
        recommended=chosen if len(steps) > 1 else None,
        advice=curve.advice(steps, parameters.mode, chosen, percentile, limit_ms),
        notes=[*planned.notes, *_notes(steps, parameters)],
        seconds=time.monotonic() - begin,
        created_at=datetime.now(UTC),
    )


def _notes(steps: list[Any], parameters: LoadParameters) -> list[str]:
    notes = []
    if unstable := [step.label for step in steps if not step.stable]:
        told = {"percentile": parameters.percentile, "tolerance": parameters.tolerance}
        notes.append(NOT_STABLE.format(steps=", ".join(unstable), **told))
    for step in steps:
        health = step.generator
        if health.limited:
            notes.append(f"{step.label}: {health.limited}")
        if health.waited_share > WORTH_TELLING:
            told = {"share": health.waited_share, "connections": step.connections}
            notes.append(WAITED.format(steps=step.label, **told))
    return list(dict.fromkeys([*notes, *(step.stages_note for step in steps if step.stages_note)]))


def read_token(path: str) -> str:
    """Raises InvalidInput for a file that cannot be read, or holds no token."""
    try:
        token = Path(path).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read as a token: {error}.") from error
    if not token:
        raise InvalidInput(f"{path} holds no token.")
    return token


KIND = Kind("load", LoadParameters, lambda p: f"Load on {p.service or p.url}", run)
