"""The training that each worker runs: the same steps at the same time on its share of each batch."""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import asdict
from typing import Any

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from jupyter_modeldeploy.errors import JobFailed
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training import state
from jupyter_modeldeploy.training.checkpoints import PREFIX, Checkpoints, step_of, storage_errors
from jupyter_modeldeploy.training.distributed.result import EpochResult
from jupyter_modeldeploy.training.distributed.rows import Share, seed_all
from jupyter_modeldeploy.training.distributed.work import Work

CHECKPOINT_EVERY_S = 30.0
REPORT_EVERY_S = 0.5
BEST = "best-"
Sums = dict[str, float]


class Loop:
    """One worker's side of a training. The process group exists already; rank 0 writes and reports."""

    def __init__(self, work: Work, device: torch.device, reporter: Reporter) -> None:
        self.work = work
        self.device = device
        self.reporter = reporter
        self.rank, self.processes = distributed.get_rank(), distributed.get_world_size()
        self.checkpoints = Checkpoints(work.checkpoints, work.fingerprint) if self.rank == 0 else None
        self.model = work.model.to(device)
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = work.optimizer(trained, work.learning_rate)
        self.steps_per_epoch = len(work.train.batches(work.seed))
        self.steps = self.steps_per_epoch * work.epochs
        self.scheduler: LRScheduler = (
            work.scheduler(self.optimizer, self.steps) if work.scheduler else LambdaLR(self.optimizer, lambda _: 1.0)
        )
        self.step = 0
        self.sums: Sums = {}
        self.history: list[EpochResult] = []
        self._resume()
        self.shared = DistributedDataParallel(self.model)
        self._checkpointed = self._reported = time.monotonic()

    def run(self) -> tuple[list[EpochResult], EpochResult]:
        """The epochs and the best of them, whose weights are in the checkpoints' folder.

        Raises JobFailed when the loss is no longer a number."""
        while self.step < self.steps:
            epoch = self.step // self.steps_per_epoch
            for batch in self.work.train.batches(self.work.seed + epoch)[self.step % self.steps_per_epoch :]:
                self._take_step(batch)
                self._report()
                if self.step % self.steps_per_epoch:
                    self._checkpoint_when_due()
            self._end_epoch(epoch)
        return self.history, best(self.history)

    def _take_step(self, batch: list[int]) -> None:
        seed_all(self.work.seed + self.step * self.processes + self.rank)
        share = self.work.train.share(batch, self.rank, self.processes)
        self.shared.train()  # type: ignore[no-untyped-call]
        measured = self.work.step(self.shared, _to(share.batch, self.device))
        # Gradients are averaged over processes; weighted like this their average is that over the batch's rows.
        weight = share.rows * self.processes / share.rows_of_all
        self.optimizer.zero_grad()
        (measured["loss"] * weight).backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.scheduler.step()
        self.step += 1
        self._add(self.sums, self._summed(measured, share))

    def _summed(self, measured: Any, share: Share) -> Sums:
        """Sums over the rows of the whole batch, the number of "rows" among them."""
        names = sorted(measured)
        values = [measured[name].detach().double().to(self.device) * share.rows for name in names]
        sums = torch.stack([*values, torch.tensor(float(share.rows), dtype=torch.float64, device=self.device)])
        distributed.all_reduce(sums)
        return dict(zip([*names, "rows"], sums.tolist(), strict=True))

    def _end_epoch(self, epoch: int) -> None:
        training, self.sums = _means(self.sums), {}
        if not math.isfinite(training["loss"]):
            raise JobFailed(f"The loss is no longer a number in epoch {epoch + 1}.", "Try a lower learning rate.")
        self.history.append(EpochResult(epoch + 1, self.step, training, self._validated()))
        ended = self.history[-1]
        if self.rank == 0:
            for name, value in ended.validation.items():
                self.reporter.metric(f"validation_{name}", value, self.step)
            self._report(now=True)
            if ended is best(self.history):
                state.save_weights(self.work.checkpoints / f"{BEST}{ended.epoch}.safetensors", self.model)
        self._checkpoint()

    def _validated(self) -> dict[str, float]:
        rows = self.work.validation
        if rows is None:
            return {}
        own: Counter[str] = Counter()
        self.model.eval()
        with torch.no_grad():
            for share in rows.shares(self.rank, self.processes):
                measured = self.work.step(self.model, _to(share.batch, self.device))
                own.update({name: float(value) * share.rows for name, value in measured.items()})
                own["rows"] += share.rows
        parts: list[Sums] = [{}] * self.processes
        distributed.all_gather_object(parts, dict(own))
        sums: Sums = {}
        for part in parts:
            self._add(sums, part)
        return _means(sums)

    @staticmethod
    def _add(sums: Sums, more: Sums) -> None:
        for name, value in more.items():
            sums[name] = sums.get(name, 0.0) + value

    def _report(self, now: bool = False) -> None:
        if self.rank != 0 or (not now and time.monotonic() - self._reported < REPORT_EVERY_S):
            return
        self._reported = time.monotonic()
        shown = _means(self.sums) if self.sums else self.history[-1].training
        for name, value in shown.items():
            self.reporter.metric(name, value, self.step)
        self.reporter.progress(self.step, self.steps, "steps")

    def _checkpoint_when_due(self) -> None:
        every = self.work.checkpoint_every
        if self.step % every == 0 if every else time.monotonic() - self._checkpointed > CHECKPOINT_EVERY_S:
            self._checkpoint()

    def _checkpoint(self) -> None:
        if self.checkpoints is None:
            return
        with storage_errors("writing a checkpoint"):
            state.save(
                self.checkpoints.writing / f"{PREFIX}{self.step}",
                self.model,
                self.optimizer,
                self.scheduler,
                None,
                sums=self.sums,
                history=[asdict(epoch) for epoch in self.history],
            )
            self.checkpoints.publish(self.step)
        kept = {f"{BEST}{best(self.history).epoch}.safetensors"} if self.history else set()
        for old in self.work.checkpoints.glob(f"{BEST}*.safetensors"):
            if old.name not in kept:
                old.unlink()
        self._checkpointed = time.monotonic()

    def _resume(self) -> None:
        """Go on from the last checkpoint: rank 0 says which, since it alone writes them."""
        latest = self.checkpoints.latest() if self.checkpoints else None
        name = [latest.name if latest else None]
        distributed.broadcast_object_list(name, src=0)
        if name[0] is None:
            return
        folder = self.work.checkpoints / name[0]
        state.load_weights(folder, self.model)
        more = state.load(folder, self.optimizer, self.scheduler, None)
        self.step = step_of(folder)
        self.sums = more["sums"]
        self.history = [EpochResult(**epoch) for epoch in more["history"]]


def best(history: list[EpochResult]) -> EpochResult:
    """The epoch with the lowest loss on the validation rows, without them the lowest while training; the earliest."""
    return min(history, key=lambda epoch: epoch.judged_by)


def _means(sums: Sums) -> dict[str, float]:
    return {name: value / sums["rows"] for name, value in sums.items() if name != "rows"}


def _to(batch: Any, device: torch.device) -> Any:
    """The batch with its tensors on the device, whatever it holds them in."""
    if isinstance(batch, torch.Tensor) or hasattr(batch, "to"):
        return batch.to(device)
    if isinstance(batch, dict):
        return {name: _to(part, device) for name, part in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_to(part, device) for part in batch))
    return type(batch)(_to(part, device) for part in batch) if isinstance(batch, (tuple, list)) else batch
