"""What every training has of the core: batches in parts, precision, stopping early, memory, files without pickles."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_bert import CLASSES, rows
from trainings import text_training

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput, JobFailed
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training import learning_rate, memory, state
from jupyter_modeldeploy.training.losses import balanced, balanced_ones
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.text_classification import finetune

OPTIONS = FinetuneOptions(max_steps=6, batch_size=8, learning_rate=3e-3, max_length=32, precision="fp32")
WEIGHTS = "model.safetensors"


def with_options(**changed: object) -> FinetuneOptions:
    return OPTIONS.model_copy(update=changed)


class Series(Silent):
    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.samples: list[tuple[int, int, str, str]] = []

    def metric(self, name: str, value: float, step: int) -> None:
        self.values.setdefault(name, []).append(value)

    def sample(self, step: int, row: int, text: str, answer: str) -> None:
        self.samples.append((step, row, text, answer))


@pytest.fixture
def sure_encoder(encoder: Path, tmp_path: Path) -> Path:
    """The encoder without dropout, whose draws would depend on how a batch is divided."""
    folder = tmp_path / "sure"
    folder.mkdir()
    for path in encoder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_a_batch_in_parts_gives_what_the_whole_gives(sure_encoder: Path, tmp_path: Path) -> None:
    weights = {}
    for parts in (1, 4):
        folder = tmp_path / str(parts)
        folder.mkdir()
        result = finetune(text_training(sure_encoder, folder, with_options(gradient_accumulation=parts)))
        assert result.batch_size == 8 // parts
        weights[parts] = load_file(folder / "out" / WEIGHTS)
    for name, tensor in weights[1].items():
        torch.testing.assert_close(weights[4][name], tensor, rtol=1e-3, atol=1e-4)


def test_parts_that_do_not_divide_the_batch_are_refused(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="8 rows cannot be computed in 3 equal parts"):
        finetune(text_training(encoder, tmp_path, with_options(gradient_accumulation=3)))


def test_out_of_memory_ends_in_smaller_parts_and_goes_on_from_the_checkpoint(encoder: Path, tmp_path: Path) -> None:
    class RunsOut(Silent):
        left = 2

        def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
            if message == "training" and done >= 3 and self.left:
                self.left -= 1
                raise torch.OutOfMemoryError("a tensor too many")

    result = finetune(text_training(encoder, tmp_path, with_options(checkpoint_every=2), RunsOut()))

    assert (result.batch_size, result.steps, result.resumed_from) == (2, 6, 2)
    assert result.options.gradient_accumulation == 4


def test_out_of_memory_without_leave_to_divide_says_what_to_change(encoder: Path, tmp_path: Path) -> None:
    class RunsOut(Silent):
        def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
            if message == "training":
                raise torch.OutOfMemoryError("a tensor too many")

    with pytest.raises(JobFailed, match=r"8 rows at a time.*smaller max_length or batch_size"):
        finetune(text_training(encoder, tmp_path, with_options(find_batch_size=False), RunsOut()))


def test_on_a_cpu_a_batch_is_divided_until_it_fits(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = Series()
    finetune(text_training(encoder, tmp_path, with_options(max_steps=1), series))
    assert 2**20 < series.values["estimated_memory_bytes"][0] < 2**32
    again = tmp_path / "again"
    again.mkdir()
    monkeypatch.setattr(memory, "free_memory", lambda: 700_000)

    assert finetune(text_training(encoder, again, with_options(max_steps=1))).batch_size < 8

    never = tmp_path / "never"
    never.mkdir()
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    with pytest.raises(JobFailed, match="with 1 rows at a time needs about"):
        finetune(text_training(encoder, never, OPTIONS))


def test_half_precision_trains_float32_weights(encoder: Path, tmp_path: Path) -> None:
    result = finetune(text_training(encoder, tmp_path, with_options(precision="bf16")))

    assert result.precision == "bf16"
    assert {tensor.dtype for tensor in load_file(tmp_path / "out" / WEIGHTS).values()} == {torch.float32}


def test_the_precision_is_chosen_once_and_deterministically_where_asked(encoder: Path, tmp_path: Path) -> None:
    chosen = finetune(text_training(encoder, tmp_path, with_options(precision="auto", max_steps=1)))
    assert finetune(text_training(encoder, tmp_path, with_options(precision="auto", max_steps=1))) == chosen.model_copy(
        update={"resumed_from": 1, "seconds": pytest.approx(0, abs=60)}
    )
    folder = tmp_path / "sure"
    folder.mkdir()
    sure = finetune(text_training(encoder, folder, with_options(precision="auto", max_steps=1, deterministic=True)))
    assert sure.precision == "fp32"
    assert not torch.are_deterministic_algorithms_enabled()


def test_half_floats_on_a_cpu_are_refused(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="fp16 needs a CUDA device"):
        finetune(text_training(encoder, tmp_path, with_options(precision="fp16")))


def test_stopping_early_keeps_the_best_weights(encoder: Path, tmp_path: Path) -> None:
    wrong = [(text, random.Random(text).randrange(2)) for text, _ in rows(64)]  # nothing that could be learnt
    options = with_options(
        max_steps=200, learning_rate=1e-2, early_stopping_patience=2, evaluate_every=5, validation_share=0.3
    )
    series = Series()

    result = finetune(text_training(encoder, tmp_path, options, series, train=wrong))

    losses = series.values["validation_loss"]
    best = losses.index(min(losses))
    assert result.steps == 5 * len(losses) == 5 * (best + 3)
    kept = load_file(tmp_path / "checkpoints" / f"checkpoint-{5 * (best + 1)}" / WEIGHTS)
    written = load_file(tmp_path / "out" / WEIGHTS)
    assert all(torch.equal(tensor, kept[name]) for name, tensor in written.items())


def test_the_learning_rate_is_found_where_the_loss_falls_the_fastest(encoder: Path, tmp_path: Path) -> None:
    rates = [1e-6 * 10 ** (step / 10) for step in range(50)]
    losses = [1.0 - 0.5 / (1 + np.exp(-4 * (np.log10(rate) + 3))) for rate in rates]
    assert learning_rate.steepest(rates, losses) == pytest.approx(1e-3, rel=0.3)
    with pytest.raises(InvalidInput, match="no learning rate"):
        learning_rate.steepest(rates, list(range(50)))

    result = finetune(text_training(encoder, tmp_path, with_options(find_learning_rate=True, learning_rate=None)))

    assert 1e-6 < (result.options.learning_rate or 0) < 1e-1
    assert result.options.head_learning_rate == pytest.approx(10 * (result.options.learning_rate or 0))


def test_a_checkpoint_holds_no_pickle(encoder: Path, tmp_path: Path) -> None:
    finetune(text_training(encoder, tmp_path, OPTIONS))

    written = {path.name for path in (tmp_path / "checkpoints" / "checkpoint-6").iterdir()}
    assert written == {
        "model.safetensors",
        "optimizer.safetensors",
        "rng.safetensors",
        "state.json",
        "trainer_state.json",
        "complete.json",
    }


def test_random_generators_go_on_where_they_were(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer)
    state.save(tmp_path, model, optimizer, scheduler, None, note=1)
    drawn = random.random(), np.random.rand(), torch.rand(1)

    state.load_random_state(tmp_path)

    assert (random.random(), np.random.rand(), torch.rand(1)) == drawn
    assert state.load(tmp_path, optimizer, scheduler, None) == {"note": 1}


def test_rare_classes_weigh_more() -> None:
    assert balanced([0, 0, 0, 1], 3).tolist() == pytest.approx([2 / 3, 2, 1])
    assert balanced_ones(np.array([[1, 0], [0, 0], [0, 0]])).tolist() == [2, 1]


def test_what_is_shown_as_the_training_goes(encoder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    series = Series()
    options = with_options(max_steps=10, evaluate_every=5, sample_predictions=2)
    with caplog.at_level("INFO"):
        finetune(text_training(encoder, tmp_path, options, series))

    assert series.values.keys() >= {
        *("loss", "learning_rate", "grad_norm", "samples_per_second", "memory_bytes", "estimated_memory_bytes"),
        "device_utilization",
        *("validation_loss", "validation_accuracy", "accuracy", "f1_macro"),
    }
    assert sum(" → " in message for message in caplog.messages) == 2 * 3
    assert [sample[:2] for sample in series.samples] == [(step, row) for step in (5, 10, 10) for row in (0, 1)]
    assert {answer for *_, answer in series.samples} <= set(CLASSES)


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy is deprecated")  # mlflow's
def test_series_are_written_for_tensorboard_and_mlflow_too(encoder: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    finetune(text_training(encoder, tmp_path, with_options(log_to=["tensorboard", "mlflow"])))

    logs = tmp_path / "logs"
    events = EventAccumulator(str(logs / "tensorboard"))
    events.Reload()
    assert {"loss", "accuracy", "samples_per_second"} <= set(events.Tags()["scalars"])
    client = MlflowClient(f"sqlite:///{logs / 'mlflow.db'}")
    run = client.get_run((logs / "mlflow_run").read_text())
    assert run.info.status == "FINISHED"
    assert run.data.params["batch_size"] == "8"
    assert run.data.metrics.keys() >= {"loss", "accuracy", "samples_per_second"}


def test_every_trainer_can_be_loaded() -> None:
    for task in plugins.available("trainers"):
        assert callable(plugins.load("trainers", task))
