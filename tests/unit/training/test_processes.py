"""Processes that share each batch: they come to the result of one, and to the end when some of them die."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from digit_images import digit_folder, digit_photos, untrained_tiny_yolo
from grouped_trainings import WorkerEnded, trained_together
from image_trainings import image_training
from safetensors.torch import load_file
from tiny_causal import make_causal
from torch.testing import assert_close
from training_workers import workers
from trainings import generation_training, multi_label_training, text_training, token_training

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, NotAuthenticated, WorkerDied, described
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training.defaults import Defaults
from jupyter_modeldeploy.training.distributed import finetuning
from jupyter_modeldeploy.training.loading import Share, Shuffled, train_loader
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.plan import Plan
from jupyter_modeldeploy.training.problem import Problem
from jupyter_modeldeploy.training.run import Training

BATCH = 7  # not the same for two
TWO = FinetuneOptions(
    max_steps=14,  # into the second pass over most of the rows, whose first ends with a smaller batch
    batch_size=BATCH,
    learning_rate=3e-3,
    max_length=32,
    context_length=32,
    precision="fp32",
    processes=2,
)
TINY_VIT = {
    "architectures": ["ViTForImageClassification"],
    "model_type": "vit",
    "image_size": 16,
    "patch_size": 4,
    "num_channels": 1,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
WEIGHTS = "model.safetensors"


@pytest.fixture
def sure_encoder(encoder: Path, tmp_path: Path) -> Path:
    """The encoder without dropout, whose draws depend on the process."""
    folder = tmp_path / "sure"
    folder.mkdir()
    for path in encoder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def untrained_vit(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(TINY_VIT))
    return folder


def made(folder: Path, make: Callable[..., Training], base: Path, *found: Path, **changed: object) -> Training:
    folder.mkdir(parents=True)
    return make(base, *found, folder, TWO.model_copy(update=changed))


def test_two_processes_give_what_one_gives_with_the_same_batches(sure_encoder: Path, tmp_path: Path) -> None:
    causal, vit, digits = make_causal(tmp_path / "causal"), untrained_vit(tmp_path / "vit"), tmp_path / "digits"
    digit_folder(digits, 10, (0, 1))
    stopping = {"max_steps": 60, "learning_rate": 2e-2, "evaluate_every": 4, "early_stopping_patience": 2}

    def trainings(at: Path, **changed: object) -> list[Training]:
        return [
            made(at / "texts", text_training, sure_encoder, **changed, **stopping),
            made(at / "labels", multi_label_training, sure_encoder, **changed),
            made(at / "tags", token_training, sure_encoder, find_learning_rate=True, **changed),
            made(at / "language", generation_training, causal, gradient_checkpointing=True, **changed),
            made(at / "images", image_training, vit, digits, **changed),
        ]

    together = trainings(tmp_path / "two")
    alone = trainings(tmp_path / "one", processes=1)
    found = trained_together(together, 2, tmp_path / "group")
    wanted = [plugins.load("trainers", each.dataset.task)(each) for each in alone]

    assert wanted[0].steps < 60, "it stops early"
    for result, single, two, one in zip(found, wanted, together, alone, strict=True):
        assert (result.steps, result.batch_size) == (single.steps, 4)
        assert result.loss == pytest.approx(single.loss, abs=1e-4)
        assert result.metrics == pytest.approx(single.metrics, abs=1e-4)
        assert result.baseline == single.baseline
        assert result.options.learning_rate == pytest.approx(single.options.learning_rate)
        weights = load_file(two.out / WEIGHTS)
        for name, tensor in load_file(one.out / WEIGHTS).items():
            assert_close(weights[name], tensor, rtol=0, atol=1e-4)


def test_a_detector_is_trained_by_two(tmp_path: Path) -> None:
    """Batch normalization, and ultralytics' loss, are of each part of a batch: it is not quite what one gives."""
    photos = digit_photos(tmp_path / "photos", train=7, test=2, side=64, classes=(0, 1))
    training = made(
        tmp_path / "two",
        image_training,
        untrained_tiny_yolo(tmp_path / "yolo"),
        photos,
        image_size=64,
        max_steps=4,
        batch_size=4,
    )

    [result] = trained_together([training], 2, tmp_path / "group")

    assert (result.steps, result.batch_size) == (4, 2)
    assert "map50" in result.metrics
    assert (training.out / WEIGHTS).exists()


class KillsWorker(Silent):
    """Kills the second worker once, when the training has come so far."""

    def __init__(self, step: int) -> None:
        self.step, self.messages, self.losses = step, list[str](), dict[int, float]()
        self.killed = False

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        self.messages.append(message)
        if message == "training" and done >= self.step and not self.killed:
            os.kill(workers()[1].pid, signal.SIGKILL)
            self.killed = True

    def metric(self, name: str, value: float, step: int) -> None:
        if name == "loss":
            self.losses[step] = value


