"""Whether the first advice names what made a service slow, and whether following it gains what it said."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))  # the models that the tests make

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.jobs.kinds import load_plan
from jupyter_modeldeploy.jobs.kinds.load import LoadParameters
from jupyter_modeldeploy.profiling.advice import trials
from jupyter_modeldeploy.profiling.load.plan import Plan
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records.service_reports import Advice, ServiceReport
from profile_bench.slow_services import WAIT_S, Slow, services

CONNECTIONS, FOLLOWED_S = 16, 25.0
WITHIN = 0.2


def run() -> dict[str, Any]:
    """A case is right where the cause is named first and following it gains what was predicted, within 20 %."""
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Workspace(Path(folder) / "root")) as workspace:
        cases = {slow.cause: _case(workspace, slow) for slow in services(workspace, Path(folder))}
    right = sum(case["right"] for case in cases.values())
    return {"advice_cases_right": right, "advice_cases_total": len(cases), "advice": cases}


def _case(workspace: Workspace, slow: Slow) -> dict[str, Any]:
    name = f"slow-{slow.cause}"
    workspace.services.start(workspace.services.spec(name, [slow.version], **slow.spec))
    try:
        options = {"concurrency": f"1,{CONNECTIONS}", "duration": "45s", **slow.load}
        result = workspace.services.report(name, **options).result(WAIT_S)
        report = ServiceReport.model_validate(result["service_report"])
        found = _followed(workspace, slow, name, report.advice[0]) if report.advice else {"right": False}
    finally:
        workspace.services.stop(name)
    tried = {trial.cause: trial.speed_up and trial.speed_up.value for trial in report.trials}
    print(f"{slow.cause}: {found}, tried {tried}", flush=True)
    return {**found, "tried": tried, "report_s": report.seconds}


def _followed(workspace: Workspace, slow: Slow, name: str, advice: Advice) -> dict[str, Any]:
    """The service that followed the advice, in turns with one that is as it was."""
    twin = f"{name}-before"
    workspace.services.start(workspace.services.spec(twin, [slow.version], **slow.spec))
    try:
        changes = slow.follow(workspace, name, advice) if advice.cause == slow.cause else {}
        plans = [_plan(workspace, twin, slow.load), _plan(workspace, name, {**slow.load, **changes})]
        actual = trials.compare(*plans, CONNECTIONS, FOLLOWED_S, Silent(), name).speed_up.value
    finally:
        workspace.services.stop(twin)
    predicted = advice.speed_up
    right = advice.cause == slow.cause and abs(actual / predicted.value - 1) <= WITHIN
    interval = [predicted.low, predicted.high]
    return {"right": right, "first": advice.cause, "predicted": predicted.value, "interval": interval, "actual": actual}


def _plan(workspace: Workspace, name: str, load: dict[str, Any]) -> Plan:
    parameters = LoadParameters(service=name, concurrency=str(CONNECTIONS), **load)
    return load_plan.make(workspace.store, parameters).plan
