"""Train a model of one's own in several processes that share each batch."""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from jupyter_modeldeploy.errors import InvalidInput, Unavailable, from_os_error
from jupyter_modeldeploy.progress import Reporter, Silent
from jupyter_modeldeploy.training import state
from jupyter_modeldeploy.training.checkpoints import Checkpoints
from jupyter_modeldeploy.training.distributed.attempts import MAX_RESTARTS, run_to_the_end
from jupyter_modeldeploy.training.distributed.exchange import Exchange
from jupyter_modeldeploy.training.distributed.launcher import Launcher, LocalProcesses
from jupyter_modeldeploy.training.distributed.loop import BEST
from jupyter_modeldeploy.training.distributed.result import DistributedResult, EpochResult
from jupyter_modeldeploy.training.distributed.rows import rows_of
from jupyter_modeldeploy.training.distributed.supervised import supervised
from jupyter_modeldeploy.training.distributed.work import MakeOptimizer, MakeScheduler, Step, Work

MOST_NODES = 64


class DistributedTrainer:
    """Trains torch models in `nodes` processes: on CPUs by gloo, on CUDA devices, one for each process, by nccl.

    `batch_size` is the rows of one step of all processes together, by default the training loader's; the result is
    that of one process with the same batches. `optimizer` makes an optimizer of the parameters and `learning_rate`
    (a class of torch.optim does), `scheduler` a schedule of the optimizer and the number of steps. `step(model,
    batch)` returns means over the batch's rows by name, of which "loss" is learnt; see `supervised` for the default.
    `device` "auto" takes CUDA where there is a device for each process.

    A worker that is lost, killed for its memory for instance, ends the attempt; all start again from the last
    checkpoint, at most `max_restarts` times. Checkpoints are written each epoch and every `checkpoint_every` steps,
    by default every half minute. In `folder` they outlive the caller: the same `fit` goes on from there.

    Raises InvalidInput for values out of range, Unavailable for CUDA without a device for each process."""

    def __init__(
        self,
        nodes: int = 1,
        batch_size: int | None = None,
        learning_rate: float = 1e-3,
        *,
        epochs: int = 1,
        optimizer: MakeOptimizer = torch.optim.AdamW,
        scheduler: MakeScheduler | None = None,
        step: Step = supervised,
        seed: int = 0,
        device: str = "auto",
        folder: Path | str | None = None,
        checkpoint_every: int | None = None,
        max_restarts: int = MAX_RESTARTS,
        reporter: Reporter | None = None,
        launcher: Launcher | None = None,
    ) -> None:
        _check(nodes, batch_size, learning_rate, epochs, checkpoint_every, max_restarts)
        self.nodes = nodes
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.step = step
        self.seed = seed
        self.device = _device(device, nodes)
        self.folder = Path(folder).absolute() if folder is not None else None
        self.checkpoint_every = checkpoint_every
        self.max_restarts = max_restarts
        self.reporter = reporter or Silent()
        self.launcher: Launcher = launcher or LocalProcesses()

    def fit(self, model: torch.nn.Module, train_loader: Any, val_loader: Any = None) -> DistributedResult:
        """Train `model` on the rows of a DataLoader and put the weights of its best epoch into it.

        Dataset, order, `collate_fn` and `drop_last` are the loader's; rows are read in the processes that train.
        Best is the epoch with the lowest loss on the rows of `val_loader`, without one on those of training.
        Raises InvalidInput for a model or loader that cannot be divided, JobFailed with what went wrong in a worker,
        WorkerDied when workers were lost more than `max_restarts` times, Conflict when `folder` holds another
        training's checkpoints, and StorageFull."""
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="modeldeploy-training-") as scratch:
            checkpoints = self.folder or Path(scratch) / "checkpoints"
            exchange = Exchange(Path(scratch))
            work = self._work(model, train_loader, val_loader, checkpoints)
            Checkpoints(checkpoints, work.fingerprint)  # of another training: said before a process starts
            try:
                exchange.give(work)
            except OSError as error:
                raise from_os_error(error, "handing the work to the workers") from error
            restarts = run_to_the_end(self.launcher, exchange, self.nodes, self.reporter, self.max_restarts)
            found = json.loads(exchange.result.read_text())
            best = EpochResult(**found["best"])
            state.load_weights_file(checkpoints / f"{BEST}{best.epoch}.safetensors", model)
        history = [EpochResult(**epoch) for epoch in found["history"]]
        return DistributedResult(history, best, self.nodes, restarts, time.monotonic() - started)

    def _work(self, model: torch.nn.Module, train: Any, validation: Any, checkpoints: Path) -> Work:
        if not isinstance(model, torch.nn.Module):
            raise InvalidInput(f"The model is a {type(model).__name__}.", "Give a torch.nn.Module.")
        if not any(parameter.requires_grad for parameter in model.parameters()):
            raise InvalidInput("The model has no parameter to train.", "Set requires_grad for those to be trained.")
        rows = rows_of(train, "train_loader", self.batch_size)
        steps = len(rows.batches(self.seed))
        if steps == 0:
            raise InvalidInput(
                f"train_loader has no whole batch of {rows.batch_size} rows.", "Take a smaller batch_size."
            )
        return Work(
            model=model,
            train=rows,
            validation=None if validation is None else rows_of(validation, "val_loader", rows.batch_size),
            step=self.step,
            optimizer=self.optimizer,
            scheduler=self.scheduler,
            learning_rate=self.learning_rate,
            epochs=self.epochs,
            seed=self.seed,
            device=self.device,
            checkpoint_every=self.checkpoint_every,
            checkpoints=checkpoints,
            fingerprint=self._fingerprint(model, steps, rows.batch_size),
        )

    def _fingerprint(self, model: torch.nn.Module, steps: int, batch_size: int) -> str:
        """What has to be the same for a training to go on from its folder; not the number of processes."""
        shapes = {name: list(parameter.shape) for name, parameter in model.named_parameters()}
        run = [shapes, steps, batch_size, self.epochs, self.learning_rate, self.seed]
        return hashlib.sha256(json.dumps(run).encode()).hexdigest()


def _check(
    nodes: int,
    batch_size: int | None,
    learning_rate: float,
    epochs: int,
    checkpoint_every: int | None,
    max_restarts: int,
) -> None:
    whole = {
        "nodes": (nodes, 1),
        "batch_size": (batch_size, 1),
        "epochs": (epochs, 1),
        "checkpoint_every": (checkpoint_every, 1),
        "max_restarts": (max_restarts, 0),
    }
    for name, (value, least) in whole.items():
        if value is not None and (not isinstance(value, int) or value < least):
            raise InvalidInput(f"{name} is {value!r}.", f"Give a whole number from {least} on.")
    if nodes > MOST_NODES:
        raise InvalidInput(f"nodes is {nodes}.", f"At most {MOST_NODES} processes train together.")
    if batch_size is not None and batch_size < nodes:
        raise InvalidInput(f"A batch of {batch_size} rows is too small for {nodes} processes.", "Take fewer nodes.")
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InvalidInput(f"learning_rate is {learning_rate!r}.", "Give a number above 0.")


def _device(wanted: str, nodes: int) -> str:
    if wanted not in ("auto", "cpu", "cuda"):
        raise InvalidInput(f"device is {wanted!r}.", "Give auto, cpu or cuda.")
    found = torch.cuda.device_count() if wanted != "cpu" else 0
    if wanted == "cuda" and found < nodes:
        raise Unavailable(f"{nodes} processes need {nodes} CUDA devices; {found} found.", "Take fewer nodes, or cpu.")
    return "cuda" if found >= nodes else "cpu"
