"""What a student learns from a teacher beside the labels: its logits, softened by a temperature (Hinton et al. 2015,
"Distilling the Knowledge in a Neural Network")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.training.checkpoints import Checkpoints
from jupyter_modeldeploy.training.group import Group
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.prediction import predict
from jupyter_modeldeploy.training.problem import Batch, Distance, Problem, Row, Rows
from jupyter_modeldeploy.training.run import Teaching

SAID, SEEN = "teacher_logits", "teacher_sees"
LOGITS = "teacher.safetensors"


class TaughtRows:
    """A student's rows, each with what the teacher says to it (`said` float32[rows, classes]) or, where it varies from
    epoch to epoch, with the row that the teacher sees (None: the student's own)."""

    def __init__(self, rows: Rows, said: torch.Tensor | None, seen: Rows | None) -> None:
        self._rows, self._said, self._seen = rows, said, seen
        self.lengths, self.labels = rows.lengths, rows.labels

    def set_epoch(self, epoch: int) -> None:
        for rows in (self._rows, self._seen):
            if (set_epoch := getattr(rows, "set_epoch", None)) is not None:
                set_epoch(epoch)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Row:
        row = dict(self._rows[index])
        if self._said is not None:
            row[SAID] = self._said[index]
        elif self._seen is not None:
            row[SEEN] = self._seen[index]
        return row


@dataclass(frozen=True)
class Lesson:
    """A teacher in class. `asked` is its model where it is asked about each batch; None where rows bring its logits."""

    teaching: Teaching
    distance: Distance
    asked: torch.nn.Module | None
    precision: torch.dtype | None

    def said(self, batch: dict[str, Any]) -> Any:
        """The teacher's outputs for a batch, from which all that is the teacher's is taken."""
        if self.asked is None:
            return {"logits": batch.pop(SAID)}
        own = {name: batch.pop(name) for name in list(batch) if name.startswith(f"{SEEN}.")}
        seen = {name.removeprefix(f"{SEEN}."): tensor for name, tensor in own.items()}
        seen = seen or {name: tensor for name, tensor in batch.items() if name != "labels"}
        device = next(iter(seen.values())).device.type
        with torch.no_grad(), torch.autocast(device, self.precision, enabled=self.precision is not None):
            return self.asked(**seen)

    def mixed(self, learnt: torch.Tensor, outputs: Any, said: Any, items: torch.Tensor | int) -> torch.Tensor:
        """The loss of the labels (`learnt`) and the distance to what the teacher said, in their shares."""
        taught = self.distance(outputs, said, self.teaching.temperature) / items
        return (1 - self.teaching.share) * learnt + self.teaching.share * taught


def softened(outputs: Any, said: Any, temperature: float, several: bool = False) -> torch.Tensor:
    """How far the probabilities of the `logits` [rows, classes] of a student are from its teacher's at this
    temperature: the sum over the rows of the Kullback-Leibler divergence, of each class's yes or no where there are
    `several`. It is multiplied by the square of the temperature, so that its gradients are as large at any."""
    student, teacher = (each["logits"].float() / temperature for each in (outputs, said))
    if several:
        wanted = torch.sigmoid(teacher)
        far, least = (
            functional.binary_cross_entropy_with_logits(each, wanted, reduction="sum") for each in (student, teacher)
        )
        return (far - least) * temperature**2
    student, teacher = (functional.log_softmax(each, dim=-1) for each in (student, teacher))
    return functional.kl_div(student, teacher, reduction="sum", log_target=True) * temperature**2


def taught(
    problem: Problem,
    teaching: Teaching,
    plan: Plan,
    saved: Checkpoints,
    device: torch.device,
    group: Group,
    reporter: Reporter,
) -> tuple[Problem, Lesson]:
    """The problem with rows that bring what the teacher says, and what is made of it.

    Rows that stay the same are answered once, before the training; those that vary as they are learnt from are answered
    as they come."""
    teacher = problem.teacher
    assert teacher is not None
    assert problem.distance is not None
    precision = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}[plan.precision]
    if problem.rows_vary:
        model = teacher.model.to(device).eval()  # type: ignore[arg-type]
        rows = TaughtRows(problem.train, None, None if teacher.train is problem.train else teacher.train)
        lesson = Lesson(teaching, problem.distance, model, precision)
    else:
        group.once(lambda: _answer(teacher, saved, device, reporter))
        rows = TaughtRows(problem.train, load_file(saved.folder / LOGITS)["logits"], None)
        lesson = Lesson(teaching, problem.distance, None, precision)
    collate = _collating(problem.collate, teacher.collate)
    return replace(problem, train=rows, collate=collate, teacher=None), lesson


def _answer(teacher: Problem, saved: Checkpoints, device: torch.device, reporter: Reporter) -> None:
    """Keep the teacher's logits to all training rows, for this attempt and later ones."""
    path = saved.folder / LOGITS
    if path.exists():
        return
    rows = len(teacher.train)

    def progress(done: int) -> None:
        reporter.progress(done, rows, "rows", "asking the teacher")

    answers = predict(teacher.model.to(device), teacher, teacher.train, device, progress).answers  # type: ignore[arg-type]
    partial = path.with_suffix(".partial")
    save_file({"logits": torch.stack([torch.from_numpy(answer) for answer in answers])}, partial)
    partial.replace(path)


def _collating(own: Callable[[list[Row]], Batch], teachers: Callable[[list[Row]], Batch]) -> Callable[..., Batch]:
    def collate(rows: list[Row]) -> Batch:
        batch = own([{name: value for name, value in row.items() if name not in (SAID, SEEN)} for row in rows])
        if SAID in rows[0]:
            batch[SAID] = torch.stack([row[SAID] for row in rows])
        if SEEN in rows[0]:
            seen = teachers([row[SEEN] for row in rows])
            batch.update({f"{SEEN}.{name}": tensor for name, tensor in seen.items() if name != "labels"})
        return batch

    return collate
