"""Plans of experiments."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.api.planning import PlanExperiment, plan_experiment
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.observed import Observed
from jupyter_modeldeploy.experiments.own_metrics import LATENCY, OWN
from jupyter_modeldeploy.experiments.planning import plan, seen
from jupyter_modeldeploy.experiments.spool import FOLDER, Spool
from jupyter_modeldeploy.workspace.recorded import Recorded


def test_a_plan_of_a_proportion_is_the_textbooks() -> None:
    """(1.96 + 0.84)² times the variances over the effect's square, for each version."""
    found = plan(0.1, minimum_effect=0.02, method="fixed", daily_units=1000)
    assert found.units_of_each[0] == pytest.approx(2.8016**2 * (0.09 + 0.12 * 0.88) / 0.02**2, rel=2e-3)
    assert found.days == pytest.approx((found.units or 0) / 1000)
    assert plan(0.1, minimum_effect=0.2, relative=True, method="fixed").units == found.units


def test_what_is_found_in_a_duration_is_what_so_many_units_find() -> None:
    needed = plan(deviation=14.0, minimum_effect=1.0, split=(80, 20))
    assert needed.units_of_each == pytest.approx([0.8 * (needed.units or 0), 0.2 * (needed.units or 0)], abs=1)
    in_a_week = plan(deviation=14.0, split=(80, 20), daily_units=(needed.units or 0) / 7, duration_days=7)
    assert in_a_week.smallest_effect == pytest.approx(1.0, rel=0.01)
    assert in_a_week.units is None


def test_a_plan_may_stand_on_what_was_seen() -> None:
    latency = np.random.default_rng(1).normal(20, 4, 5000)
    sums = {"latency_ms": latency, "requests": np.ones(5000)}
    observed = [Observed("m@1", 0, 1.0, 5000, sums, first_at=1e9 + np.linspace(0, 2 * 86_400, 5000))]
    figure, deviation, daily = seen(LATENCY, observed)
    assert (figure, deviation, daily) == (pytest.approx(20, abs=0.2), pytest.approx(4, rel=0.05), pytest.approx(2500))
    with pytest.raises(InvalidInput, match="No units were recorded"):
        seen(LATENCY, [])


def test_a_plan_of_a_percentile_is_asked_for_as_one_that_a_service_tells(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"deviation": 10.0, "minimum_effect": 5.0, "method": "fixed", "percentile": 0.99}
    with closing(Workspace(tmp_path)) as workspace:
        found = plan_experiment(workspace, PlanExperiment(**asked))
    assert found.units == plan(**asked).units
    assert (found.units or 0) > 1.5 * (plan(**{**asked, "percentile": None}).units or 0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"base": 24.0, "minimum_effect": 1.0}, "Nothing tells how much units differ"),
        ({"deviation": 1.0, "minimum_effect": 0.1, "relative": True}, "A share of no figure"),
        ({"base": 0.1}, "There is nothing to plan"),
        ({"base": 0.1, "minimum_effect": 0.01, "split": [100]}, "is no split in two"),
    ],
)
def test_too_little_is_no_plan(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        plan(**asked)


def test_a_services_own_records_stand_in_for_what_is_not_given(tmp_path: Path) -> None:
    recorded = Recorded(tmp_path, ["m@1"])
    with pytest.raises(InvalidInput, match="records no units"):
        recorded.figures(OWN, "latency_ms")
    exposures = [[0, f"u{n}", None, 864_000 * n, 1000 * (20 + n % 5), int(n % 10 == 0), None] for n in range(200)]
    Spool(tmp_path / FOLDER).write([(1, "m@1", 1.0)], [], [orjson.dumps({"exposures": exposures})], 200, 0)
    found = recorded.figures(OWN, "error_rate")
    assert found == pytest.approx({"base": 0.1, "deviation": 0.3, "daily_units": 100}, rel=0.02)
    assert plan(**found, minimum_effect=0.01).days is not None
    with pytest.raises(InvalidInput, match="No metric 'clicks'"):
        recorded.figures(OWN, "clicks")
