"""Whether the operators' times add up to the run, and whether the runtimes' own summaries say the same."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_modeldeploy import runtimes
from jupyter_modeldeploy.profiling.operators import profile_operators
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.records.profiles import DISPATCH, Operator
from profile_bench.models import Case, cases

SECONDS, RUNS = 20.0, 30


def run() -> dict[str, Any]:
    """The largest relative error of a sum, and the largest distance of an operator type's share, in points."""
    found = [_case(case) for case in cases()]
    return {
        "operator_sum_error": max(each["sum_error"] for each in found),
        "share_error_points": max(each["share_error_points"] for each in found),
        "operators": found,
    }


def _case(case: Case) -> dict[str, Any]:
    summary = _by_onnxruntime if case.format is Format.onnx else _by_torch
    before = summary(case)
    profiled = profile_operators(case.format, case.folder, case.inputs, SECONDS, 1, Silent())
    after = summary(case)
    theirs = {name: (before[name] + after[name]) / 2 for name in before}
    ours = _shares(profiled.operators)
    away = {name: 100 * abs(ours.get(name, 0.0) - theirs.get(name, 0.0)) for name in {*ours, *theirs}}
    run, worst = profiled.run, max(away, key=lambda name: away[name])
    dispatch = sum(one.share for one in profiled.operators if one.type == DISPATCH)
    print(
        f"{case.name:9} {run.runtime:12} {run.run_ms:8.3f} ms, sum {run.sum_ms:8.3f} ({100 * run.sum_error:.1f} % "
        f"off), profiled {run.profiled_ms:8.3f}, beside operators {100 * dispatch:.1f} %; "
        f"largest distance {away[worst]:.2f} points ({worst})"
    )
    return {
        "model": case.name,
        **run.model_dump(),
        "sum_error": run.sum_error,
        "dispatch_share": dispatch,
        "share_error_points": away[worst],
        "layers_known": sum(bool(one.layer) * one.share for one in profiled.operators),
    }


def _shares(operators: list[Operator]) -> Mapping[str, float]:
    """By type, of the time in operators: the summaries know of no other."""
    times: dict[str, float] = defaultdict(float)
    for one in operators:
        if one.type != DISPATCH:
            times[one.type] += one.time_ms
    return {name: time / sum(times.values()) for name, time in times.items()}


def _by_torch(case: Case) -> Mapping[str, float]:
    from torch.profiler import ProfilerActivity, profile

    runtime = runtimes.load(case.format, case.folder, device="cpu")
    runtime.run(case.inputs[0])
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(RUNS):
            runtime.run(case.inputs[0])
    runtime.close()
    rows = profiler.key_averages()
    total = sum(row.self_cpu_time_total for row in rows)
    return {row.key: row.self_cpu_time_total / total for row in rows}


def _by_onnxruntime(case: Case) -> Mapping[str, float]:
    """What `onnxruntime.transformers.profiler` prints, grouped by operator."""
    from onnxruntime.transformers.profile_result_processor import group_node_results, load_profile_json

    from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime, session_options

    with tempfile.TemporaryDirectory() as scratch:
        options = session_options(1)
        options.enable_profiling = True
        options.profile_file_prefix = f"{scratch}/profile"
        runtime = OnnxRuntime(case.folder, options=options)
        for _ in range(RUNS):
            runtime.run(case.inputs[0])
        runtime.close()
        (path,) = Path(scratch).iterdir()
        lines = group_node_results(load_profile_json(path))
    table = lines[lines.index("Grouped by operator") + 3 :]
    rows = [line.split("\t") for line in table[: table.index("")]]
    return {row[-1].strip(): float(row[1]) / 100 for row in rows}
