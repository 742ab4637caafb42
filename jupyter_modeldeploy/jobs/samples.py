"""What a model in training answered to a few held-out rows as it went, as lines of JSON in the job's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from jupyter_modeldeploy.errors import from_os_error
from jupyter_modeldeploy.records import Sample
from jupyter_modeldeploy.store import Store

FILE = "samples.jsonl"
SHOWN_CHARACTERS = 300
MOST_STEPS = 40


def append(store: Store, job_id: str, samples: Sequence[Sample]) -> None:
    """Add samples and tell those who follow the job. Raises StorageFull."""
    try:
        with _path(store, job_id).open("a", encoding="utf-8") as file:
            file.writelines(f"{_cut(sample).model_dump_json()}\n" for sample in samples)
    except OSError as error:
        raise from_os_error(error, "writing samples of the answers") from error
    store.jobs.sampled(job_id)


def read(store: Store, job_id: str) -> Sequence[Sample]:
    """The samples by step and row. Of more than `MOST_STEPS` steps so many are taken evenly, with the last; a step that
    was done again by a resumed training stands as it was done last."""
    store.jobs.get(job_id)
    path = _path(store, job_id)
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    known = {(sample.step, sample.row): sample for sample in map(_sample, lines) if sample is not None}
    steps = sorted({step for step, _ in known}, reverse=True)
    shown = set(steps[:: max(1, -(-len(steps) // MOST_STEPS))])
    return [known[key] for key in sorted(known) if key[0] in shown]


def _path(store: Store, job_id: str) -> Path:
    return store.job_folder(job_id) / FILE


def _sample(line: str) -> Sample | None:
    try:
        return Sample.model_validate_json(line)
    except ValidationError:
        return None  # the line that a killed worker was writing


def _cut(sample: Sample) -> Sample:
    text, answer = (
        each if len(each) <= SHOWN_CHARACTERS else f"{each[: SHOWN_CHARACTERS - 1]}…"
        for each in (sample.text, sample.answer)
    )
    return sample.model_copy(update={"text": text, "answer": answer})
