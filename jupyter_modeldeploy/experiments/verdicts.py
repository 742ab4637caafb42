"""What may be said of two versions: of each metric, of the guardrails, of the split, and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments import parts
from jupyter_modeldeploy.experiments.deciding import WORDS, Rule
from jupyter_modeldeploy.experiments.guarding import guard as guard
from jupyter_modeldeploy.experiments.measured import Measured, measured, without_strays
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.sentences import NOT_DUE
from jupyter_modeldeploy.experiments.sentences import SPLIT_ALARM as SPLIT_ALARM
from jupyter_modeldeploy.experiments.sentences import sentence as sentence
from jupyter_modeldeploy.experiments.statistics import bayes, split
from jupyter_modeldeploy.experiments.statistics.multiplicity import holm_of_known
from jupyter_modeldeploy.experiments.strata import Stratum, strata
from jupyter_modeldeploy.intervals import sample_ratio
from jupyter_modeldeploy.records import Interval, Metric, MetricComparison
from jupyter_modeldeploy.records.experiments import Method


def judge(
    observed: Sequence[Observed],
    base: str,
    candidate: str,
    metrics: Sequence[Metric],
    method: Method = "sequence",
    level: float = 0.95,
    *,
    fractions: Sequence[float] = (1.0,),
    details: bool = True,
) -> list[MetricComparison]:
    """Each metric of `candidate` against `base`, both `name@2`, in the order of `metrics`: the difference with its
    interval, and a verdict that holds for all metrics together with the chance `level` (Holm). Stages of the split are
    compared within themselves. A sequence may be asked at any time. `fractions` says what share of the planned units
    this look and each before it had: a fixed horizon decides at 1 alone, and planned looks need it.

    `details` are what more there is to see and takes longer: segments, a trend, and how many units an answer needs. Of
    a metric of which nothing can be said yet the `note` says why. Raises InvalidInput for looks that cannot be."""
    rule = Rule(method, level, tuple(fractions))
    stages = strata(observed, base, candidate)
    found = [_judged(metric, stages, rule) for metric in metrics]
    corrected = holm_of_known([one.p_value for one in found])
    return [one.record(rule, p_value, details) for one, p_value in zip(found, corrected, strict=True)]


def split_p_value(
    observed: Sequence[Observed], base: str, candidate: str, method: Literal["fixed", "sequence"] = "sequence"
) -> float:
    """That the units came to the two versions as the stages' weights say; below `SPLIT_ALARM` no verdict may be
    trusted. It may be asked at any time, or once (`fixed`) of a split that never changed."""
    stages = [
        ([one.units for one in stage.sides], [one.weight for one in stage.sides])
        for stage in strata(observed, base, candidate, also_empty=True)
    ]
    return sample_ratio(*stages[0]) if method == "fixed" else split.p_value_over(stages)


@dataclass(frozen=True)
class _Judged:
    """One metric before the others are known: what was measured, or nothing and a note. There is no p-value where
    nothing says how sure the difference is, nor before a fixed horizon is reached."""

    metric: Metric
    stages: Sequence[Stratum]
    found: Measured | None = None
    p_value: float | None = None
    note: str = ""

    def record(self, rule: Rule, p_value: float | None, details: bool) -> MetricComparison:
        metric, found = self.metric, self.found
        difference = rule.interval(found.effect) if found and found.effect.variance > 0 else None
        verdict = _verdict(difference, p_value, 1 - rule.level, metric.lower_is_better)
        record = MetricComparison(
            metric=metric.name,
            unit=metric.unit,
            lower_is_better=metric.lower_is_better,
            base=found.base.plain if found else None,
            candidate=found.candidate.plain if found else None,
            difference=difference,
            verdict=verdict,
            base_samples=sum(stage.base.units for stage in self.stages),
            candidate_samples=sum(stage.candidate.units for stage in self.stages),
            method=WORDS[rule.method],
            p_value=p_value,
            minimum_effect=metric.minimum_effect,
            note=self.note,
        )
        if found is None or difference is None:
            return record
        record = record.model_copy(update={"relative": _relative(found, rule), **_beliefs(found, metric)})
        return record.model_copy(update=self._details(found, rule, verdict)) if details else record

    def _details(self, found: Measured, rule: Rule, verdict: str) -> dict[str, object]:
        trend, per = parts.trend(self.metric, self.stages, rule.level)
        missing = rule.units_missing(found.base, found.candidate, found.effect, self.metric.minimum_effect)
        return {
            "units_missing": missing if verdict == "undecided" else None,
            "segments": parts.segments(self.metric, self.stages, rule.level),
            "trend": trend,
            "trend_per": per,
        }


def _judged(metric: Metric, stages: Sequence[Stratum], rule: Rule) -> _Judged:
    sound = [without_strays(metric, stage) for stage in stages]
    kept, strays = [stage for stage, _ in sound], sum(count for _, count in sound)
    note = f"{strays} units whose values are no numbers were left out." if strays else ""
    try:
        found = measured(metric, kept)
    except InvalidInput as error:
        return _Judged(metric, kept, note=str(error))
    if not found.effect.variance > 0:
        return _Judged(metric, kept, found, note="All units are alike in it so far: nothing says how sure that is.")
    if not rule.is_due:
        return _Judged(metric, kept, found, note=NOT_DUE)
    return _Judged(metric, kept, found, rule.p_value(found.effect), note)


def _verdict(
    difference: Interval | None, p_value: float | None, limit: float, lower_is_better: bool
) -> Literal["better", "worse", "undecided"]:
    if difference is None or p_value is None or p_value >= limit:
        return "undecided"
    return "better" if (difference.value < 0) == lower_is_better else "worse"


def _relative(found: Measured, rule: Rule) -> Interval | None:
    try:
        return rule.interval(found.relative)
    except InvalidInput:  # a base of zero: there is no share of it
        return None


def _beliefs(found: Measured, metric: Metric) -> dict[str, float]:
    belief = bayes.belief(found.effect)
    if metric.lower_is_better:
        return {"chance_better": 1 - belief.chance_above_zero, "expected_loss": belief.loss_if_left}
    return {"chance_better": belief.chance_above_zero, "expected_loss": belief.loss_if_chosen}


def units(observed: Sequence[Observed], *versions: str) -> list[int]:
    """How many each of the versions had, over all stages."""
    return [sum(one.units for one in observed if one.version == version) for version in versions]
