from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_bert import make_classifier, make_encoder, rows
from trainings import text_training

from jupyter_modeldeploy.errors import Conflict, InvalidInput, JobFailed
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult
from jupyter_modeldeploy.training.text_classification import finetune

OPTIONS = FinetuneOptions(
    max_steps=30,
    batch_size=8,
    learning_rate=3e-3,
    head_learning_rate=1e-2,
    max_length=32,
    checkpoint_every=7,
    precision="fp32",
)
WEIGHTS = "model.safetensors"


class Recorder(Silent):
    def __init__(self) -> None:
        self.steps: list[tuple[float, float | None, str]] = []
        self.metrics: dict[str, dict[int, float]] = {}

    def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
        self.steps.append((done, total, message))

    def metric(self, name: str, value: float, step: int) -> None:
        self.metrics.setdefault(name, {})[step] = value


def train(
    base: Path, folder: Path, options: FinetuneOptions = OPTIONS, reporter: Silent | None = None
) -> FinetuneResult:
    return finetune(text_training(base, folder, options, reporter))


@pytest.fixture(scope="module")
def undisturbed(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    train(encoder, folder)
    return folder


def test_learns_what_can_be_learnt_and_says_how_far_it_came(encoder: Path, tmp_path: Path) -> None:
    recorder = Recorder()

    result = train(encoder, tmp_path, OPTIONS.model_copy(update={"max_steps": 60}), recorder)

    assert result.metrics["accuracy"] > 0.9 > result.baseline["accuracy"]
    assert result.steps == 60
    assert [done for done, _, message in recorder.steps if message == "training"] == list(range(1, 61))
    assert {total for _, total, message in recorder.steps if message == "training"} == {60}
    assert set(recorder.metrics["loss"]) == {10, 20, 30, 40, 50, 60} == set(recorder.metrics["learning_rate"])
    assert recorder.metrics["accuracy"] == {0: result.baseline["accuracy"], 60: result.metrics["accuracy"]}


def test_the_result_is_a_checkpoint_with_the_class_names_and_the_tokenizer(undisturbed: Path) -> None:
    out = undisturbed / "out"

    config = json.loads((out / "config.json").read_text())

    assert config["architectures"] == ["BertForSequenceClassification"]
    assert config["id2label"] == {"0": "negative", "1": "positive"}
    assert config["label2id"] == {"negative": 0, "positive": 1}
    assert {path.name for path in out.iterdir()} == {"config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json"}


def test_a_killed_training_ends_with_the_loss_and_the_weights_of_an_undisturbed_one(
    encoder: Path, undisturbed: Path, tmp_path: Path
) -> None:
    script = Path(__file__).with_name("killed_training.py")
    paths = [str(encoder), str(tmp_path)]

    killed = subprocess.run(
        [sys.executable, script, *paths, "23", OPTIONS.model_dump_json()],
        env={**os.environ, "PYTHONPATH": str(script.parents[2])},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert not (tmp_path / "out").exists()
    result = train(encoder, tmp_path)

    assert result.resumed_from == 21
    assert result.steps == 30
    assert result.loss == pytest.approx(train(encoder, undisturbed).loss, abs=1e-6)
    assert (tmp_path / "out" / WEIGHTS).read_bytes() == (undisturbed / "out" / WEIGHTS).read_bytes()


def test_a_training_that_was_through_is_not_trained_further(encoder: Path, undisturbed: Path) -> None:
    before = (undisturbed / "out" / WEIGHTS).read_bytes()

    result = train(encoder, undisturbed)

    assert (result.resumed_from, result.steps) == (30, 30)
    assert (undisturbed / "out" / WEIGHTS).read_bytes() == before


def test_checkpoints_of_a_run_with_other_options_are_refused(encoder: Path, undisturbed: Path) -> None:
    with pytest.raises(Conflict, match="other options"):
        train(encoder, undisturbed, OPTIONS.model_copy(update={"learning_rate": 1e-3}))


def test_a_fractional_epoch_stops_in_between(encoder: Path, tmp_path: Path) -> None:
    options = OPTIONS.model_copy(update={"max_steps": None, "epochs": 0.5})

    assert train(encoder, tmp_path, options).steps == 4


def test_only_so_many_rows_as_asked_are_used(encoder: Path, tmp_path: Path) -> None:
    options = OPTIONS.model_copy(update={"max_steps": None, "train_rows": 16})

    assert train(encoder, tmp_path, options).steps == 2


def test_a_head_for_other_classes_is_replaced(tmp_path: Path) -> None:
    base = make_classifier(tmp_path / "base")

    options = OPTIONS.model_copy(update={"max_steps": 1})
    classes = ["mixed", "negative", "positive"]
    finetune(text_training(base, tmp_path, options, train=[*rows(16), ("it was fine and dull", 2)], classes=classes))

    assert load_file(tmp_path / "out" / WEIGHTS)["classifier.weight"].shape == (3, 32)


def test_a_loss_that_is_no_number_says_what_to_change(tmp_path: Path) -> None:
    base = make_encoder(tmp_path / "base")
    weights = load_file(base / WEIGHTS)
    weights["embeddings.LayerNorm.bias"] = torch.full_like(weights["embeddings.LayerNorm.bias"], float("nan"))
    save_file(weights, base / WEIGHTS, metadata={"format": "pt"})

    with pytest.raises(JobFailed, match=r"nan at step 1.*Lower the learning rate"):
        train(base, tmp_path)


def test_being_told_to_stop_is_not_swallowed(encoder: Path, tmp_path: Path) -> None:
    class Stopped(BaseException):
        pass

    class Stopping(Silent):
        def progress(self, done: float, total: float | None, unit: str = "", message: str = "") -> None:
            if done == 3:
                raise Stopped

    with pytest.raises(Stopped):
        train(encoder, tmp_path, reporter=Stopping())
    assert not (tmp_path / "out").exists()


def test_a_base_without_its_encoder_weights_is_refused(tmp_path: Path) -> None:
    base = make_encoder(tmp_path / "base")
    weights = load_file(base / WEIGHTS)
    del weights["encoder.layer.0.output.dense.weight"]
    save_file(weights, base / WEIGHTS, metadata={"format": "pt"})

    with pytest.raises(InvalidInput, match="no fitting weights for bert"):
        train(base, tmp_path)
