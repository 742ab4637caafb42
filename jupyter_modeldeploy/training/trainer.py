"""The Trainer of transformers, made to report, to survive a kill and to notice that it diverges."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from jupyter_modeldeploy.errors import JobFailed
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training.checkpoints import Checkpoints
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.rows import LengthGrouped, TokenRows

EVALUATION_BATCH = 64
LOG_EVERY = 10


class ClassifierTrainer(Trainer):
    """The Trainer with batches of similar length in an order that survives a restart, and a watch on the loss."""

    def __init__(self, *, options: FinetuneOptions, **arguments: Any) -> None:
        self._options = options
        super().__init__(**arguments)

    def get_train_dataloader(self) -> DataLoader[Any]:
        rows = cast(TokenRows, self.train_dataset)
        order = LengthGrouped(rows.lengths, self._options.batch_size or 1, self._options.seed)
        loader = DataLoader(rows, self._options.batch_size or 1, sampler=order, collate_fn=self.data_collator)
        return self.accelerator.prepare(loader)  # type: ignore[no-any-return]

    def training_step(self, *arguments: Any, **named: Any) -> torch.Tensor:
        loss: torch.Tensor = super().training_step(*arguments, **named)
        if not math.isfinite(loss.item()):
            raise JobFailed(
                f"The loss became {loss.item()} at step {self.state.global_step + 1}: the training diverged.",
                f"Lower the learning rates (now {self._options.learning_rate:g} and, of the head, "
                f"{self._options.head_learning_rate:g}), say to a tenth, and start anew.",
            )
        return loss


class Report(TrainerCallback):
    """Hands steps and logged values to the reporter."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._reporter.progress(state.global_step, state.max_steps, "steps", "training")

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any) -> None:
        logs: dict[str, float] = others["logs"]
        for name in ("loss", "learning_rate", "grad_norm"):
            if name in logs:
                self._reporter.metric(name, float(logs[name]), state.global_step)


class Publish(TrainerCallback):
    """Publishes each checkpoint once the Trainer has written all of it."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._checkpoints.publish(state.global_step)


def training_arguments(checkpoints: Checkpoints, options: FinetuneOptions, device: str) -> TrainingArguments:
    """Our options in the Trainer's words."""
    return TrainingArguments(
        output_dir=str(checkpoints.writing),
        num_train_epochs=options.epochs or 1.0,
        max_steps=options.max_steps or -1,
        per_device_train_batch_size=options.batch_size or 1,
        per_device_eval_batch_size=EVALUATION_BATCH,
        learning_rate=options.learning_rate or 0.0,
        lr_scheduler_type="linear",
        warmup_steps=options.warmup_ratio,
        seed=options.seed,
        save_strategy="steps",
        save_steps=options.checkpoint_every,
        logging_steps=LOG_EVERY,
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        use_cpu=device == "cpu",
        dataloader_pin_memory=device != "cpu",
    )
