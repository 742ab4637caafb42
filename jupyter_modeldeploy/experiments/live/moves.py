"""From a decision, or a person's word, to where the experiment stands after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from jupyter_modeldeploy.experiments.live.arms import share_of, shared
from jupyter_modeldeploy.experiments.live.ramp import SPLIT, Next, Ramp
from jupyter_modeldeploy.experiments.live.standing import Standing
from jupyter_modeldeploy.records import Arm, Decision, GuardrailState

Asked = Literal["pause", "resume", "roll-back", "promote", "stop"]
AtEnd = Literal["before", "keep"]
_AWAKE: dict[str, Any] = {"paused_at": None, "paused_by": None}
OUTCOMES: dict[str, Any] = {"roll back": "rolled back", "promote": "promoted", "end": "ended", "stop": "stopped"}


class Moves:
    """What changes with each decision about `base` and `candidate`, numbers of versions of one model."""

    def __init__(self, ramp: Ramp, base: int, candidate: int, at_end: AtEnd = "before") -> None:
        self.ramp = ramp
        self._base, self._candidate, self._at_end = base, candidate, at_end

    def begin(self, now: float, before: Sequence[Arm], arms: Sequence[Arm], recording: dict[str, object]) -> Standing:
        """The first step, on `arms` as they are arranged for it."""
        started = Standing(
            before=[*before],
            arms=shared(arms, self._base, self._candidate, self.ramp.steps[0]),
            recording=recording,
            since=now,
            ends=now + self.ramp.duration_s,
        )
        rises = ", ".join(f"{step:.4g}" for step in self.ramp.steps)
        why = f"Shares: {rises}, each for {self.ramp.hold_s:g} s and {self.ramp.hold_units:,} units at least."
        return self._noted(started, now, "start", "ramp", why)

    def made(self, standing: Standing, now: float, chosen: Next) -> Standing:
        """After a decision of its own."""
        if chosen.action == "step":
            following = {"step": standing.step + 1, "since": now, "arms": self._with(standing, chosen.share)}
            return self._noted(standing, now, "step", chosen.by, chosen.why, **following)
        if chosen.action == "pause":
            held = {"paused_at": now, "paused_by": chosen.by, "outcome": "paused"}
            return self._noted(standing, now, "pause", chosen.by, chosen.why, **held)
        return self._over(standing, now, chosen.action, chosen.by, chosen.why)

    def asked(
        self,
        standing: Standing,
        now: float,
        action: Asked,
        by: str,
        states: Sequence[GuardrailState] = (),
        note: str = "",
    ) -> Standing:
        """After what a person asked for, with a `note` of what else was done; the same standing where that is so
        already. Who resumes waives what it was paused for."""
        if action == "pause":
            if standing.paused_by == "person":
                return standing
            held = {"paused_at": standing.paused_at or now, "paused_by": "person", "outcome": "paused"}
            return self._noted(standing, now, "pause", by, f"{by} asked for it.", **held)
        if action == "resume":
            breached = [state.guardrail.metric for state in states if state.state == "breached"]
            waived = [*dict.fromkeys([*standing.waived, *breached, *([SPLIT] * (standing.paused_by == "split"))])]
            return self.resumed(standing.model_copy(update={"waived": waived}), now, by, f"{by} asked for it.")
        done: Any = "roll back" if action == "roll-back" else action
        return self._over(standing, now, done, by, f"{by} asked for it. {note}".rstrip())

    def resumed(self, standing: Standing, now: float, by: str, why: str) -> Standing:
        """It goes on; the time that it was paused does not count."""
        if standing.paused_at is None:
            return standing
        away = now - standing.paused_at
        on: dict[str, Any] = {"paused_at": None, "paused_by": None, "outcome": "running"}
        on |= {"ends": standing.ends + away, "since": standing.since + away}
        return self._noted(standing, now, "resume", by, why, **on)

    def lost(self, standing: Standing, now: float, why: str) -> Standing:
        """The service does not answer: wait until it does."""
        if standing.paused_by is not None:
            return standing
        held = {"paused_at": now, "paused_by": "service", "outcome": "paused"}
        return self._noted(standing, now, "pause", "service", why, **held)

    def taken(self, standing: Standing, now: float, arms: Sequence[Arm], why: str) -> Standing:
        """Somebody else changed the split: what they want stays, and the experiment is over."""
        return self._noted(standing, now, "stop", "service", why, arms=[*arms], outcome="stopped", **_AWAKE)

    def left(self, standing: Standing, now: float, why: str, failed: bool) -> Standing:
        """Nobody watches it any more: the traffic is as it was, or, where that `failed`, the candidate has none."""
        return self._over(standing, now, "roll back" if failed else "stop", "ramp", why)

    def _over(self, standing: Standing, now: float, action: str, by: str, why: str) -> Standing:
        if action == "promote":
            arms = self._with(standing, 1.0)
        elif action == "roll back":
            arms = self._with(standing, 0.0)
        elif self._at_end == "keep" and action == "end":
            arms = standing.arms
        else:
            arms = self._as_before(standing)
        return self._noted(standing, now, action, by, why, arms=arms, outcome=OUTCOMES[action], **_AWAKE)

    def _with(self, standing: Standing, share: float | None) -> list[Arm]:
        assert share is not None
        return shared(standing.arms, self._base, self._candidate, share)

    def _as_before(self, standing: Standing) -> list[Arm]:
        """The weights before, in the order that the replicas hold the versions in now."""
        weights = {arm.version: arm.weight for arm in standing.before}
        return [arm.model_copy(update={"weight": weights.get(arm.version, 0.0)}) for arm in standing.arms]

    def _noted(self, standing: Standing, now: float, action: Any, by: str, why: str, **update: Any) -> Standing:
        after = standing.model_copy(update=update)
        share = share_of(after.arms, self._base, self._candidate)
        decision = Decision(at=datetime.fromtimestamp(now, UTC), action=action, share=share, by=by, why=why)
        return after.model_copy(update={"decisions": [*after.decisions, decision]})
