"""The Trainer of transformers, made to report, to survive a kill without pickles, and to notice that it diverges."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from accelerate.data_loader import prepare_data_loader  # type: ignore[import-untyped]
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed
from transformers.trainer import TRAINER_STATE_NAME

from jupyter_modeldeploy.errors import JobFailed
from jupyter_modeldeploy.judging.metrics import evaluate
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training import memory, state
from jupyter_modeldeploy.training.checkpoints import PREFIX, Checkpoints
from jupyter_modeldeploy.training.group import Group
from jupyter_modeldeploy.training.loading import train_loader
from jupyter_modeldeploy.training.optimizer import make_optimizer
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.prediction import predict, show_samples
from jupyter_modeldeploy.training.problem import IGNORED, Problem, Rows
from jupyter_modeldeploy.training.teaching import Lesson

log = logging.getLogger(__name__)
LOG_EVERY = 10
SAVE_AFTER_S = 30.0
SAVING_SHARE = 0.02
"""Where nobody says how often, checkpoints come half a minute apart at least and cost no more than this share."""


class CoreTrainer(Trainer):
    """The Trainer on a `Problem`: rows in an order that survives a restart, checkpoints without pickles, a watch on the
    loss. Of a group of processes, each computes its share of a batch; the first evaluates and writes."""

    def __init__(
        self,
        problem: Problem,
        plan: Plan,
        model: torch.nn.Module,
        saved: Checkpoints,
        device: torch.device,
        group: Group,
        lesson: Lesson | None = None,
    ) -> None:
        self._problem, self._plan, self._saved, self._group = problem, plan, saved, group
        self._lesson = lesson
        self._said: Any = None
        super().__init__(
            model=model,
            args=training_arguments(problem, plan, saved, device),
            train_dataset=problem.train,
            eval_dataset=problem.validation,
            compute_loss_func=self._loss,
            optimizers=(make_optimizer(model, problem, plan), None),
            callbacks=[Resumed(self), *([DrawAnew(plan.options.seed, group)] if group.size > 1 else [])],
        )
        self.trained = model
        self.model_accepts_loss_kwargs = False  # the loss is ours; some models hand on what they do not know

    def get_train_dataloader(self) -> DataLoader[Any]:
        loader = train_loader(self._problem, self._plan, self._group.rank, self.args.dataloader_pin_memory)
        # It reads this process's rows alone: they are not to be divided again.
        prepared = prepare_data_loader(loader, self.args.device, num_processes=1, process_index=0, put_on_device=True)
        return cast(DataLoader[Any], prepared)

    def training_step(self, *arguments: Any, **named: Any) -> torch.Tensor:
        loss = self._group.mean(super().training_step(*arguments, **named))
        if loss.device.type == "cpu":  # elsewhere to look means to wait: there the logged mean is looked at
            self._check_finite(loss.item(), self.state.global_step + 1)
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            self._check_finite(logs["loss"], self.state.global_step)
        super().log(logs, start_time)

    def evaluate(self, *arguments: Any, **named: Any) -> dict[str, float]:
        """The loss and the metrics on the validation rows, named `eval_…`."""
        metrics = self._group.once(lambda: self._judged(cast(Rows, self._problem.validation)))
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _judged(self, rows: Rows) -> dict[str, float]:
        problem = self._problem
        predicted = predict(self.trained, problem, rows, self.args.device)
        found = evaluate(problem.kind, predicted.answers, rows.labels, problem.classes)
        return {f"eval_{name}": value for name, value in {"loss": predicted.loss, **found}.items()}

    def compute_loss(self, model: Any, inputs: dict[str, Any], *arguments: Any, **named: Any) -> Any:
        if self._lesson is not None:
            self._said = self._lesson.said(inputs)
        return super().compute_loss(model, inputs, *arguments, **named)

    def _loss(self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None) -> torch.Tensor:
        items = self._problem.items(labels) if num_items_in_batch is None else num_items_in_batch
        loss = self._problem.loss(outputs, labels, items)
        if self._lesson is not None:
            loss = self._lesson.mixed(loss, outputs, self._said, items)
        # Nothing is learnt from a row that stands in for a missing one.
        return loss * labels.ne(IGNORED).any() if self._group.size > 1 else loss

    def _check_finite(self, loss: float, step: int) -> None:
        if not math.isfinite(loss):
            raise JobFailed(
                f"The loss became {loss} at step {step}: the training diverged.",
                f"Lower the learning rates (now {self._plan.learning_rate:g} and, of the head, "
                f"{self._plan.head_learning_rate:g}), say to a tenth, and start anew.",
            )

    # What the Trainer keeps in pickles.

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        if not self._group.first:
            return
        step = self.state.global_step
        folder = self._saved.writing / f"{PREFIX}{step}"
        begun = time.monotonic()
        logged = [self._tr_loss.item(), self._globalstep_last_logged]
        state.save(folder, self.trained, self.optimizer, self.lr_scheduler, self._scaler(), logged=logged)
        self.state.save_to_json(str(folder / TRAINER_STATE_NAME))
        self._saved.publish(step, keep=best_step(self.state) if self._plan.options.early_stopping_patience else None)
        self.seconds_saving = time.monotonic() - begun

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        state.load_weights(Path(resume_from_checkpoint), self.trained)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            more = state.load(Path(checkpoint), self.optimizer, self.lr_scheduler, self._scaler())
            self.resumed_log = more["logged"]

    def _load_scaler(self, checkpoint: str | None) -> None:
        return None  # it came with the optimizer

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            state.load_random_state(Path(checkpoint))

    def _scaler(self) -> Any:
        return self.accelerator.scaler

    seconds_saving = 0.0
    resumed_log: tuple[float, int] | None = None


class Resumed(TrainerCallback):
    """Lets the mean of the loss that is logged next begin where it did in the attempt before."""

    def __init__(self, trainer: CoreTrainer) -> None:
        self._trainer = trainer

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._trainer.resumed_log is not None:
            total, step = self._trainer.resumed_log
            self._trainer._tr_loss += total
            self._trainer._globalstep_last_logged = step


class DrawAnew(TrainerCallback):
    """Lets the random numbers of a step depend on nothing but the seed, the step and the process: each draws others,
    and one that goes on from a checkpoint, which holds the first one's generators, draws what it would have drawn."""

    def __init__(self, seed: int, group: Group) -> None:
        self._seed, self._group = seed, group

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        drawn = np.random.SeedSequence((self._seed, state.global_step, self._group.rank)).generate_state(1)
        set_seed(int(drawn[0]))


