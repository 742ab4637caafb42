"""In what precision is computed. The weights stay float32; matrix products may be half as wide (torch.autocast)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import torch

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.training.plan import Computed, Plan
from jupyter_modeldeploy.training.prediction import batches, to_device
from jupyter_modeldeploy.training.problem import Problem

log = logging.getLogger(__name__)
TRIALS = 3
WORTH_IT = 0.9
"""bfloat16 rounds to three digits: it is taken where it saves a tenth of the time at least."""


def choose(plan: Plan, problem: Problem, model: torch.nn.Module, device: torch.device) -> Computed:
    """The precision that the options name; for "auto", on a GPU by what it computes fast, on a CPU that has the
    instructions for bfloat16 by the time that some steps take. A deterministic training is not decided by a clock: on
    a CPU it computes in float32. Raises InvalidInput for a precision that the device has not."""
    asked = plan.options.precision
    if asked == "fp16" and device.type == "cpu":
        raise InvalidInput("fp16 needs a CUDA device.", "Choose bf16, fp32 or auto.")
    if asked != "auto":
        return asked
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        return "bf16" if capability >= (8, 0) else "fp16" if capability >= (7, 0) else "fp32"
    if plan.options.deterministic or not _cpu_has_bfloat16():
        return "fp32"
    return _faster(plan, problem, model, device)


def _cpu_has_bfloat16() -> bool:
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _faster(plan: Plan, problem: Problem, model: torch.nn.Module, device: torch.device) -> Computed:
    """By forward and backward passes over rows of middling length. Weights and gradients are as before."""
    rows = problem.train
    lengths = rows.lengths
    order = sorted(range(len(rows)), key=lambda index: lengths[index]) if lengths else list(range(len(rows)))
    middle = max(0, (len(order) - plan.rows_at_a_time) // 2)
    batch = next(batches(problem, rows, order[middle : middle + plan.rows_at_a_time], plan.rows_at_a_time))
    inputs = to_device(batch, device)
    labels = inputs.pop("labels")

    def step(half: bool) -> Callable[[], None]:
        def run() -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                outputs = model(**inputs)
            problem.loss(outputs, labels, problem.items(labels)).backward()  # type: ignore[no-untyped-call]
            model.zero_grad()

        return run

    model.train()
    times = _fastest({"fp32": step(False), "bf16": step(True)})
    log.info("A step takes %.0f ms in fp32 and %.0f ms in bf16.", times["fp32"] * 1e3, times["bf16"] * 1e3)
    return "bf16" if times["bf16"] < WORTH_IT * times["fp32"] else "fp32"


def _fastest(runs: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Seconds of the fastest of some trials, which take turns: what else the machine does can only slow them down."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(1 + TRIALS):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return {name: min(taken[1:]) for name, taken in times.items()}
