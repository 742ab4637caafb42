"""What was measured of versions: their own figures, evaluations of one against another, and experiments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jupyter_modeldeploy.records import EvaluationReport, Experiment, Interval, Job, JobState, Version
from jupyter_modeldeploy.store import Store

LOWER_IS_BETTER = frozenset({"loss", "perplexity", "size_bytes"})


@dataclass(frozen=True)
class Figure:
    """A metric of one version, on the held-out rows of `dataset` (None: none, or nobody knows)."""

    value: float
    dataset: str | None
    interval: Interval | None = None


@dataclass(frozen=True)
class Pair:
    """A metric of two versions on the same rows, and the interval of `candidate` − `base` where one was found."""

    metric: str
    base: float
    candidate: float
    difference: Interval | None
    dataset: str
    job: str


class Evidence:
    """What the workspace knows of versions, read once."""

    def __init__(self, store: Store, experiment: str = "") -> None:
        """With an `experiment` whose promotion is what is looked at."""
        self._promoting = experiment
        self._jobs = [job for job in store.jobs.list([JobState.succeeded]) if job.kind == "evaluate" and job.result]
        self._experiments = store.experiments.list()

    def figure(self, version: Version, metric: str) -> Figure | None:
        """A figure of the version: as it was registered with it, else of its newest evaluation."""
        if metric == "size_bytes":
            return Figure(version.size_bytes, None)
        if metric in version.metrics:
            return Figure(version.metrics[metric], version.lineage.dataset)
        for report in self._reports(version.ref):
            for each in report.metrics:
                if each.name == metric:
                    return Figure(each.value, report.dataset, each.interval)
        return None

    def figures(self, version: Version) -> dict[str, Figure]:
        """All figures of the version by their names."""
        evaluated = (each.name for report in self._reports(version.ref) for each in report.metrics)
        names = [*version.metrics, *(name for name in evaluated if name not in version.metrics)]
        found = ((name, self.figure(version, name)) for name in dict.fromkeys(names))
        return {name: figure for name, figure in found if figure is not None}

    def pairs(self, base: Version, candidate: Version) -> Sequence[Pair]:
        """The metrics of the newest evaluation of the two against each other; empty where there is none."""
        for job in self._jobs:
            assert job.result is not None  # or it were not among them
            named = job.result["version"], job.result.get("against")
            if named == (candidate.ref, base.ref):
                return [*_pairs(job, turned=False)]
            if named == (base.ref, candidate.ref):
                return [*_pairs(job, turned=True)]
        return []

    def experiment(self, base: Version, candidate: Version) -> Experiment | None:
        """What an experiment says of the two: the one that is being promoted, else the newest that is over, else the
        newest that goes on."""
        of_both = [one for one in self._experiments if (one.base, one.candidate) == (base.ref, candidate.ref)]
        return min(of_both, key=lambda one: (one.id != self._promoting, one.goes_on), default=None)

    def _reports(self, ref: str) -> Iterator[EvaluationReport]:
        for job in self._jobs:
            assert job.result is not None  # or it were not among them
            if job.result["version"] == ref:
                yield EvaluationReport.model_validate(job.result["evaluation"])
            elif job.result.get("against") == ref:
                yield EvaluationReport.model_validate(job.result["against_evaluation"])


def _pairs(job: Job, turned: bool) -> Iterator[Pair]:
    """The metrics of an evaluation against another version; `turned` where that other is the candidate."""
    assert job.result is not None
    report = EvaluationReport.model_validate(job.result["evaluation"])
    for each in report.metrics:
        if each.before is None:
            continue
        values = (each.value, each.before) if turned else (each.before, each.value)
        difference = _negative(each.difference) if turned and each.difference else each.difference
        yield Pair(each.name, *values, difference, report.dataset, job.id)


def _negative(difference: Interval) -> Interval:
    low, high = -difference.high, -difference.low
    return Interval(value=-difference.value, low=low, high=high, level=difference.level)


def worse(pair: Pair) -> bool:
    """Whether the candidate is worse for certain: its whole interval, or without one the figure itself."""
    ends = (pair.difference.low, pair.difference.high) if pair.difference else (pair.candidate - pair.base,) * 2
    return ends[0] > 0 if pair.metric in LOWER_IS_BETTER else ends[1] < 0
