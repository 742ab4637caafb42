"""What a live experiment knows of its two versions, as often as that is worth its cost."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from jupyter_modeldeploy.experiments import verdicts
from jupyter_modeldeploy.experiments.collecting import KEPT, Collector
from jupyter_modeldeploy.experiments.live.arms import share_of
from jupyter_modeldeploy.experiments.live.looks import with_looks
from jupyter_modeldeploy.experiments.live.ramp import Ramp, Seen
from jupyter_modeldeploy.experiments.live.stages import units_at, units_of, with_a_base
from jupyter_modeldeploy.experiments.live.standing import Standing
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.spool import FOLDER
from jupyter_modeldeploy.jobs.kinds.experiment import ExperimentOptions
from jupyter_modeldeploy.jobs.kinds.experiment_pair import Pair
from jupyter_modeldeploy.records import GuardrailState, MetricComparison, Suspicion

GUARD_S = 1.0
JUDGE_S, JUDGE_MOST_S = 3.0, 300.0
GUARD_SHARE, JUDGE_SHARE = 0.5, 0.1
"""Of the time at most is spent on each: the more units there are, the longer a look takes, and harm cannot wait."""
PLANNED_LOOKS = 5
"""Of an experiment that is judged in stages: evenly over its units, or its time."""


class Looking:
    """The latest figures. `found` are the metrics, with the looks at them so far."""

    def __init__(self, options: ExperimentOptions, pair: Pair, service: Path) -> None:
        self._options, self._pair = options, pair
        self.metrics, self.guardrails = [*options.measured], [*options.watched]
        self._collector = Collector(service / FOLDER, service / KEPT)
        self.observed: list[Observed] = []
        self.states: list[GuardrailState] = [GuardrailState(guardrail=each) for each in self.guardrails]
        self.found: list[MetricComparison] = []
        self.split_p_value = 1.0
        self.sentence = "Nothing is known yet."
        self._guard_at = self._judge_at = 0.0
        self._judge_every = JUDGE_S
        self._looked = self._since = 0
        self._begun_at = 0.0

    @property
    def units(self) -> list[int]:
        """Of the base and of the candidate, in all stages."""
        return units_of(self.observed, self._pair.base_ref, self._pair.candidate_ref)

    @property
    def suspicions(self) -> list[Suspicion]:
        pair = self._pair.base_ref, self._pair.candidate_ref
        experiment = self._pair.experiment
        return self._collector.suspicions(*pair, self.metrics, self._since, experiment, self._begun_at)

    def close(self) -> None:
        self._collector.close()

    def look(self, standing: Standing, ramp: Ramp, now: float, at_last: bool = False) -> bool:
        """Fold in what is new, and judge where it is time. True where there are new figures of the metrics."""
        begun = time.monotonic()
        if begun < self._guard_at and not at_last:
            return False
        self._collector.fold()
        self._since = standing.stage
        self._begun_at = standing.decisions[0].at.timestamp() if standing.decisions else 0.0
        pair = (self._pair.base_ref, self._pair.candidate_ref)
        self.observed = self._collector.observed(*pair, self.metrics, standing.stage, self._pair.experiment)
        self.split_p_value = min(self.split_p_value, verdicts.split_p_value(self.observed, *pair))
        watched = with_a_base(self.observed, *pair)
        self.states = verdicts.guard(watched, *pair, self.guardrails, self.metrics)
        ended = time.monotonic()
        self._guard_at = ended + max(GUARD_S, (ended - begun) * (1 / GUARD_SHARE - 1))
        if not at_last and (begun < self._judge_at or not self._is_due(standing, ramp, now)):
            return False
        self._judge(standing, ramp, now)
        self._judge_every = min(JUDGE_MOST_S, self._judge_every * 1.1)
        self._judge_at = time.monotonic() + max(self._judge_every, (time.monotonic() - ended) / JUDGE_SHARE)
        return True

    def seen(self, standing: Standing, ramp: Ramp, now: float) -> Seen:
        """What the next decision is made from."""
        weights = {arm.version: arm.weight for arm in standing.arms}
        share = share_of(standing.arms, self._pair.base, self._pair.candidate)
        number, ref = (
            (self._pair.candidate, self._pair.candidate_ref) if share else (self._pair.base, self._pair.base_ref)
        )
        return Seen(
            now=now,
            units=units_at(self.observed, ref, weights[number] / sum(weights.values())),
            guardrails=self.states,
            split_p_value=self.split_p_value,
            primary=self.found[0] if self.found else None,
            anytime=self._options.method != "fixed",
        )

    def _progress(self, standing: Standing, ramp: Ramp, now: float) -> float:
        """The share of what was planned that is there, 0 to 1."""
        if self._options.horizon is not None:
            return min(1.0, sum(self.units) / self._options.horizon)
        return min(1.0, max(0.0, 1 - (standing.ends - now) / ramp.duration_s))

    def _is_due(self, standing: Standing, ramp: Ramp, now: float) -> bool:
        if self._options.method != "stages":
            return True
        return int(self._progress(standing, ramp, now) * PLANNED_LOOKS) > self._looked

    def _judge(self, standing: Standing, ramp: Ramp, now: float) -> None:
        base, candidate = self._pair.base_ref, self._pair.candidate_ref
        method, level = self._options.method, self._options.level
        found = verdicts.judge(
            self.observed, base, candidate, self.metrics, method, level, fractions=self._fractions(standing, ramp, now)
        )
        self.found = with_looks(found, self.found, datetime.fromtimestamp(now, UTC))
        self.sentence = verdicts.sentence(candidate, self.found, self.split_p_value, self.states)

    def _fractions(self, standing: Standing, ramp: Ramp, now: float) -> list[float]:
        progress = self._progress(standing, ramp, now)
        if self._options.method != "stages":
            return [max(progress, 1e-6)]
        self._looked = min(PLANNED_LOOKS, max(self._looked, int(progress * PLANNED_LOOKS)))
        return [look / PLANNED_LOOKS for look in range(1, self._looked + 1)] or [max(progress, 1e-6)]
