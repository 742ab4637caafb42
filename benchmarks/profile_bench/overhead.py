"""What a service answers while its operators are profiled beside it, against what it answers alone."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator
from typing import Any

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.profiling.load import Body, Length, Plan, Step, measure
from jupyter_modeldeploy.progress import Silent
from profile_bench.models import FOLDER, HOUR_S, cases

NAME, MODEL = "profiled", "minilm"
TEXT = b'{"text": "The room was quiet and the view was worth the climb."}'
SECONDS, ROUNDS, CONNECTIONS = 20.0, 4, 4


def run() -> dict[str, Any]:
    """One minus the ratio of the median throughputs with and without a profile, in turns, on a service that is kept
    busy; the same of the median latencies beside it."""
    cases()
    alone, beside, operators = [], [], []
    with contextlib.closing(Workspace(FOLDER / "root")) as workspace, _served(workspace) as plan:
        measure(plan, Silent())
        for _ in range(ROUNDS):
            alone.append(_measured(plan))
            job = workspace.services.profile_operators(NAME, seconds=0.7 * SECONDS)
            beside.append(_measured(plan))
            operators.append(job.result(HOUR_S)["profile"]["run"])
    rates, times = ([statistics.median(each[place] for each in found) for found in (alone, beside)] for place in (0, 1))
    overhead, slower = 1 - rates[1] / rates[0], times[1] / times[0] - 1
    print(
        f"{rates[0]:.1f} requests/s alone, {rates[1]:.1f} while profiled: {100 * overhead:.1f} % less; "
        f"median {times[0]:.2f} and {times[1]:.2f} ms"
    )
    return {
        "profiling_overhead": overhead,
        "profiling_beside": {"alone": alone, "beside": beside, "median_slower": slower, "runs": operators},
    }


def _measured(plan: Plan) -> tuple[float, float]:
    """Requests a second, and the median latency in milliseconds."""
    (step,) = measure(plan, Silent())
    assert step.latency.p50 is not None
    return step.throughput_rps, step.latency.p50.value


@contextlib.contextmanager
def _served(workspace: Workspace) -> Iterator[Plan]:
    if any(one.name == NAME and not one.state.ended for one in workspace.services.list()):
        workspace.services.stop(NAME)
    service = workspace.services.start(workspace.services.spec(NAME, [f"{MODEL}@2"]))
    headers = {"Authorization": f"Bearer {workspace.services.token(NAME)}", "Content-Type": "application/json"}
    length = Length(SECONDS, 1.0, SECONDS / 10, percentile=50, tolerance=0.1, to_the_end=True)
    try:
        yield Plan(f"{service.url}/predict/{MODEL}", [Body(TEXT, {})], [Step(length, concurrency=CONNECTIONS)], headers)
    finally:
        workspace.services.stop(NAME)
