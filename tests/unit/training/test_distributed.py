"""Several processes train one model: as one would, and to the end when some of them die."""

from __future__ import annotations

import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import own_training
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset
from training_workers import workers

from jupyter_modeldeploy import DistributedTrainer
from jupyter_modeldeploy.errors import Conflict, InvalidInput, JobFailed, Unavailable, WorkerDied
from jupyter_modeldeploy.training.distributed.rows import rows_of

BATCH, EPOCHS, RATE = 7, 3, 0.02  # seven rows are not the same for two, and the last batch has a single one
IN_A_SCRIPT = """
import torch
from jupyter_modeldeploy import DistributedTrainer

class Doubled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def forward(self, x):
        return self.layer(x)

def error(model, batch):
    return {"loss": (model(batch) - 2 * batch).abs().mean()}

rows = torch.utils.data.DataLoader([torch.ones(1), torch.zeros(1)], batch_size=2)
result = DistributedTrainer(learning_rate=0.1, epochs=5, step=error).fit(Doubled(), rows)
print(result.history[-1].training["loss"] < result.history[0].training["loss"])
"""


class Kept:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.done: list[float] = []
        self.messages: list[str] = []
        self.names: set[str] = set()

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        self.done.append(done)
        self.messages.append(message)

    def metric(self, name: str, value: float, step: int) -> None:
        self.names.add(name)


def trainer(nodes: int, **options: Any) -> DistributedTrainer:
    return DistributedTrainer(nodes, BATCH, RATE, epochs=EPOCHS, device="cpu", **options)


def difference(one: torch.nn.Module, other: torch.nn.Module) -> float:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


def test_two_processes_give_what_one_gives_with_the_same_batches() -> None:
    model, reporter = own_training.model(), Kept()
    rows = own_training.loader(own_training.Points(), 16)
    held_out = own_training.loader(own_training.Points(31, seed=1), 16)
    result = trainer(2, reporter=reporter).fit(model, rows, held_out)
    assert result.best == result.history[-1]
    assert difference(model, own_training.trained_alone(BATCH, EPOCHS, RATE)) < 1e-4
    with torch.no_grad():
        inputs, targets = own_training.Points(31, seed=1)[:]
        loss = torch.nn.functional.cross_entropy(model(inputs), targets)
        accuracy = (model(inputs).argmax(1) == targets).double().mean()
    assert result.best.validation == pytest.approx({"loss": float(loss), "accuracy": float(accuracy)}, abs=1e-5)
    assert result.restarts == 0
    assert reporter.done[-1] == EPOCHS * 8
    assert reporter.names == {"loss", "accuracy", "validation_loss", "validation_accuracy"}


def test_a_killed_worker_is_started_again_and_the_training_ends_as_if_it_had_lived(tmp_path: Path) -> None:
    model, reporter = own_training.model(), Kept()
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    rows = own_training.loader(own_training.Deadly(deaths, row=30, times=1), BATCH)
    folder = tmp_path / "checkpoints"
    result = trainer(2, reporter=reporter, checkpoint_every=2, folder=folder).fit(model, rows)
    assert result.restarts == 1
    assert any("by signal 9" in message for message in reporter.messages)
    assert difference(model, own_training.trained_alone(BATCH, EPOCHS, RATE)) < 1e-4
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".safetensors", ".json"}
    assert workers() == []


def test_after_too_many_deaths_the_caller_is_told(tmp_path: Path) -> None:
    rows = own_training.loader(own_training.Deadly(tmp_path, row=0, times=9), BATCH)
    with pytest.raises(WorkerDied, match="Worker 0 of 1 ended by signal 9"):
        trainer(1, max_restarts=0).fit(own_training.model(), rows)


def test_an_error_in_the_callers_code_is_told_at_once_with_its_place() -> None:
    with pytest.raises(JobFailed, match="ValueError: row 20 is spoilt") as failure:
        trainer(1).fit(own_training.model(), own_training.loader(own_training.Spoilt(), BATCH))
    assert "own_training.py" in failure.value.hint


def test_classes_of_a_script_without_a_guard_are_known_to_the_workers(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(IN_A_SCRIPT)
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert ran.stdout.splitlines() == ["True"], ran.stderr


def test_shuffled_batches_are_each_epochs_own_and_the_same_in_every_process() -> None:
    rows = rows_of(own_training.loader(own_training.Points(), BATCH, shuffle=True), "rows")
    before = torch.random.get_rng_state()
    assert rows.batches(3) == rows.batches(3) != rows.batches(4)
    assert sorted(chain.from_iterable(rows.batches(3))) == list(range(own_training.ROWS))
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_checkpoints_of_another_training_are_not_taken(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"fingerprint": "another"}')
    with pytest.raises(Conflict, match="other options"):
        trainer(1, folder=tmp_path).fit(own_training.model(), own_training.loader(own_training.Points(), BATCH))


class Endless(IterableDataset[int]):
    def __iter__(self) -> Any:
        return iter([1])


POINTS = own_training.Points()


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        ([1, 2], "train_loader is a list"),
        (DataLoader(Endless()), "IterableDataset"),
        (DataLoader(POINTS, batch_size=None), "makes its batches itself"),
        (DataLoader(POINTS, batch_sampler=[[0, 1]]), "makes its batches itself"),
        (DataLoader([], batch_size=2), "has no rows"),
        (DataLoader(POINTS, batch_size=2, sampler=torch.utils.data.DistributedSampler(POINTS, 2, 0)), "divides its"),
    ],
)
def test_loaders_that_cannot_be_divided_are_refused(loader: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        DistributedTrainer().fit(own_training.model(), loader)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nodes": 0}, "nodes is 0"),
        ({"nodes": 65}, "nodes is 65"),
        ({"nodes": 4, "batch_size": 2}, "too small for 4"),
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"max_restarts": -1}, "max_restarts is -1"),
        ({"device": "tpu"}, "device is 'tpu'"),
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        DistributedTrainer(**options)


def test_more_processes_than_cuda_devices_are_refused() -> None:
    with pytest.raises(Unavailable, match="64 processes need 64 CUDA devices"):
        DistributedTrainer(64, device="cuda")
