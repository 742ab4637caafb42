"""One measured training in a process of its own: `python one_training.py WAY TASK.json`; prints a line of JSON.

The ways: `ours` is the core of this package, `trainer` the plain Trainer of transformers as it comes, `bare` a loop in
torch and nothing else. TASK.json says the base, the dataset and the options. All read the same rows, take the same
number of steps and are judged on the same held-out rows. The clock runs from the end of step `WARM_UP` to the last."""

from __future__ import annotations

import jupyter_modeldeploy  # noqa: F401  # before transformers: torchvision may be for another torch

# isort: split
import json
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Dataset
from jupyter_modeldeploy.training import data, text_classification
from jupyter_modeldeploy.training.defaults import TEXT_CLASSIFICATION
from jupyter_modeldeploy.training.loading import train_loader
from jupyter_modeldeploy.training.losses import cross_entropy
from jupyter_modeldeploy.training.memory import used
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.run import Training

WARM_UP = 5


class Clock(Silent):
    """Notes when each step ended."""

    def __init__(self) -> None:
        self.ends: dict[int, float] = {}
        self.busy: list[int] = []

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        if message == "training":
            self.ends[int(done)] = time.perf_counter()
            if torch.cuda.is_available() and done % 10 == 0:
                self.busy.append(torch.cuda.utilization())

    def samples_per_second(self, batch_size: int) -> float:
        last = max(self.ends)
        return (last - WARM_UP) * batch_size / (self.ends[last] - self.ends[WARM_UP])


def ours(training: Training, clock: Clock) -> dict[str, Any]:
    result = text_classification.finetune(training)
    return {"accuracy": result.metrics["accuracy"], "loss": result.loss, "precision": result.precision}


def trainer(training: Training, clock: Clock) -> dict[str, Any]:
    """All defaults, but for the batch size, the learning rate and the number of steps, which are ours."""

    class Tick(TrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            clock.progress(state.global_step, None, message="training")

    options, split = training.options, data.read(training)
    tokenizer = AutoTokenizer.from_pretrained(training.base)
    tokenizer.model_max_length = options.max_length
    set_seed(options.seed)
    model = AutoModelForSequenceClassification.from_pretrained(
        training.base, num_labels=len(training.dataset.classes), dtype=torch.float32
    )
    train, test = (
        [
            {**tokenizer(example.text, truncation=True), "labels": example.label}
            for example in (split.train if side == "train" else split.test)
        ]
        for side in ("train", "test")
    )
    run = Trainer(
        model=model,
        args=TrainingArguments(
            str(training.checkpoints),
            max_steps=options.max_steps or -1,
            num_train_epochs=options.epochs or 1,
            per_device_train_batch_size=options.batch_size or 32,
            learning_rate=options.learning_rate or 1e-4,
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=train,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda found: {"right": (found.predictions.argmax(-1) == found.label_ids).mean()},
        callbacks=[Tick()],
    )
    run.train()
    return {"accuracy": float(run.evaluate(test)["eval_right"]), "precision": "fp32"}


def bare(training: Training, clock: Clock) -> dict[str, Any]:
    """The settings of ours, from the same rows in the same batches, in a loop that does nothing else."""
    options, defaults = training.options, TEXT_CLASSIFICATION
    split, classes = data.read(training), training.dataset.classes
    plan = Plan.of(options, defaults)
    half = options.precision == "bf16"
    set_seed(options.seed)
    tokenizer = text_classification.load_tokenizer(training.base, options.max_length)
    model = text_classification.load_classifier(
        AutoModelForSequenceClassification, training.base, classes, problem_type="single_label_classification"
    )
    device = torch.device("cuda" if training.device != "cpu" else "cpu")
    model.to(device).train()
    rows = text_classification._rows(split.train, tokenizer, len(classes))
    loss_of = cross_entropy()
    problem = text_classification.Problem(
        kind="single-label",
        model=model,
        train=rows,
        test=rows,
        collate=text_classification.Padding(tokenizer),
        loss=loss_of,
        answers=text_classification.logits_of_rows,
        save=lambda model, out: None,
        in_head=text_classification.in_head(model),
    )
    from jupyter_modeldeploy.training.optimizer import make_optimizer

    optimizer = make_optimizer(model, problem, plan)
    loader = train_loader(problem, plan)
    steps = options.max_steps or math.ceil(plan.epochs * len(loader))
    warm = max(1, round(options.warmup_ratio * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: step / warm if step < warm else max(0.0, (steps - step) / (steps - warm))
    )
    done = 0
    while done < steps:
        loader.batch_sampler.sampler.set_epoch(done // len(loader))  # type: ignore[union-attr]
        for batch in loader:
            inputs = {name: tensor.to(device) for name, tensor in batch.items()}
            labels = inputs.pop("labels")
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                outputs = model(**inputs)
            loss = loss_of(outputs, labels, len(labels))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            done += 1
            clock.progress(done, None, message="training")
            if done == steps:
                break
    from jupyter_modeldeploy.training.prediction import predict

    test = text_classification._rows(split.test, tokenizer, len(classes))
    answers = predict(model, problem, test, device).answers
    right = np.array([answer.argmax() for answer in answers]) == np.array(test.labels)
    return {"accuracy": float(right.mean()), "precision": options.precision}


def main() -> None:
    way, task = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    torch.set_num_threads(devices.usable_cores())
    clock = Clock()
    options = FinetuneOptions.model_validate(task["options"])
    with tempfile.TemporaryDirectory() as scratch:
        kept = Path(task.get("folder", scratch))
        training = Training(
            base=Path(task["base"]),
            dataset=Dataset.model_validate(task["dataset"]),
            data=Path(task["data"]),
            out=Path(scratch) / "out",
            checkpoints=kept / "checkpoints",
            options=options,
            reporter=clock,
            device=task.get("device", "cpu"),
        )
        found = {"ours": ours, "trainer": trainer, "bare": bare}[way](training, clock)
    if len(clock.ends) > WARM_UP:
        found["samples_per_second"] = clock.samples_per_second(options.batch_size or 32)
    if clock.busy:
        found["device_utilization"] = sum(clock.busy) / len(clock.busy) / 100
    device = torch.device("cuda" if training.device != "cpu" else "cpu")
    print(json.dumps({**found, "memory_bytes": used(device)}))


if __name__ == "__main__":
    main()