class Report(TrainerCallback):
    """Hands steps and series to the reporter."""

    def __init__(self, reporter: Reporter, plan: Plan, device: torch.device, group: Group) -> None:
        self._reporter, self._plan, self._device, self._group = reporter, plan, device, group
        self._since = (time.monotonic(), time.process_time(), 0)

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._since = (time.monotonic(), time.process_time(), state.global_step)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        control.should_log = control.should_log or state.global_step >= state.max_steps
        self._reporter.progress(state.global_step, state.max_steps, "steps", "training")

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any) -> None:
        logs: dict[str, float] = others["logs"]
        step = state.global_step
        for name in ("loss", "learning_rate", "grad_norm"):
            if name in logs:
                self._reporter.metric(name, float(logs[name]), step)
        for name, value in logs.items():
            if name.startswith("eval_"):
                self._reporter.metric(f"validation_{name.removeprefix('eval_')}", float(value), step)
        if "loss" in logs:
            self._report_resources(step)

    def _report_resources(self, step: int) -> None:
        now, worked, (began, before, first) = time.monotonic(), time.process_time(), self._since
        if step > first:
            self._reporter.metric("samples_per_second", (step - first) * self._plan.batch_size / (now - began), step)
            self._reporter.metric("device_utilization", self._utilization((worked - before) / (now - began)), step)
        self._since = (now, worked, step)
        held = self._group.total(memory.used(self._device), self._device)
        self._reporter.metric("memory_bytes", held, step)

    def _utilization(self, cores: float) -> float:
        """The share of the device that is at work, 0 to 1; of a CPU, of the cores that this process computes with."""
        if self._device.type == "cuda":
            return float(torch.cuda.utilization(self._device)) / 100
        return min(1.0, cores / torch.get_num_threads())


class ShowSamples(TrainerCallback):
    """Shows with each evaluation what the model answers to some held-out rows."""

    def __init__(self, trainer: CoreTrainer, reporter: Reporter) -> None:
        self._trainer, self._reporter = trainer, reporter

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        trainer, count = self._trainer, self._trainer._plan.options.sample_predictions
        show_samples(trainer._problem, trainer.trained, count, args.device, self._reporter, state.global_step)


class SaveInTime(TrainerCallback):
    """Asks for a checkpoint when the last one is old enough."""

    def __init__(self, trainer: CoreTrainer) -> None:
        self._trainer = trainer
        self._last = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if time.monotonic() - self._last > max(SAVE_AFTER_S, self._trainer.seconds_saving / SAVING_SHARE):
            control.should_save = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._last = time.monotonic()


class StopEarly(TrainerCallback):
    """Stops when the validation loss has not fallen for `patience` evaluations. What it knows is the logged history,
    which checkpoints hold, so a resumed training stops where an undisturbed one does."""

    def __init__(self, patience: int) -> None:
        self._patience = patience

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if best_step(state) == state.global_step:
            control.should_save = True
        if out_of_patience(state, self._patience):
            control.should_training_stop = control.should_save = True


def best_step(state: TrainerState) -> int | None:
    """The step with the lowest validation loss."""
    losses = [(entry["eval_loss"], int(entry["step"])) for entry in state.log_history if "eval_loss" in entry]
    return min(losses)[1] if losses else None


def out_of_patience(state: TrainerState, patience: int | None) -> bool:
    losses = [entry["eval_loss"] for entry in state.log_history if "eval_loss" in entry]
    return patience is not None and bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= patience


def training_arguments(problem: Problem, plan: Plan, saved: Checkpoints, device: torch.device) -> TrainingArguments:
    """The plan in the Trainer's words."""
    options = plan.options
    by_callback = problem.validation is None or options.evaluations
    evaluating = "no" if by_callback else "steps" if options.evaluate_every else "epoch"
    return TrainingArguments(
        output_dir=str(saved.writing),
        num_train_epochs=plan.epochs,
        max_steps=options.max_steps or -1,
        per_device_train_batch_size=plan.rows_at_a_time,
        gradient_accumulation_steps=plan.parts,
        learning_rate=plan.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=options.warmup_ratio,
        bf16=plan.precision == "bf16",
        fp16=plan.precision == "fp16",
        seed=options.seed,
        eval_strategy=evaluating,
        eval_steps=options.evaluate_every,
        save_strategy="steps",
        save_steps=options.checkpoint_every or 2**62,
        logging_steps=LOG_EVERY,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type != "cpu",
    )
