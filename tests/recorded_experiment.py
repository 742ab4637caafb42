"""A canary that was rolled back, as its experiment is kept, for tests of what shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_modeldeploy.records import (
    Decision,
    Experiment,
    Guardrail,
    GuardrailState,
    Interval,
    Look,
    MetricComparison,
    SegmentDifference,
    Suspicion,
)

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
LOOKS = 12
VERDICT = "sentiment@2 answers 31 % faster; bought differs by −0.20 pp, 95 % sequence −0.90 to +0.50: not yet decided."


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def experiment(service: str | None = "reviews", **changed: Any) -> Experiment:
    """Of `sentiment@2` against `sentiment@1`: faster, an outcome not yet decided, more errors than allowed."""
    fields: dict[str, Any] = {
        "id": "0123456789ab",
        "service": service,
        "base": "sentiment@1",
        "candidate": "sentiment@2",
        "split": [0.75, 0.25],
        "metrics": [
            _metric("latency_ms", "ms", 11.3, -3.5, 0.4, "better", minimum_effect=1.0, chance_better=0.999),
            _metric("bought", "proportion", 0.081, -0.002, 0.007, "undecided", units_missing=3400, chance_better=0.29),
            _metric("error_rate", "proportion", 0.001, 0.05, 0.01, "worse", chance_better=0.001),
        ],
        "split_p_value": 0.41,
        "verdict": VERDICT,
        "owner": "ann",
        "created_at": AT,
        "updated_at": after(LOOKS),
        "ends_at": after(7 * 24 * 60),
        "kind": "live",
        "unit": "unit",
        "method": "sequence",
        "units": [9100, 2950],
        "steps": [0.1, 0.25, 0.5, 1.0],
        "outcome": "rolled back",
        "guardrails": [
            GuardrailState(
                guardrail=Guardrail(metric="error_rate", at_most=0.02),
                harm=Interval(value=0.05, low=0.04, high=0.06),
                state="breached",
            ),
            GuardrailState(
                guardrail=Guardrail(metric="latency_ms", at_most=0.5, relative=True, then="pause"),
                harm=Interval(value=-0.31, low=-0.34, high=-0.27),
                state="held",
            ),
        ],
        "decisions": [
            Decision(at=AT, action="start", share=0.1, by="ann", why="It is asked for."),
            Decision(at=after(5), action="step", share=0.25, by="modeldeploy", why="All guardrails hold."),
            Decision(at=after(11), action="roll back", share=0.0, by="modeldeploy", why="error_rate is worse by 5 pp."),
        ],
        "suspicions": [Suspicion(kind="duplicate", count=17, note="Each was counted once.")],
    }
    return Experiment(**{**fields, **changed})


def _metric(
    name: str, unit: str, base: float, value: float, reach: float, verdict: Any, **more: Any
) -> MetricComparison:
    def look(number: int) -> Look:
        width = reach * LOOKS / number
        return Look(at=after(number), units=1000 * number, difference=_around(value, width))

    return MetricComparison(
        metric=name,
        unit=unit,
        lower_is_better=name != "bought",
        base=base,
        candidate=base + value,
        difference=_around(value, reach),
        relative=_around(value / base, reach / base),
        verdict=verdict,
        base_samples=9100,
        candidate_samples=2950,
        method="asymptotic confidence sequence",
        p_value=0.6 if verdict == "undecided" else 0.0002,
        looks=[look(number) for number in range(1, LOOKS + 1)],
        segments=[
            SegmentDifference(
                attribute="region",
                value=region,
                units=units,
                difference=_around(far, 2 * reach),
                shrunk=_around(near, reach),
            )
            for region, units, far, near in (("north", 6000, value, value), ("south", 3000, 2 * value, 1.2 * value))
        ],
        **more,
    )


def _around(value: float, reach: float) -> Interval:
    return Interval(value=value, low=value - reach, high=value + reach)
