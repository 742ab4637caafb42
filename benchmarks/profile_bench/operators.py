"""Whether the operators' times add up to the run, and whether the runtimes' own summaries say the same."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from jupyter_modeldeploy import runtimes
from jupyter_modeldeploy.profiling.operators import Pace, profile_operators
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.records.profiles import DISPATCH, Operator
from profile_bench.models import Case, cases

T = TypeVar("T")
ROUNDS, SECONDS, RUNS, WARMING = 3, 7.0, 24, 2

Shares = Mapping[str, float]


def run() -> dict[str, Any]:
    """The largest relative error of a sum, and the largest distance of an operator type's share, in points."""
    found = [_case(case) for case in cases()]
    return {
        "operator_sum_error": max(each["sum_error"] for each in found),
        "share_error_points": max(each["share_error_points"] for each in found),
        "operators": found,
    }


def _case(case: Case) -> dict[str, Any]:
    """Ours and theirs in turns, and the middle one of the rounds: what else the machine does moves both."""
    summary = _by_onnxruntime if case.format is Format.onnx else _by_torch
    theirs, ours = [summary(case)], []
    for _ in range(ROUNDS):
        ours.append(profile_operators(case.format, case.folder, case.inputs, Pace(SECONDS), 1, Silent()))
        theirs.append(summary(case))
    away = _away([_shares(found.operators) for found in ours], theirs)
    worst = max(away, key=lambda name: away[name])
    profiled = sorted(ours, key=lambda found: found.run.sum_error)[ROUNDS // 2]
    run = profiled.run
    dispatch = sum(one.share for one in profiled.operators if one.type == DISPATCH)
    print(
        f"{case.name:9} {run.runtime:12} {run.run_ms:8.3f} ms, sum {run.sum_ms:8.3f} ({100 * run.sum_error:.1f} % "
        f"off), profiled {run.profiled_ms:8.3f}, beside operators {100 * dispatch:.1f} %; "
        f"largest distance {away[worst]:.2f} points ({worst})",
        flush=True,
    )
    return {
        "model": case.name,
        **run.model_dump(),
        "sum_error": run.sum_error,
        "dispatch_share": dispatch,
        "share_error_points": away[worst],
        "layers_known": sum(bool(one.layer) * one.share for one in profiled.operators),
    }


def _away(ours: Sequence[Shares], theirs: Sequence[Shares]) -> dict[str, float]:
    """By type the points between our share and the mean of the summaries before and after, in the middle round."""
    return {
        name: abs(
            statistics.median(
                100 * (one.get(name, 0.0) - (before.get(name, 0.0) + after.get(name, 0.0)) / 2)
                for one, (before, after) in zip(ours, pairwise(theirs), strict=True)
            )
        )
        for name in set().union(*ours, *theirs)
    }


def _shares(operators: list[Operator]) -> Shares:
    """By type, of the time in operators: the summaries know of no other."""
    times: dict[str, float] = defaultdict(float)
    for one in operators:
        if one.type != DISPATCH:
            times[one.type] += one.time_ms
    return {name: time / sum(times.values()) for name, time in times.items()}


def _by_torch(case: Case) -> Shares:
    """Of the quickest third of the runs, as our own shares are: which operators wait most while others use the machine
    is no matter of who sums up."""
    from torch.profiler import ProfilerActivity, profile

    runtime = runtimes.load(case.format, case.folder, device="cpu")
    runs = []
    for _ in range(WARMING + RUNS):
        with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiler:
            began = time.perf_counter()
            runtime.run(case.inputs[0])
            seconds = time.perf_counter() - began
        runs.append((seconds, {row.key: row.self_cpu_time_total for row in profiler.key_averages()}))
    runtime.close()
    times: Counter[str] = Counter()
    for _, told in _quickest(runs[WARMING:]):
        times.update(told)
    return {name: time / times.total() for name, time in times.items()}


def _by_onnxruntime(case: Case) -> Shares:
    """What `onnxruntime.transformers.profiler` prints, grouped by operator; of the quickest third of the runs too."""
    from onnxruntime.transformers.profile_result_processor import group_node_results

    from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime, session_options

    with tempfile.TemporaryDirectory() as scratch:
        options = session_options(1)
        options.enable_profiling = True
        options.profile_file_prefix = f"{scratch}/profile"
        runtime = OnnxRuntime(case.folder, options=options)
        for _ in range(WARMING + RUNS):
            runtime.run(case.inputs[0])
        runtime.close()
        (path,) = Path(scratch).iterdir()
        runs = _runs(json.loads(path.read_bytes()))[WARMING:]
    lines = group_node_results([event for _, events in _quickest(runs) for event in events])
    table = lines[lines.index("Grouped by operator") + 3 :]
    rows = [line.split("\t") for line in table[: table.index("")]]
    return {row[-1].strip(): float(row[1]) / 100 for row in rows}


def _runs(told: Sequence[dict[str, Any]]) -> list[tuple[float, list[dict[str, Any]]]]:
    """The time of each run, and its events, which come before its own."""
    found, events = [], []
    for event in told:
        events.append(event)
        if event["name"] == "model_run":
            found.append((float(event["dur"]), events))
            events = []
    return found


def _quickest(runs: Sequence[tuple[float, T]]) -> list[tuple[float, T]]:
    return sorted(runs, key=lambda run: run[0])[: len(runs) // 3]
