"""A model's answers to rows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Subset

from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training.problem import Batch, Problem, Rows

log = logging.getLogger(__name__)
LOGGED_CHARACTERS = 80


@dataclass(frozen=True)
class Predictions:
    """`answers[i]` is to row `i` of the rows asked about; `loss` is the mean over all their labels."""

    answers: list[np.ndarray]
    loss: float


def predict(
    model: torch.nn.Module,
    problem: Problem,
    rows: Rows,
    device: torch.device,
    progress: Callable[[int], None] = lambda done: None,
) -> Predictions:
    """What the model answers, without dropout; it is left in the mode that it was in. `progress` gets the number of
    rows done. Out of memory on a GPU, fewer rows are asked at a time, down to one."""
    training = model.training
    model.eval()
    try:
        at_a_time = problem.judged_at_a_time
        while True:
            try:
                return _predict(model, problem, rows, device, at_a_time, progress)
            except torch.OutOfMemoryError:
                if at_a_time == 1:
                    raise
                at_a_time //= 2
    finally:
        model.train(training)


def _predict(
    model: torch.nn.Module,
    problem: Problem,
    rows: Rows,
    device: torch.device,
    at_a_time: int,
    progress: Callable[[int], None],
) -> Predictions:
    order = longest_first(rows)
    answers: list[np.ndarray] = [np.empty(0)] * len(order)
    total, items, done = 0.0, 0, 0
    with torch.no_grad():
        for batch in batches(problem, rows, order, at_a_time):
            inputs = to_device(batch, device)
            labels = inputs.pop("labels")
            outputs = model(**inputs)
            total += float(problem.loss(outputs, labels, 1))
            items += problem.items(labels)
            for index, answer in zip(order[done:], problem.answers(outputs, labels), strict=False):
                answers[index] = answer
            done += len(labels)
            progress(done)
    return Predictions(answers, total / max(1, items))


def show_samples(
    problem: Problem, model: torch.nn.Module, count: int, device: torch.device, reporter: Reporter, step: int
) -> None:
    """Log and report what the model answers after `step` steps to the first `count` of the test rows."""
    shown = range(min(count, len(problem.test)))
    if not shown:
        return
    training = model.training
    model.eval()
    with torch.no_grad():
        samples = _samples(problem, model, shown, device)
    model.train(training)
    for index, (text, told) in zip(shown, samples, strict=False):
        log.info("%s → %s", text[:LOGGED_CHARACTERS], told)
        reporter.sample(step, index, text, told)


def _samples(
    problem: Problem, model: torch.nn.Module, shown: Sequence[int], device: torch.device
) -> Sequence[tuple[str, str]]:
    """What stands in the rows and what the model says to it, as far as the problem can put that into words."""
    if problem.respond is not None:
        return [problem.respond(model, index) for index in shown]
    if problem.describe is None:
        return []
    inputs = to_device(next(batches(problem, problem.test, shown, len(shown))), device)
    labels = inputs.pop("labels")
    answers = problem.answers(model(**inputs), labels)
    texts = [problem.text(index) if problem.text else "" for index in shown]
    return [(texts[index], problem.describe(index, answer)) for index, answer in enumerate(answers)]


def longest_first(rows: Rows) -> list[int]:
    """An order in which a batch needs little padding and the largest comes first, so that memory runs out at once."""
    lengths = rows.lengths
    return list(range(len(rows))) if lengths is None else sorted(range(len(rows)), key=lambda i: -lengths[i])


def batches(problem: Problem, rows: Rows, order: Sequence[int], at_a_time: int) -> Iterator[Batch]:
    """Rows in this order, collated."""
    subset: Subset[object] = Subset(rows, list(order))  # type: ignore[arg-type]
    workers = problem.workers if len(order) > 4 * at_a_time else 0
    return iter(DataLoader(subset, at_a_time, collate_fn=problem.collate, num_workers=workers))


def to_device(batch: Batch, device: torch.device) -> Batch:
    return {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
