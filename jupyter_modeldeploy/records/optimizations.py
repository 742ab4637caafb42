"""Searches for the form of a model that is smaller or faster and answers as well, and what they found."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Interval, Record
from jupyter_modeldeploy.signatures import Format, Signature

Target = Literal["latency", "throughput", "size", "memory"]
Verdict = Literal[
    "original", "recommended", "front", "dominated", "slower", "too-much-loss", "failed", "no-time", "open"
]
ORIGINAL = "original"
"""The name of the candidate that is the version as it was."""


class Spread(Record):
    """The median of several rounds, and the lowest and the highest of them."""

    median: float
    low: float
    high: float


class Layout(Record):
    """How the processor's cores are shared out: `instances` runs at once, of `batch` rows, on `threads` cores each."""

    threads: int
    instances: int = 1
    batch: int = 1

    @property
    def is_alone(self) -> bool:
        """Whether one row is run after the other."""
        return self.instances == self.batch == 1


class Timing(Record):
    """A candidate run in one layout, in rounds in which every candidate had its turn, so that all were measured at the
    machine's pace of the moment. `speed` is how many times as fast as the original in its best layout it was in the
    same round: by the median time where one row is run after the other, else by rows a second."""

    layout: Layout
    p50_ms: Spread = Field(description="of a run")
    p95_ms: float
    rows_per_s: Spread
    speed: Spread
    rounds: int
    runs: int


class ClassChange(Record):
    """What became of one class's answers: `f1` (average precision at an overlap of 0.5 for boxes) of the original and
    of the candidate. None where nothing can be divided."""

    name: str
    support: int
    before: float | None
    after: float | None


class Accuracy(Record):
    """A candidate's answers to `rows` held-out rows, asked `batch` at a time. `difference` is the candidate's `metric`
    minus the original's on the same rows; `agreement` is the share of rows that both answer alike."""

    rows: int
    batch: int
    metric: str
    value: Interval
    difference: Interval
    method: str = Field(description="how the intervals were found")
    agreement: float
    metrics: dict[str, float]
    per_class: list[ClassChange] = Field(default_factory=list, description="the fifty that changed most")


class LayerLoss(Record):
    """Noise over signal of one node's output, rounded alone; `excluded` nodes compute in float as before."""

    node: str
    operator: str
    error: float
    excluded: bool


class Candidate(Record):
    """One form of the model. `quantization` are the options that differ from the defaults, with the method; None for a
    model in 32-bit floats. `timings` are of the last rungs that it came to, `best` is the layout that the target asks
    for. What was not measured is None."""

    name: str
    format: Format
    quantization: dict[str, Any] | None = None
    verdict: Verdict = "open"
    reason: str = ""
    rung: int = Field(default=-1, description="the last rung of the search that it was measured and judged in")
    seconds: float | None = Field(default=None, description="to make it")
    size_bytes: int | None = None
    signature: Signature | None = None
    peak_memory_bytes: int | None = None
    timings: list[Timing] = Field(default_factory=list)
    best: Timing | None = None
    latency: Timing | None = Field(default=None, description="one row after the other, in the quickest layout")
    throughput: Timing | None = Field(default=None, description="all cores busy, in the layout that does most")
    validation: Accuracy | None = Field(default=None, description="on the rows that chose")
    test: Accuracy | None = Field(default=None, description="on test rows, which chose nothing")
    layers: list[LayerLoss] = Field(default_factory=list, description="the most sensitive first")
    version: str | None = Field(default=None, description="as which it is registered")

    @property
    def told(self) -> str:
        """`dynamic-int8 (per_channel=False)`, in words that say how to make it."""
        options = {name: value for name, value in (self.quantization or {}).items() if name != "method"}
        more = ", ".join(f"{name}={value}" for name, value in options.items())
        what = (self.quantization or {}).get("method", "32-bit floats")
        return f"{self.format} {what}" + (f" ({more})" if more else "")


class Optimization(Record):
    """What a search found so far. `candidates` begin with the original; `front` names those within the budget of which
    none other is better by the target and loses no more. `version` is what to use: the new version, or the original."""

    base: str
    dataset: str
    target: Target
    max_loss: float = Field(description="of the metric, as a share of 1, against the original")
    sure: bool = Field(description="whether the whole interval has to be within the budget")
    length: int | None = None
    minutes: float
    device: str
    metric: str = ""
    candidates: list[Candidate] = Field(default_factory=list)
    front: list[str] = Field(default_factory=list)
    recommended: str | None = None
    why: str = ""
    version: str | None = None
    metrics: dict[str, float] = Field(default_factory=dict)
    reused: bool = False
    notes: list[str] = Field(default_factory=list)
    seconds: float = Field(default=0.0, description="of work so far, also of earlier attempts")
    machine: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime

    def candidate(self, name: str) -> Candidate | None:
        return next((one for one in self.candidates if one.name == name), None)

    @property
    def original(self) -> Candidate:
        return self.candidates[0]

    def gain(self, candidate: Candidate) -> float:
        """How many times better than the original it is by the target; 0 where that was not measured."""
        original = self.original
        if self.target == "size":
            before, after = original.size_bytes, candidate.size_bytes
        elif self.target == "memory":
            before, after = original.peak_memory_bytes, candidate.peak_memory_bytes
        else:
            speeds = original.best, candidate.best
            return speeds[1].speed.median / speeds[0].speed.median if speeds[0] and speeds[1] else 0.0
        return before / after if before and after else 0.0

    @property
    def chosen(self) -> Candidate | None:
        return self.candidate(self.recommended) if self.recommended else None
