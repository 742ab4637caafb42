"""Fine-tune a text classifier from an encoder checkpoint, with the Trainer of transformers.

Resumable: a run that was killed goes on from its last checkpoint and, on a CPU, ends with the same weights as one that
was left in peace. Nothing is asked of the network and no code of the checkpoint is run."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import DataCollatorWithPadding, Trainer, TrainerState, set_seed
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import EvalPrediction

from jupyter_modeldeploy import devices, plugins
from jupyter_modeldeploy.errors import InvalidInput, JobFailed, Unavailable
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training.checkpoints import Checkpoints, step_of, storage_errors
from jupyter_modeldeploy.training.classifier import load_classifier, load_tokenizer, make_optimizer
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.run import Training
from jupyter_modeldeploy.training.rows import Example, TokenRows
from jupyter_modeldeploy.training.trainer import ClassifierTrainer, Publish, Report, training_arguments

__all__ = ["FinetuneOptions", "FinetuneResult", "finetune"]


def finetune(training: Training) -> FinetuneResult:
    """Fine-tune the checkpoint in `training.base` and judge it on the held-out rows, before and after.

    `out` gets config.json with the class names, model.safetensors and the tokenizer's files."""
    options = training.options.model_copy(
        update={
            "epochs": training.options.epochs or 1.0,
            "batch_size": training.options.batch_size or 32,
            "learning_rate": training.options.learning_rate or 1e-4,
            "head_learning_rate": training.options.head_learning_rate or 1e-3,
        }
    )
    from jupyter_modeldeploy.datasets import text_classification as labelled_text

    base, reporter, out = training.base, training.reporter, training.out
    split, classes = plugins.load("datasets", training.dataset.task).read(training.data, training.dataset), training.dataset.classes
    train, test = split.train, split.test
    started = time.monotonic()
    _check_rows(train, test, classes)
    train = _chosen(train, options)
    _prepare_process(training.device)
    saved = Checkpoints(training.checkpoints, _fingerprint(base, train, test, classes, options))
    resume = saved.latest()
    past = TrainerState.load_from_json(str(resume / TRAINER_STATE_NAME)) if resume else TrainerState()
    through = resume is not None and past.global_step >= past.max_steps
    set_seed(options.seed)
    tokenizer = load_tokenizer(base, options.max_length)
    model = load_classifier(resume if resume and through else base, classes)
    trainer = ClassifierTrainer(
        options=options,
        model=model,
        args=training_arguments(saved, options, training.device),
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        train_dataset=TokenRows(train, tokenizer, options.max_length),
        eval_dataset=TokenRows(test, tokenizer, options.max_length).longest_first(),
        compute_metrics=_count_correct,
        callbacks=[Report(reporter), Publish(saved)],
        optimizers=(make_optimizer(model, options), None),
    )
    with storage_errors(f"fine-tuning {base.name}"):
        before = _score_before(trainer, saved, reporter)
        if through:
            trainer.state = past  # the Trainer itself would take one step more
        else:
            _train(trainer, resume, options)
        after = _score(trainer, reporter, "testing the fine-tuned model")
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)
    return FinetuneResult(
        metrics=after,
        baseline=before,
        batch_size=options.batch_size or 0,
        precision="fp32",
        options=options,
        steps=trainer.state.global_step,
        resumed_from=step_of(resume) if resume else 0,
        loss=next((entry["loss"] for entry in reversed(trainer.state.log_history) if "loss" in entry), None),
        seconds=time.monotonic() - started,
    )


def _train(trainer: Trainer, resume: Path | None, options: FinetuneOptions) -> None:
    set_seed(options.seed)  # so that dropout does not depend on whether the first evaluation was run or recalled
    try:
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    except torch.OutOfMemoryError as error:
        raise JobFailed(
            f"The device ran out of memory with {options.batch_size} rows of up to {options.max_length} tokens.",
            "Choose a smaller batch_size or max_length.",
        ) from error


def _score_before(trainer: Trainer, saved: Checkpoints, reporter: Reporter) -> dict[str, float]:
    if known := saved.recall("before"):
        return dict(known)
    score = _score(trainer, reporter, "testing the untrained model")
    saved.remember("before", score)
    return score


def _score(trainer: Trainer, reporter: Reporter, message: str) -> dict[str, float]:
    step = trainer.state.global_step
    reporter.progress(step, trainer.state.max_steps or None, "steps", message)
    metrics = trainer.evaluate(metric_key_prefix="test")
    accuracy = metrics["test_correct"] / metrics["test_total"]
    reporter.metric("accuracy", accuracy, step)
    return {"accuracy": accuracy}


def _count_correct(prediction: EvalPrediction) -> dict[str, float]:
    answers = np.asarray(prediction.predictions).argmax(axis=-1)
    return {"correct": float((answers == prediction.label_ids).sum()), "total": float(len(answers))}


def _prepare_process(device: str) -> None:
    torch.set_num_threads(devices.usable_cores())
    if device == "cpu":
        return
    # The Trainer spreads over every GPU that it sees; this job holds one.
    os.environ["CUDA_VISIBLE_DEVICES"] = device.removeprefix("cuda:")
    if not torch.cuda.is_available():
        raise Unavailable(f"The device {device} cannot be used from here.", "Choose cpu, or install a CUDA torch.")


def _chosen(train: Sequence[Example], options: FinetuneOptions) -> Sequence[Example]:
    """`train_rows` of the rows at random, in their order: the first ones of a sorted file may be of one class only."""
    if options.train_rows is None or options.train_rows >= len(train):
        return train
    return [train[index] for index in sorted(random.Random(options.seed).sample(range(len(train)), options.train_rows))]


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
