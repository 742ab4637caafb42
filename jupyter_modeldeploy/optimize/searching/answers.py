"""Candidates' answers to held-out rows. Each row is asked once, whatever comes between: what was answered is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from jupyter_modeldeploy import devices, runtimes, tasks
from jupyter_modeldeploy.errors import TimedOut
from jupyter_modeldeploy.judging.average_precision import by_class
from jupyter_modeldeploy.judging.metric_intervals import kept
from jupyter_modeldeploy.judging.metrics import HeldOut
from jupyter_modeldeploy.judging.versions import Judgement, Questions, agreement, differences, judge
from jupyter_modeldeploy.optimize.searching.bench import Form
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records.optimizations import Accuracy, ClassChange
from jupyter_modeldeploy.signatures import Signature

Part = Literal["validation", "test"]
SEED = 0
MOST_CLASSES = 50
AT_A_TIME = 32
"""Rows between two looks at the clock."""


class Answers:
    """Answers to the rows of `parts`, in an order that mixes them: the first rows are a sample of all."""

    def __init__(self, parts: Mapping[Part, Questions], task: str, folder: Path, device: str) -> None:
        self._parts, self._task, self._folder, self._device = parts, task, folder, device
        self._orders = {
            part: np.random.default_rng(SEED).permutation(len(asked)).tolist() for part, asked in parts.items()
        }
        self.signatures: dict[str, Signature] = {}

    def rows(self, part: Part) -> int:
        return len(self._parts[part])

    def first(self, part: Part, rows: int) -> Questions:
        """The first rows, in the order in which they are asked."""
        return _chosen(self._parts[part], self._orders[part][:rows])

    def ask(self, name: str, form: Form, part: Part, rows: int, batch: int, left_s: Callable[[], float]) -> Judgement:
        """The candidate's answers to the first `rows` rows, asked `batch` at a time. Raises TimedOut when there is no
        time left, and what the runtime and the task raise."""
        path = self._folder / name / f"{part}-{batch}.npz"
        known = _load(path)
        if len(known) < rows:
            known += self._asked(form, name, part, range(len(known), rows), batch, left_s)
            path.parent.mkdir(parents=True, exist_ok=True)
            _save(path, known)
        return Judgement(self.first(part, rows).held_out, known[:rows])

    def _asked(
        self, form: Form, name: str, part: Part, rows: range, batch: int, left_s: Callable[[], float]
    ) -> list[np.ndarray]:
        runtime = runtimes.load(form.format, form.folder, threads=devices.usable_cores(), device=self._device)
        try:
            self.signatures[name] = runtime.signature
            task = tasks.load(self._task, form.folder, runtime.signature)
            found: list[np.ndarray] = []
            step = max(AT_A_TIME, batch)
            for begin in range(rows.start, rows.stop, step):
                if left_s() <= 0:
                    raise TimedOut(f"There was time for {begin} of {rows.stop} rows.")
                asked = _chosen(self._parts[part], self._orders[part][begin : min(begin + step, rows.stop)])
                found += judge(runtime, task, asked, Silent(), batch).answers
            return found
        finally:
            runtime.close()


def accuracy(candidate: Judgement, base: Judgement, batch: int) -> Accuracy:
    """What the candidate's answers come to, beside the original's to the same rows."""
    metric = candidate.main
    each = differences(candidate, base)[metric]
    return Accuracy(
        rows=len(candidate.answers),
        batch=batch,
        metric=metric,
        value=each.value,
        difference=each.difference,
        method=each.method,
        agreement=agreement(candidate, base),
        metrics=candidate.metrics,
        per_class=_changes(candidate, base),
    )


def _changes(candidate: Judgement, base: Judgement) -> list[ClassChange]:
    held_out = candidate.held_out
    before, after = _by_class(held_out, base.answers), _by_class(held_out, candidate.answers)
    changes = [
        ClassChange(name=name, support=support, before=before[index][1], after=after[index][1])
        for index, name in enumerate(held_out.classes)
        if (support := before[index][0])
    ]
    return sorted(changes, key=lambda one: -abs((one.after or 0.0) - (one.before or 0.0)))[:MOST_CLASSES]


def _by_class(held_out: HeldOut, answers: Sequence[np.ndarray]) -> list[tuple[int, float | None]]:
    """How often each class is right in the rows, and how well it is found: F1, or the average precision at 0.5."""
    count = len(held_out.classes)
    if held_out.kind == "detection":
        boxes = np.concatenate([wanted[:, 0] for wanted in held_out.labels] or [np.empty(0)]).astype(int)
        support = np.bincount(boxes, minlength=count)
        found = by_class(answers, held_out.labels, count)
        return [(int(support[index]), float(found[index][0]) if index in found else None) for index in range(count)]
    chosen, wanted = kept(held_out, answers), np.asarray(held_out.labels)
    if held_out.kind == "single-label":
        chosen, wanted = np.eye(count, dtype=np.int64)[chosen[:, 0]], np.eye(count, dtype=np.int64)[wanted]
    hits, total = (chosen & wanted).sum(axis=0), chosen.sum(axis=0) + wanted.sum(axis=0)
    return [
        (int(support), float(2 * hit / both) if both else None)
        for support, hit, both in zip(wanted.sum(axis=0), hits, total, strict=True)
    ]


def _chosen(asked: Questions, rows: Sequence[int]) -> Questions:
    held_out = asked.held_out
    text = held_out.text
    return replace(
        asked,
        held_out=replace(
            held_out,
            labels=[held_out.labels[row] for row in rows],
            text=None if text is None else lambda place: text(rows[place]),
        ),
        item=lambda place: asked.item(rows[place]),
        size=lambda place: asked.size(rows[place]),
    )


def _save(path: Path, answers: Sequence[np.ndarray]) -> None:
    """Whole or not at all."""
    flat = [np.atleast_2d(answer) for answer in answers]
    partial = path.with_suffix(".part.npz")
    np.savez(
        partial,
        values=np.concatenate(flat) if flat else np.empty((0, 0)),
        lengths=np.array([len(each) for each in flat]),
        dimensions=np.array(answers[0].ndim if answers else 1),
    )
    partial.rename(path)


def _load(path: Path) -> list[np.ndarray]:
    if not path.exists():
        return []
    with np.load(path, allow_pickle=False) as archive:
        pieces = np.split(archive["values"], np.cumsum(archive["lengths"])[:-1])
        return [piece[0] for piece in pieces] if int(archive["dimensions"]) == 1 else pieces
