"""How much memory a training will need, before it starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psutil
import torch

from jupyter_modeldeploy import cgroups
from jupyter_modeldeploy.errors import JobFailed
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.prediction import batches, longest_first, to_device
from jupyter_modeldeploy.training.problem import Problem

MARGIN = 0.85
"""What may be filled of the free memory: allocators need room, and the machine has others."""
GIB = 2**30


@dataclass(frozen=True)
class Estimate:
    """Bytes. `held` are the gradients and the optimizer's two moments, beside the weights that are in memory already;
    `per_row` the activations of one of the longest rows, in float32."""

    held: int
    per_row: int

    def total(self, rows: int) -> int:
        return self.held + rows * self.per_row


def estimate(problem: Problem, model: torch.nn.Module, device: torch.device) -> Estimate:
    """What training will need, from the shapes of the weights and from the tensors that one forward pass over the
    longest rows keeps for the backward pass."""
    trained = sum(each.numel() * each.element_size() for each in model.parameters() if each.requires_grad)
    return Estimate(held=3 * trained, per_row=_activations(problem, model, device))


def fitting(plan: Plan, need: Estimate, device: torch.device) -> Plan:
    """The plan in as many parts as make it fit into the memory of this machine, for all processes together. On a GPU
    nothing is changed: there an allocation that fails can be caught, and what fits is found by trial.

    Raises JobFailed where not even one row at a time fits, or `find_batch_size` is off."""
    if device.type != "cpu":
        return plan
    free = int(MARGIN * free_memory())
    fits: Plan | None = plan
    while fits is not None and plan.processes * need.total(fits.rows_at_a_time) > free:
        fits = fits.in_more_parts() if plan.options.find_batch_size else None
    if fits is None:
        rows = 1 if plan.options.find_batch_size else plan.rows_at_a_time
        raise JobFailed(
            f"Training with {rows} rows at a time needs about {plan.processes * need.total(rows) / GIB:.1f} GiB; "
            f"{free / GIB:.1f} are free.",
            "Choose a smaller model, method lora or head, a smaller max_length or batch_size, or fewer processes.",
        )
    return fits


def free_memory() -> int:
    """Bytes that this process may still take: what the machine has, cut to what its control group is granted."""
    free = int(psutil.virtual_memory().available)
    limits = cgroups.limits()
    if limits.memory_bytes is None:
        return free
    return max(0, min(free, limits.memory_bytes - (limits.memory_used or 0)))


def used(device: torch.device) -> int:
    """Bytes that the training holds now: of the GPU at its most, of the machine as the process stands."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return int(psutil.Process().memory_info().rss)


def _activations(problem: Problem, model: torch.nn.Module, device: torch.device) -> int:
    kept: dict[int, int] = {}
    weights = {each.untyped_storage().data_ptr() for each in model.parameters()}

    def pack(tensor: torch.Tensor) -> Any:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    order = longest_first(problem.train)[:2]  # of one alone batch normalization may not be able to take a mean
    inputs = to_device(next(batches(problem, problem.train, order, len(order))), device)
    labels = inputs.pop("labels")
    model.train()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        problem.loss(model(**inputs), labels, 1)
    return sum(kept.values()) // len(order)
