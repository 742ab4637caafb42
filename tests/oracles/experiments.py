"""What other packages say of the same experiments: `python tests/oracles/experiments.py gbstats` (or `tea_tasting`)
writes their answers into experiments.json beside this file, run in an environment of its own:

    pip install gbstats==0.8.0            (which wants numpy < 2)
    pip install tea-tasting==1.14.0

The tests hold our figures against these."""

from __future__ import annotations

import importlib.metadata
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ANSWERS = Path(__file__).with_suffix(".json")
BASE_UNITS, CANDIDATE_UNITS = 400, 360
SUCCESSES = (130, 141)
TUNINGS = (5000, 500)
QUANTILE = 0.9
P_VALUES = (0.001, 0.2, 0.04, 0.013, 0.011, 0.6)


def arms() -> dict[str, dict[str, np.ndarray]]:
    """Two versions' units, each with a value, what was known of it before, and how many rows it has. Made by
    arithmetic: no generator of random numbers gives the same in every version."""
    return {"base": _units(BASE_UNITS, 1.0), "candidate": _units(CANDIDATE_UNITS, 1.08)}


def rows(units: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Each row's unit and its value."""
    owners = np.repeat(np.arange(len(units["rows"])), units["rows"].astype(int))
    place = np.arange(len(owners))
    return owners, 10 + (owners * 31 % 47) / 9 + (place * 61 % 89) / 11


def _units(count: int, factor: float) -> dict[str, np.ndarray]:
    place = np.arange(count)
    before = 3 + (place * 37 % 101) / 20
    value = factor * (before + (place * 53 % 97) / 30)
    return {"value": value, "before": before, "rows": 1.0 + place * 7 % 5}


def gbstats() -> dict[str, Any]:
    from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig, GaussianPrior
    from gbstats.frequentist.tests import (
        FrequentistConfig,
        SequentialConfig,
        SequentialTwoSidedTTest,
        TwoSidedTTest,
    )
    from gbstats.models import statistics as kinds
    from gbstats.utils import check_srm

    def mean(values: np.ndarray) -> Any:
        return kinds.SampleMeanStatistic(n=len(values), sum=values.sum(), sum_squares=(values**2).sum())

    def ratio(units: dict[str, np.ndarray]) -> Any:
        value, size = units["value"], units["rows"]
        products = float((value * size).sum())
        return kinds.RatioStatistic(
            n=len(value), m_statistic=mean(value), d_statistic=mean(size), m_d_sum_of_products=products
        )

    def adjusted(units: dict[str, np.ndarray]) -> Any:
        value, before = units["value"], units["before"]
        products = float((value * before).sum())
        return kinds.RegressionAdjustedStatistic(
            n=len(value),
            post_statistic=mean(value),
            pre_statistic=mean(before),
            post_pre_sum_of_products=products,
            theta=0,
        )

    def quantile(values: np.ndarray) -> Any:
        count = len(values)
        reach = 1.959963984540054 * (QUANTILE * (1 - QUANTILE) / count) ** 0.5
        at = [float(each) for each in np.quantile(values, [QUANTILE, QUANTILE - reach, QUANTILE + reach])]
        return kinds.QuantileStatistic(
            n=count, n_star=count, nu=QUANTILE, quantile_hat=at[0], quantile_lower=at[1], quantile_upper=at[2]
        )

    def said(test: Any) -> dict[str, Any]:
        result = test.compute_result()
        told = {"value": result.expected, "interval": [float(each) for each in result.ci]}
        if hasattr(result, "p_value"):
            return {**told, "p_value": float(result.p_value)}
        return {**told, "chance": float(result.chance_to_win), "losses": [float(each) for each in result.risk]}

    both = arms()
    pairs = {
        "mean": [mean(units["value"]) for units in both.values()],
        "ratio": [ratio(units) for units in both.values()],
        "adjusted": [adjusted(units) for units in both.values()],
        "quantile": [quantile(units["value"]) for units in both.values()],
        "proportion": [
            kinds.ProportionStatistic(n=count, sum=successes)
            for count, successes in zip((BASE_UNITS, CANDIDATE_UNITS), SUCCESSES, strict=True)
        ],
    }
    found: dict[str, Any] = {}
    for name, pair in pairs.items():
        for kind in ("absolute", "relative"):
            found[f"{name} {kind}"] = said(TwoSidedTTest(*pair, FrequentistConfig(difference_type=kind)))
            for tuning in TUNINGS:
                config = SequentialConfig(difference_type=kind, sequential_tuning_parameter=tuning)
                found[f"{name} {kind} sequence {tuning}"] = said(SequentialTwoSidedTTest(*pair, config))
    for name, prior in {"flat": GaussianPrior(), "sceptical": GaussianPrior(0.01, 0.0004, True)}.items():
        config = EffectBayesianConfig(difference_type="relative", prior_effect=prior)
        found[f"belief {name}"] = said(EffectBayesianABTest(*pairs["mean"], config))
    found["split"] = check_srm([821588, 815482], [0.5, 0.5])
    return found


def tea_tasting() -> dict[str, Any]:
    import pandas
    import tea_tasting

    frames = [pandas.DataFrame({**units, "variant": number}) for number, units in enumerate(arms().values())]
    experiment = tea_tasting.Experiment(
        mean=tea_tasting.Mean("value"),
        adjusted=tea_tasting.Mean("value", covariate="before"),
        ratio=tea_tasting.RatioOfMeans("value", "rows"),
        split=tea_tasting.SampleRatio(method="norm", correction=False),
    )
    results = experiment.analyze(pandas.concat(frames))
    found: dict[str, Any] = {}
    for name in ("mean", "adjusted", "ratio"):
        one = results[name]
        found[f"{name} absolute"] = {
            "value": one.effect_size,
            "interval": [one.effect_size_ci_lower, one.effect_size_ci_upper],
            "p_value": one.pvalue,
        }
        found[f"{name} relative"] = {"value": one.rel_effect_size}
    found["split"] = results["split"].pvalue
    return found


def main() -> None:
    name = sys.argv[1]
    answers = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    found = {"gbstats": gbstats, "tea_tasting": tea_tasting}[name]()
    answers[name] = {"version": importlib.metadata.version(name.replace("_", "-")), "answers": found}
    ANSWERS.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
