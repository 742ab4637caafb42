"""The learning-rate range test (Smith 2015, "Cyclical Learning Rates for Training Neural Networks", section 3.3)."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

import numpy as np
import torch

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.training.loading import train_loader
from jupyter_modeldeploy.training.optimizer import make_optimizer
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.prediction import to_device
from jupyter_modeldeploy.training.problem import Batch, Problem

log = logging.getLogger(__name__)
STEPS = 60
LOWEST, HIGHEST = 1e-6, 1e-1
SMOOTHING = 0.85
DIVERGED = 3.0
"""The test ends when the loss is this many times its lowest."""


def find(plan: Plan, problem: Problem, model: torch.nn.Module, device: torch.device) -> float:
    """The learning rate at which the loss falls the fastest while the rate rises from 1e-6 to 1e-1 in sixty steps, the
    head's in proportion. The model's weights are as before when it returns. Raises InvalidInput where the loss falls
    at no rate."""
    before = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    try:
        rates, losses = _range_test(plan, problem, model, device)
    finally:
        model.load_state_dict(before)
        model.zero_grad()
    found = steepest(rates, losses)
    log.info("The loss falls the fastest at a learning rate of %.2g.", found)
    return found


def steepest(rates: list[float], losses: list[float]) -> float:
    """The rate at the steepest fall of the smoothed losses before their lowest. Raises InvalidInput without any."""
    smooth = np.array(losses)
    lowest = int(smooth.argmin())
    if lowest < 3:
        raise InvalidInput(
            "The range test found no learning rate at which the loss falls.", "Name a learning_rate instead."
        )
    slopes = np.gradient(smooth[: lowest + 1], np.log(rates[: lowest + 1]))
    return float(rates[int(slopes.argmin())])


def _range_test(
    plan: Plan, problem: Problem, model: torch.nn.Module, device: torch.device
) -> tuple[list[float], list[float]]:
    lowest = plan.scaled(LOWEST / plan.learning_rate)
    optimizer = make_optimizer(model, problem, lowest)
    growth = (HIGHEST / LOWEST) ** (1 / STEPS)
    rates: list[float] = []
    losses: list[float] = []
    average = 0.0
    model.train()
    for step, batch in zip(range(STEPS), _endless(plan, problem), strict=False):
        inputs = to_device(batch, device)
        labels = inputs.pop("labels")
        with torch.autocast(device.type, torch.bfloat16, enabled=plan.precision == "bf16"):
            outputs = model(**inputs)
        loss = problem.loss(outputs, labels, problem.items(labels))
        average = SMOOTHING * average + (1 - SMOOTHING) * loss.item()
        smooth = average / (1 - SMOOTHING ** (step + 1))
        if not math.isfinite(smooth) or (losses and smooth > DIVERGED * min(losses)):
            break
        rates.append(LOWEST * growth**step)
        losses.append(smooth)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        for group in optimizer.param_groups:
            group["lr"] *= growth
    return rates, losses


def _endless(plan: Plan, problem: Problem) -> Iterator[Batch]:
    while True:
        yield from train_loader(problem, plan)
