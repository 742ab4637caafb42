"""What runs in the process that sends a load: step after step, without garbage collection.

It reads its plan and then its steps from standard input, where no process list shows them, and writes lines of JSON:
how far a step is, and its figures when it is over. It waits for the next step until standard input ends."""

from __future__ import annotations

import ctypes
import gc
import json
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jupyter_modeldeploy.profiling.load import arrivals, estimates
from jupyter_modeldeploy.profiling.load.generator import Generator, Health
from jupyter_modeldeploy.profiling.load.histogram import Histogram
from jupyter_modeldeploy.profiling.load.plan import Plan, Step
from jupyter_modeldeploy.profiling.load.stages import Statistics, Totals, stages
from jupyter_modeldeploy.profiling.load.windows import Recorder
from jupyter_modeldeploy.records.loads import GeneratorHealth, LoadStep

BUSY_SHARE = 0.9
"""Of one core: a generator that is busier than this cannot do more."""
LATE_SHARE, LATE_MS = 0.1, 1.0
"""A generator that is later than this share of the 99th percentile, and than this, is in its own figures."""
PR_SET_TIMERSLACK = 29


def measure(plan: Plan, step: Step, requests: Sequence[bytes], tell: Callable[[float], None]) -> LoadStep:
    """One step, in this process and thread."""
    target = plan.target()
    statistics = (
        Statistics(plan.statistics_url, plan.headers, plan.unix_socket, target.tls) if plan.statistics_url else None
    )
    before = statistics.read() if statistics else None
    recorder = Recorder(step.length, tell)
    closed = step.concurrency is not None
    generator = Generator(
        target,
        requests,
        step.concurrency or step.connections,
        recorder,
        arrivals=None if closed else _arrivals(step),
        timeout_s=plan.timeout_s,
    )
    health = generator.run()
    recorder.finish()
    naive = [window.naive for window in recorder.windows]
    latency = [window.latency for window in recorder.windows]
    if closed and (whole := estimates.merged(naive)).count:
        cycle = whole.mean  # as long as a connection took for one request, as wrk takes it
        latency = [window.corrected(cycle) for window in naive]
    ours = health.sent - recorder.errors.total()  # with those of the warm-up, which the server counts too
    passed = statistics.since(before, ours) if statistics and before else None
    return _step(step, recorder, latency, naive, health, passed)


def _step(
    step: Step,
    recorder: Recorder,
    latency: list[Histogram],
    naive: list[Histogram],
    health: Health,
    passed: Totals | None,
) -> LoadStep:
    figures, naive_figures = estimates.figures(latency), estimates.figures(naive)
    answered = recorder.answered_count
    due_ms = naive_figures.mean if step.concurrency is not None else figures.mean
    ours = health.sent - recorder.errors.total()
    parts, note = stages(passed, ours, due_ms, naive_figures.mean)
    return LoadStep(
        concurrency=step.concurrency,
        rate=step.rate,
        connections=step.concurrency or step.connections,
        seconds=recorder.seconds,
        requests=answered + recorder.errors.total(),
        throughput_rps=recorder.throughput,
        throughput=estimates.throughput(
            recorder.throughput, [(each.answered, each.seconds) for each in recorder.windows]
        ),
        errors=dict(recorder.errors),
        latency=figures,
        naive=naive_figures,
        stages=parts,
        stages_note=note,
        windows=len(recorder.windows),
        stable=recorder.stable,
        generator=_health(health, figures.p99.value if figures.p99 else figures.highest or 0.0),
        histogram=estimates.merged(latency).encode(),
        naive_histogram=estimates.merged(naive).encode(),
    )


def _health(health: Health, p99_ms: float) -> GeneratorHealth:
    cpu_share = health.cpu_s / health.wall_s if health.wall_s else 0.0
    lags = sorted(health.lags_ns)
    lag_ms = lags[len(lags) * 9 // 10] / 1e6 if lags else 0.0
    limited = None
    if cpu_share > BUSY_SHARE:
        limited = f"The generator was busy for {cpu_share:.0%} of the time: the endpoint may do more than this."
    elif lag_ms > max(LATE_MS, LATE_SHARE * p99_ms):
        limited = f"The generator was up to {lag_ms:.1f} ms late: latencies hold that."
    waited = health.waited / health.sent if health.sent else 0.0
    return GeneratorHealth(cpu_share=cpu_share, lag_ms=lag_ms, waited_share=waited, limited=limited)


def _arrivals(step: Step) -> Iterator[int]:
    if step.times is not None:
        return arrivals.recorded(step.times, step.speed)
    assert step.rate is not None
    return arrivals.poisson(step.rate) if step.arrivals == "poisson" else arrivals.constant(step.rate)


def _main() -> None:
    plan: Plan = pickle.load(sys.stdin.buffer)  # from our own parent
    target = plan.target()
    requests = [target.request(body) for body in plan.bodies]
    if sys.platform == "linux":  # timers are 50 microseconds late else
        ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0)
    gc.disable()
    for step in _steps():
        found = measure(plan, step, requests, lambda share: _tell({"share": share}))
        _tell({"step": found.model_dump(mode="json")})
        gc.collect()


def _steps() -> Iterator[Step]:
    while True:
        try:
            yield pickle.load(sys.stdin.buffer)
        except EOFError:
            return


def _tell(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    _main()
