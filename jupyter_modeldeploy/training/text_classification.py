"""Fine-tune a text classifier from an encoder checkpoint, with the Trainer of transformers.

Resumable: a run that was killed goes on from its last checkpoint and, on a CPU, ends with the same weights as one that
was left in peace. Nothing is asked of the network and no code of the checkpoint is run."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import EvalPrediction
from transformers.utils.logging import disable_progress_bar

from jupyter_modeldeploy.errors import InvalidInput, JobFailed, Unavailable
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.runtimes.transformers import load_checkpoint
from jupyter_modeldeploy.training.checkpoints import Checkpoints, step_of
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult, Score
from jupyter_modeldeploy.training.rows import Example, LengthGrouped, TokenRows

__all__ = ["FinetuneOptions", "FinetuneResult", "Score", "finetune"]

EVALUATION_BATCH = 64
LOG_EVERY = 10


def finetune(
    base: Path,
    train: Sequence[Example],
    test: Sequence[Example],
    classes: Sequence[str],
    out: Path,
    checkpoints: Path,
    options: FinetuneOptions,
    reporter: Reporter,
    device: str = "cpu",
) -> FinetuneResult:
    """Fine-tune the checkpoint in `base` on `train` and judge it on `test`, before and after.

    A row is (text, index into `classes`). `out` gets config.json with the class names, model.safetensors and the
    tokenizer's files. `checkpoints` belongs to this run; what is complete there is resumed. Call it in a process of its
    own: it takes all cores that the process may use and, for `cuda:<n>`, hides the other GPUs.

    Raises InvalidInput for unusable rows or an unusable base, Conflict when `checkpoints` is another run's, Unavailable
    without the device, JobFailed when the loss is no longer a number or the memory does not suffice."""
    train = train[: options.train_rows]
    _check_rows(train, test, classes)
    _prepare_process(device)
    started = time.monotonic()
    saved = Checkpoints(checkpoints, _fingerprint(base, train, test, classes, options))
    resume = saved.latest()
    set_seed(options.seed)
    tokenizer = _load_tokenizer(base, options.max_length)
    past = TrainerState.load_from_json(str(resume / TRAINER_STATE_NAME)) if resume else TrainerState()
    through = resume is not None and past.global_step >= past.max_steps
    model = _load_model(resume if resume and through else base, classes)
    trainer = _ClassifierTrainer(
        model=model,
        args=_arguments(saved.writing, options, device),
        options=options,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        train_dataset=TokenRows(train, tokenizer, options.max_length),
        eval_dataset=TokenRows(test, tokenizer, options.max_length).longest_first(),
        compute_metrics=_count_correct,
        callbacks=[_Report(reporter), _Publish(saved)],
        optimizers=(_optimizer(model, options), None),
    )
    before = _score_before(trainer, saved, reporter)
    if through:
        trainer.state = past  # the Trainer itself would take one step more
    else:
        _train(trainer, resume, options)
    after = _score(trainer, reporter, "testing the fine-tuned model")
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return FinetuneResult(
        before=before,
        after=after,
        steps=trainer.state.global_step,
        resumed_from=step_of(resume) if resume else 0,
        loss=next((entry["loss"] for entry in reversed(trainer.state.log_history) if "loss" in entry), None),
        seconds=time.monotonic() - started,
    )


class _ClassifierTrainer(Trainer):
    """The Trainer with batches of similar length in an order that survives a restart, and a watch on the loss."""

    def __init__(self, *, options: FinetuneOptions, **arguments: Any) -> None:
        self._options = options
        super().__init__(**arguments)

    def get_train_dataloader(self) -> DataLoader[Any]:
        rows = cast(TokenRows, self.train_dataset)
        order = LengthGrouped(rows.lengths, self._options.batch_size, self._options.seed)
        loader = DataLoader(rows, self._options.batch_size, sampler=order, collate_fn=self.data_collator)
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


class _Report(TrainerCallback):
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


class _Publish(TrainerCallback):
    """Publishes each checkpoint once the Trainer has written all of it."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._checkpoints.publish(state.global_step)


