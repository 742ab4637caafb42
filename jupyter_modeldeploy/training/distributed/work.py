"""A training of people's own model and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training.distributed.rows import Rows
from jupyter_modeldeploy.training.distributed.supervised import Measured

Step = Callable[[torch.nn.Module, Any], Measured]
MakeOptimizer = Callable[[Iterable[torch.nn.Parameter], float], Optimizer]
MakeScheduler = Callable[[Optimizer, int], LRScheduler]


@dataclass(frozen=True)
class Work:
    """A training, the same for all its workers. `device` is "cpu" or "cuda"; `checkpoint_every` counts steps."""

    model: torch.nn.Module
    train: Rows
    validation: Rows | None
    step: Step
    optimizer: MakeOptimizer
    scheduler: MakeScheduler | None
    learning_rate: float
    epochs: int
    seed: int
    device: str
    checkpoint_every: int | None
    checkpoints: Path
    fingerprint: str
    silence: timedelta = timedelta(minutes=10)

    def take_part(self, device: torch.device, reporter: Reporter) -> Any:
        from jupyter_modeldeploy.training.distributed.loop import Loop  # which knows this class

        history, best = Loop(self, device, reporter).run()
        return {"history": [asdict(epoch) for epoch in history], "best": asdict(best)}
