"""What a look at a live experiment costs, by how many units it has."""

from __future__ import annotations

import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from jupyter_modeldeploy.experiments import verdicts
from jupyter_modeldeploy.experiments.collecting import Collector
from jupyter_modeldeploy.experiments.spool import Spool
from jupyter_modeldeploy.records import Guardrail, Metric

BASE, CANDIDATE = "m@1", "m@2"
ARMS = [(1, BASE, 0.5), (1, CANDIDATE, 0.5)]
METRICS = [
    Metric(name="bought", kind="proportion", of="bought"),
    Metric(name="latency_ms", kind="ratio", of="latency_ms", per="requests", lower_is_better=True),
    Metric(name="latency_p95", kind="percentile", percentile=0.95, of="latency_ms", lower_is_better=True),
    Metric(name="error_rate", kind="ratio", of="errors", per="requests", lower_is_better=True),
]
GUARDRAILS = [Guardrail(metric="error_rate", at_most=0.02), Guardrail(metric="latency_p95", at_most=0.5, relative=True)]
UNITS = (10_000, 100_000, 1_000_000)
NEW_ROWS, LOOKS = 1000, 5
SEGMENT_ROWS = 50_000
OUTCOME_EVERY = 5


def run() -> dict[str, Any]:
    """Rows a second that are counted, and seconds and MiB of the first look and of one after 1,000 new rows."""
    found = {}
    spawning = multiprocessing.get_context("spawn")  # each in a process of its own, whose memory is its own
    for units in UNITS:
        with spawning.Pool(1) as pool:
            found[f"{units}"] = pool.apply(_measured, [units])
        print(f"{units:9,} units: {json.dumps(found[f'{units}'])}", flush=True)
    largest = found[f"{UNITS[-1]}"]
    return {"collecting_look_s": largest["look_s"], "collecting_look_mib": largest["mib"], "collecting": found}


def _measured(units: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder) / "exposures")
        random = np.random.default_rng(units)
        for start in range(0, units, SEGMENT_ROWS):
            _write(spool, random, np.arange(start, min(units, start + SEGMENT_ROWS)), start)
        with closing(Collector(spool.folder, Path(folder) / "kept.sqlite")) as collector:
            before = _mib()
            fold_s, rows = _timed(collector.fold)
            folded = _mib()
            first_s, _ = _timed(lambda: _look(collector))
            looks = [_after_new(collector, spool, random, units, number) for number in range(LOOKS)]
            judge_s, _ = _timed(lambda: _judge(collector))
            file = (Path(folder) / "kept.sqlite").stat().st_size
    figures = {
        "rows_per_s": rows / fold_s,
        "fold_mib": folded - before,
        "first_look_s": first_s,
        **{name: float(np.median([look[name] for look in looks])) for name in looks[0]},
        "judge_s": judge_s,
        "mib": _mib() - before,
        "file_bytes_per_unit": file / units,
    }
    return {name: round(value, 3) for name, value in figures.items()}


def _after_new(
    collector: Collector, spool: Spool, random: np.random.Generator, units: int, number: int
) -> dict[str, float]:
    """A look after new rows, half of which are of units that were there."""
    half = NEW_ROWS // 2
    fresh = np.arange(units + number * half, units + (number + 1) * half)
    _write(spool, random, np.concatenate([random.integers(units, size=half), fresh]), units + number)
    fold_s, _ = _timed(collector.fold)
    look_s, _ = _timed(lambda: _look(collector))
    suspicions_s, _ = _timed(collector.suspicions)
    return {"fold_new_s": fold_s, "look_s": look_s, "suspicions_s": suspicions_s}


def _look(collector: Collector) -> None:
    """What is done every second."""
    observed = collector.observed(BASE, CANDIDATE, METRICS)
    verdicts.split_p_value(observed, BASE, CANDIDATE)
    verdicts.guard(observed, BASE, CANDIDATE, GUARDRAILS, METRICS)


def _judge(collector: Collector) -> None:
    """What is done seldom, and more so the longer it takes."""
    verdicts.judge(collector.observed(BASE, CANDIDATE, METRICS), BASE, CANDIDATE, METRICS)


def _write(spool: Spool, random: np.random.Generator, units: np.ndarray, second: int) -> None:
    """A segment with a request of each of the units, of which every fifth has an outcome."""
    at = 1_700_000_000_000 + second * 10
    latencies = (1e3 * random.lognormal(3, 0.6, len(units))).astype(int)
    exposures = [
        [unit % 2, f"user-{unit}", None, at + place, latency, int(unit % 50 == 0), None, ("eu", "us", "cn")[unit % 3]]
        for place, (unit, latency) in enumerate(zip(units.tolist(), latencies.tolist(), strict=True))
    ]
    outcomes = [
        [f"user-{unit}", None, "bought", 1.0, None, None, at + 10**6, 0] for unit in units[::OUTCOME_EVERY].tolist()
    ]
    lines = [orjson.dumps({"exposures": exposures}), orjson.dumps({"outcomes": outcomes})]
    spool.write(ARMS, ["region"], lines, len(exposures) + len(outcomes), 0)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.perf_counter()
    found = work()
    return time.perf_counter() - begin, found


def _mib() -> float:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