def _train(trainer: Trainer, resume: Path | None, options: FinetuneOptions) -> None:
    set_seed(options.seed)  # so that dropout does not depend on whether the first evaluation was run or recalled
    try:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    except torch.OutOfMemoryError as error:
        raise JobFailed(
            f"The device ran out of memory with {options.batch_size} rows of up to {options.max_length} tokens.",
            "Choose a smaller batch_size or max_length.",
        ) from error


def _score_before(trainer: Trainer, saved: Checkpoints, reporter: Reporter) -> Score:
    if known := saved.recall("before"):
        return Score.model_validate(known)
    score = _score(trainer, reporter, "testing the untrained model")
    saved.remember("before", score.model_dump())
    return score


def _score(trainer: Trainer, reporter: Reporter, message: str) -> Score:
    step = trainer.state.global_step
    reporter.progress(step, trainer.state.max_steps or None, "steps", message)
    metrics = trainer.evaluate(metric_key_prefix="test")
    score = Score(correct=int(metrics["test_correct"]), total=int(metrics["test_total"]))
    reporter.metric("accuracy", score.accuracy, step)
    return score


def _count_correct(prediction: EvalPrediction) -> dict[str, float]:
    answers = np.asarray(prediction.predictions).argmax(axis=-1)
    return {"correct": float((answers == prediction.label_ids).sum()), "total": float(len(answers))}


def _arguments(folder: Path, options: FinetuneOptions, device: str) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=options.epochs,
        max_steps=options.max_steps or -1,
        per_device_train_batch_size=options.batch_size,
        per_device_eval_batch_size=EVALUATION_BATCH,
        learning_rate=options.learning_rate,
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


def _optimizer(model: PreTrainedModel, options: FinetuneOptions) -> torch.optim.Optimizer:
    """AdamW. A head that begins at random may learn faster than an encoder that should keep what it knows."""
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault((_in_head(model, name), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        {
            "params": parameters,
            "lr": options.head_learning_rate if in_head else options.learning_rate,
            "weight_decay": options.weight_decay if decays else 0.0,
        }
        for (in_head, decays), parameters in groups.items()
    )


def _load_tokenizer(base: Path, max_length: int) -> PreTrainedTokenizerBase:
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            base, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{base.name} has no usable tokenizer: {error}", "Fetch a checkpoint with its tokenizer.json."
        ) from error
    if not tokenizer.is_fast:
        raise InvalidInput(f"{base.name} has no tokenizer.json.", "Choose a checkpoint with a fast tokenizer.")
    tokenizer.model_max_length = min(tokenizer.model_max_length, max_length)
    return tokenizer


def _load_model(base: Path, classes: Sequence[str]) -> PreTrainedModel:
    return load_checkpoint(
        AutoModelForSequenceClassification,
        base,
        lambda model, name: _in_head(model, name) or ".pooler." in name,
        id2label=dict(enumerate(classes)),
        label2id={name: index for index, name in enumerate(classes)},
        problem_type="single_label_classification",
    )


def _in_head(model: PreTrainedModel, name: str) -> bool:
    return not name.startswith(f"{model.base_model_prefix}.")


def _prepare_process(device: str) -> None:
    disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    if device == "cpu":
        return
    # The Trainer spreads over every GPU that it sees; this job holds one.
    os.environ["CUDA_VISIBLE_DEVICES"] = device.removeprefix("cuda:")
    if not torch.cuda.is_available():
        raise Unavailable(f"The device {device} cannot be used from here.", "Choose cpu, or install a CUDA torch.")


def _check_rows(train: Sequence[Example], test: Sequence[Example], classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise InvalidInput(f"The data has {len(classes)} classes.", "A classifier needs at least two.")
    for part, rows in (("training", train), ("held-out", test)):
        if not rows:
            raise InvalidInput(f"There are no {part} rows.", "Give more rows, or another share of held-out rows.")
        if wrong := [label for _, label in rows if not 0 <= label < len(classes)]:
            raise InvalidInput(f"A {part} row has the label {wrong[0]}.", f"Labels go from 0 to {len(classes) - 1}.")


def _fingerprint(base: Path, *parts: Any) -> str:
    files = sorted((path.name, path.stat().st_size) for path in base.iterdir() if path.is_file())
    plain = [part.model_dump() if isinstance(part, FinetuneOptions) else list(part) for part in parts]
    return hashlib.sha256(json.dumps([files, plain]).encode()).hexdigest()
