"""What a service answers while its operators are profiled beside it, against what it answers alone."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.profiling.load import Body, Length, Plan, Step
from jupyter_modeldeploy.profiling.load.process import Sending, sending
from profile_bench.models import FOLDER, HOUR_S, cases

NAME, MODEL = "profiled", "minilm"
TEXT = b'{"text": "The room was quiet and the view was worth the climb."}'
ROUNDS, CONNECTIONS = 4, 4
ALONE_TURNS = 10
TURN = Length(longest_s=2.0, warmup_s=0.1, window_s=0.4, percentile=50, tolerance=0.1, to_the_end=True)


class Answered(NamedTuple):
    """Answers a second and the median latency in milliseconds, the means of so many turns."""

    rate: float
    median_ms: float
    turns: int


def run() -> dict[str, Any]:
    """One minus the ratio of the throughputs with and without a profile, in turns, on a service that is kept busy for
    as long as the whole job of the profile takes; the same of the median latencies beside it."""
    cases()
    alone, beside, operators = [], [], []
    with contextlib.closing(Workspace(FOLDER / "root")) as workspace, _served(workspace) as sender:
        for _ in range(ROUNDS):
            alone.append(_answered(sender, lambda turns: turns < ALONE_TURNS))
            job = workspace.services.profile_operators(NAME)
            beside.append(_answered(sender, lambda turns, job=job: not job.job.state.ended))
            operators.append(job.result(HOUR_S)["profile"]["run"])
    overhead = 1 - statistics.median(b.rate / a.rate for a, b in zip(alone, beside, strict=True))
    slower = statistics.median(b.median_ms / a.median_ms for a, b in zip(alone, beside, strict=True)) - 1
    print(
        f"{[round(each.rate) for each in alone]} requests/s alone, {[round(each.rate) for each in beside]} while "
        f"profiled: {100 * overhead:.1f} % less; the median latency {100 * slower:.1f} % longer"
    )
    told = {name: [each._asdict() for each in found] for name, found in (("alone", alone), ("beside", beside))}
    return {
        "profiling_overhead": overhead,
        "profiling_beside": {**told, "median_slower": slower, "runs": operators},
    }


def _answered(sender: Sending, goes_on: Callable[[int], bool]) -> Answered:
    rates, medians = [], []
    while goes_on(len(rates)):
        step = sender.measure(Step(TURN, concurrency=CONNECTIONS))
        assert step.latency.p50 is not None
        rates.append(step.throughput_rps)
        medians.append(step.latency.p50.value)
    return Answered(statistics.fmean(rates), statistics.fmean(medians), len(rates))


@contextlib.contextmanager
def _served(workspace: Workspace) -> Iterator[Sending]:
    """What sends requests to the service, which has been warmed up."""
    if any(one.name == NAME and not one.state.ended for one in workspace.services.list()):
        workspace.services.stop(NAME)
    service = workspace.services.start(workspace.services.spec(NAME, [f"{MODEL}@2"]))
    headers = {"Authorization": f"Bearer {workspace.services.token(NAME)}", "Content-Type": "application/json"}
    try:
        with sending(Plan(f"{service.url}/predict/{MODEL}", [Body(TEXT, {})], [], headers)) as sender:
            _answered(sender, lambda turns: turns < ALONE_TURNS)
            yield sender
    finally:
        workspace.services.stop(NAME)
