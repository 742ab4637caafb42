"""The load generator against a server that stalls on a schedule: its tail beside the true one."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import stalling_server  # what the tests of this promise use
from stalling_server import Schedule

from jupyter_modeldeploy.profiling.load import Body, Length, Plan, Step, measure
from jupyter_modeldeploy.progress import Silent

SCHEDULE = Schedule(period=2.0, stall=0.4, service=0.005)
PERIODS, RATE, CONNECTIONS = 10, 500.0, 4
PERCENTILES = {"p99": 99.0, "p99_9": 99.9}


def run() -> dict[str, Any]:
    """The largest relative error of p99 and p99.9, with what an open and a naive closed loop said, in milliseconds."""
    length = Length(PERIODS * SCHEDULE.period, 0.0, SCHEDULE.period, percentile=99, tolerance=0.1, to_the_end=True)
    steps = [Step(length, rate=RATE, arrivals="constant"), Step(length, concurrency=CONNECTIONS)]
    with server(SCHEDULE) as url:
        opened, closed = measure(Plan(url, [Body(b"{}", {})], steps), Silent())
    rows = {}
    for name, percent in PERCENTILES.items():
        found = getattr(opened.latency, name).value
        true = 1000 * SCHEDULE.percentile(percent)
        rows[name] = {
            "true_ms": true,
            "found_ms": found,
            "error": abs(found / true - 1),
            "naive_closed_loop_ms": getattr(closed.naive, name).value,
            "corrected_closed_loop_ms": getattr(closed.latency, name).value,
        }
        print(f"{name:6} true {true:7.1f} ms, found {found:7.1f}, naive {rows[name]['naive_closed_loop_ms']:7.1f}")
    error = max(row["error"] for row in rows.values())
    return {"stalled_p99_error": error, "stalled": rows, "stalled_generator": opened.generator.model_dump()}


@contextlib.contextmanager
def server(schedule: Schedule) -> Iterator[str]:
    """The URL of such a server in a process of its own."""
    program = [sys.executable, stalling_server.__file__]
    numbers = [str(each) for each in (schedule.period, schedule.stall, schedule.service)]
    with subprocess.Popen([*program, *numbers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield f"http://127.0.0.1:{int(child.stdout.readline())}/predict"
        child.communicate()