def test_a_killed_worker_is_started_again_and_the_training_ends_as_if_it_had_lived(
    encoder: Path, tmp_path: Path
) -> None:
    """With dropout, whose draws are each process's own."""
    options = {"max_steps": 100, "checkpoint_every": 10}
    undisturbed = made(tmp_path / "undisturbed", text_training, encoder, **options)
    disturbed = made(tmp_path / "disturbed", text_training, encoder, **options)
    reporter = KillsWorker(step=15)

    result = finetuning.finetune(replace(disturbed, reporter=reporter))

    assert reporter.killed
    assert any("Worker 1 of 2 ended by signal 9. Starting again" in message for message in reporter.messages)
    assert (result.steps, result.resumed_from % 10) == (100, 0)
    assert result.resumed_from >= 10
    assert list(reporter.losses) == list(range(10, 110, 10))
    assert workers() == []
    [expected] = trained_together([undisturbed], 2, tmp_path / "group")
    assert result.loss == expected.loss
    assert result.metrics == expected.metrics
    assert (disturbed.out / WEIGHTS).read_bytes() == (undisturbed.out / WEIGHTS).read_bytes()


class RunsOut(Silent):
    """Lets the first worker run out of memory after two steps."""

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        if message == "training" and done >= 3:
            raise torch.OutOfMemoryError("a tensor too many")


def test_after_one_ran_out_of_memory_all_go_on_from_the_checkpoint_in_smaller_parts(
    encoder: Path, tmp_path: Path
) -> None:
    training = made(tmp_path / "training", text_training, encoder, max_steps=4, batch_size=8, checkpoint_every=2)

    with pytest.raises(WorkerEnded):
        trained_together([replace(training, reporter=RunsOut())], 2, tmp_path / "first")
    [result] = trained_together([training], 2, tmp_path / "second")

    assert (result.batch_size, result.steps, result.resumed_from) == (2, 4, 2)


def test_what_a_worker_finds_wrong_is_raised_as_what_it_is() -> None:
    error = described(InvalidInput.code, "fp16 needs a CUDA device.", "Choose bf16.")
    assert (type(error), str(error)) == (InvalidInput, "fp16 needs a CUDA device. Choose bf16.")
    assert isinstance(described(WorkerDied.code, "It ran out of memory."), WorkerDied)
    assert type(described(NotAuthenticated.code, "Who?")) is NotAuthenticated
    assert type(described("of another release", "What?")) is ModelDeployError


class Some:
    """Rows of which only the number and the lengths matter."""

    labels: tuple[int, ...] = ()

    def __init__(self, count: int) -> None:
        self.lengths = [1 + index % 5 for index in range(count)]

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> dict[str, int]:
        return {"row": index}


@pytest.mark.parametrize("rows_of_all", [1, 6, 24, 25, 29, 35], ids=str)
@pytest.mark.parametrize("processes", [1, 2, 3, 5], ids=str)
@pytest.mark.parametrize("parts", [1, 2], ids=str)
def test_every_row_of_a_batch_is_learnt_from_once_and_all_processes_have_as_many_parts(
    rows_of_all: int, processes: int, parts: int
) -> None:
    batch = 6 if parts == 1 else 12 if processes in (1, 2, 3) else 10
    options = FinetuneOptions(batch_size=batch, gradient_accumulation=parts)
    plan = Plan.of(options, Defaults(), processes)
    order = Shuffled(Some(rows_of_all), batch, seed=0)
    shares = [list(Share(order, plan, rank)) for rank in range(processes)]

    assert {len(share) for share in shares} == {len(Share(order, plan, 0))}
    assert max(len(part) for share in shares for part in share) <= plan.rows_at_a_time
    whole = list(order)
    for number, first in enumerate(range(0, rows_of_all, batch)):
        parts_of_batch = chain.from_iterable(share[number * parts : (number + 1) * parts] for share in shares)
        learnt = [row for row in chain.from_iterable(parts_of_batch) if row >= 0]
        assert sorted(learnt) == sorted(whole[first : first + batch])


@pytest.mark.parametrize(
    ("rows_of_all", "processes", "parts", "left_out"),
    [
        (16, 2, 1, 0),
        (13, 2, 1, 0),
        (11, 2, 1, 3),
        (9, 2, 1, 1),
        (9, 1, 1, 1),
        (10, 1, 1, 0),
        (13, 1, 2, 1),
        (1, 2, 1, 0),
    ],
    ids=str,
)
def test_batch_normalization_gets_no_row_alone(
    rows_of_all: int, processes: int, parts: int, left_out: int, tmp_path: Path
) -> None:
    options = FinetuneOptions(batch_size=8, gradient_accumulation=parts)
    problem = SimpleNamespace(train=Some(rows_of_all), model=torch.nn.BatchNorm1d(1), collate=None, workers=0)
    plan = Plan.of(options, Defaults(), processes)

    loaders = [train_loader(cast(Problem, problem), plan, rank) for rank in range(processes)]
    shares = [list(cast(Share, loader.batch_sampler)) for loader in loaders]

    learnt = sum(row >= 0 for share in shares for part in share for row in part)
    assert learnt == rows_of_all - left_out
    assert rows_of_all == 1 or all(len(part) > 1 for share in shares for part in share)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 2}, "A batch of 2 rows is too small for 3 processes"),
        ({"batch_size": 12, "gradient_accumulation": 3}, "A batch of 4 rows of each of 3 processes"),
    ],
    ids=["too small", "parts"],
)
def test_batches_that_cannot_be_shared_are_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Plan.of(FinetuneOptions(**options), Defaults(), processes=3)
