"""The optimizer."""

from __future__ import annotations

import torch

from jupyter_modeldeploy.training.adapters import own_name
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import Problem


def make_optimizer(model: torch.nn.Module, problem: Problem, plan: Plan) -> torch.optim.Optimizer:
    """AdamW. A head that begins at random may learn faster than an encoder that should keep what it knows; biases and
    norms are not decayed."""
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((problem.in_head(own_name(name)), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        (
            {
                "params": parameters,
                "lr": plan.head_learning_rate if head else plan.learning_rate,
                "weight_decay": plan.options.weight_decay if matrices else 0.0,
            }
            for (head, matrices), parameters in groups.items()
        ),
        fused=True,
    )
