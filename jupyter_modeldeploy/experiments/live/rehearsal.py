"""What an experiment would have done in traffic that was recorded, without changing any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.live.ramp import Place, Ramp, Seen, following
from jupyter_modeldeploy.experiments.live.stages import units_of, with_a_base
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.strata import among
from jupyter_modeldeploy.experiments.verdicts import guard, judge, sentence
from jupyter_modeldeploy.records import Decision, Guardrail, GuardrailState, Metric, Rehearsal

LOOKS = 100
SEED = 20260101


@dataclass(frozen=True)
class _Recorded:
    """The units of one version in one recorded stage: when each came, and a draw of chance for each that says up to
    which part of them it is kept."""

    observed: Observed
    at: np.ndarray
    drawn: np.ndarray
    share: float


def rehearse(
    observed: Sequence[Observed],
    base: str,
    candidate: str,
    ramp: Ramp,
    metrics: Sequence[Metric],
    guardrails: Sequence[Guardrail],
) -> Rehearsal:
    """Send the recorded units through the ramp, in the order in which they came.

    A unit counts where the ramp would have given it the version that it had. Of the units of each version just as many
    are taken as give the share of the step, by chance: what is left is a sample of what would have been, as in Li et
    al., "Unbiased Offline Evaluation of Contextual-bandit-based News Article Recommendation Algorithms", WSDM 2011.
    Raises InvalidInput where nothing was recorded of one of the two."""
    show = _Show(_recorded(observed, base, candidate), base, candidate, ramp, metrics, guardrails)
    begun, last = show.span
    for now in np.linspace(begun, last, LOOKS + 1)[1:]:
        if show.is_over:
            break
        show.go_on(float(now))
    found = judge(show.seen, base, candidate, metrics)
    return Rehearsal(
        base=base,
        candidate=candidate,
        seconds=last - begun,
        recorded=sum(one.observed.units for one in show.recorded),
        fallbacks=_fallbacks(show.recorded),
        units=units_of(show.seen, base, candidate),
        decisions=show.decisions,
        guardrails=show.states,
        metrics=found,
        verdict=sentence(candidate, found, 1.0, show.states),
        is_over=show.is_over,
    )


class _Show:
    """How far the ramp has come, and what it has seen by then."""

    def __init__(
        self,
        recorded: Sequence[_Recorded],
        base: str,
        candidate: str,
        ramp: Ramp,
        metrics: Sequence[Metric],
        guardrails: Sequence[Guardrail],
    ) -> None:
        self.recorded = recorded
        self._base, self._candidate, self._ramp = base, candidate, ramp
        self._metrics, self._guardrails = metrics, guardrails
        times = np.concatenate([one.at for one in recorded])
        self.span = float(times.min()), float(times.max())
        self._place = Place(step=0, since=self.span[0], ends=self.span[0] + ramp.duration_s)
        self._entered = [self.span[0]]
        self.seen: list[Observed] = []
        self.states: list[GuardrailState] = []
        self.decisions = [_decision(self.span[0], "start", ramp.steps[0], "ramp", "The recording begins.")]

    @property
    def is_over(self) -> bool:
        """Whether it ended, or waits for a person."""
        return self.decisions[-1].action not in ("start", "step")

    def go_on(self, now: float) -> None:
        """Look at what came until `now`, and decide."""
        pair, share = (self._base, self._candidate), self._ramp.steps[self._place.step]
        self.seen = [part for one in self.recorded for part in self._parts(one, now)]
        self.states = guard(with_a_base(self.seen, *pair), *pair, self._guardrails, self._metrics)
        new = self._candidate if share else self._base
        step = [one.units for one in self.seen if (one.version, one.stage) == (new, self._place.step)]
        primary = judge(self.seen, *pair, self._metrics[:1], details=False)[0] if self._ramp.promote else None
        chosen = following(self._ramp, self._place, Seen(now, sum(step), self.states, primary=primary))
        if chosen is None:
            return
        left = share if chosen.share is None else chosen.share
        self.decisions.append(_decision(now, chosen.action, left, chosen.by, chosen.why))
        if chosen.action == "step":
            self._place = replace(self._place, step=self._place.step + 1, since=now)
            self._entered.append(now)

    def _parts(self, one: _Recorded, now: float) -> list[Observed]:
        """Its units by the step in which they came, as many as the step would have given the version."""
        found = []
        is_candidate = one.observed.version == self._candidate
        for step, (begun, ended) in enumerate(pairwise([*self._entered, now])):
            share = self._ramp.steps[step]
            chosen = (one.at >= begun) & (one.at < ended) & (one.drawn < _kept(share, one.share, is_candidate))
            weight = share if is_candidate else 1 - share
            found.append(replace(among(one.observed, chosen), stage=step, weight=weight))
        return [part for part in found if part.units]


def _kept(share: float, recorded: float, is_candidate: bool) -> float:
    """The part of a version's units that is taken where the candidate's share is `share`, and was `recorded`."""
    candidate, base = share / recorded, (1 - share) / (1 - recorded)
    return (candidate if is_candidate else base) / max(candidate, base)


def _recorded(observed: Sequence[Observed], base: str, candidate: str) -> list[_Recorded]:
    weights = {(one.version, one.stage): one.weight for one in observed}
    generator, found = np.random.default_rng(SEED), []
    for one in observed:
        both = weights.get((base, one.stage), 0.0) + weights.get((candidate, one.stage), 0.0)
        share = weights.get((candidate, one.stage), 0.0) / both if both else 0.0
        if 0 < share < 1 and one.first_at is not None and one.units:
            found.append(_Recorded(one, one.first_at, generator.random(one.units), share))
    if {one.observed.version for one in found} != {base, candidate}:
        raise InvalidInput(
            f"There is no time in which units of both {base} and {candidate} were recorded.",
            "Rehearse on an experiment that had both, or on a request log of a service that served both.",
        )
    return found


def _fallbacks(recorded: Sequence[_Recorded]) -> int | None:
    told = [one.observed.sums["fallbacks"].sum() for one in recorded if "fallbacks" in one.observed.sums]
    return int(sum(told)) if told else None


def _decision(now: float, action: Any, share: float, by: str, why: str) -> Decision:
    return Decision(at=datetime.fromtimestamp(now, UTC), action=action, share=share, by=by, why=why)
