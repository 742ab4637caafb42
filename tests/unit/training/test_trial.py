"""A trial of a sweep is judged by validation rows alone, and the version made of it is that of a plain fine-tuning."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file
from trainings import text_training

from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.text_classification import finetune

OPTIONS = FinetuneOptions(
    max_steps=10,
    batch_size=8,
    learning_rate=3e-3,
    max_length=32,
    precision="fp32",
    evaluations=3,
    validation_share=0.25,
)


class Steps(Silent):
    """The steps of each series."""

    def __init__(self) -> None:
        self.of: dict[str, list[int]] = {}

    def metric(self, name: str, value: float, step: int) -> None:
        self.of.setdefault(name, []).append(step)


def test_evaluations_are_spread_evenly_and_the_last_is_at_the_end(encoder: Path, tmp_path: Path) -> None:
    steps = Steps()
    finetune(text_training(encoder, tmp_path, OPTIONS, steps))
    assert steps.of["validation_accuracy"] == [4, 7, 10]


def test_a_trial_looks_at_validation_rows_alone_and_writes_no_version(encoder: Path, tmp_path: Path) -> None:
    steps = Steps()
    training = replace(text_training(encoder, tmp_path, OPTIONS, steps), trial=True)
    result = finetune(training)
    assert set(result.metrics) == {"loss", "accuracy", "f1_macro"}
    assert (result.baseline, result.evaluation) == ({}, None)
    assert not training.out.exists()
    assert {"accuracy", "f1_macro"} & set(steps.of) == set()
    share = result.metrics["accuracy"] * 16  # a quarter of the 64 training rows
    assert share == round(share)


def test_the_version_of_a_trial_is_that_of_a_fine_tuning_with_its_options(encoder: Path, tmp_path: Path) -> None:
    made = {}
    for name in ("alone", "tried"):
        (tmp_path / name).mkdir()
        training = text_training(encoder, tmp_path / name, OPTIONS)
        if name == "tried":
            finetune(replace(training, trial=True))
        result = finetune(training)
        made[name] = (load_file(training.out / "model.safetensors"), result.metrics)
        assert result.resumed_from == (10 if name == "tried" else 0)
    (weights, metrics), (tried, tried_metrics) = made["alone"], made["tried"]
    assert metrics == tried_metrics
    assert all(torch.equal(weights[name], tried[name]) for name in weights)


def test_a_trial_that_stops_early_is_judged_by_the_weights_that_are_kept(encoder: Path, tmp_path: Path) -> None:
    options = OPTIONS.model_copy(
        update={"max_steps": 200, "learning_rate": 1e-2, "evaluations": 40, "early_stopping_patience": 2}
    )
    losses: list[float] = []

    class Losses(Silent):
        def metric(self, name: str, value: float, step: int) -> None:
            if name == "validation_loss":
                losses.append(value)

    result = finetune(replace(text_training(encoder, tmp_path, options, Losses()), trial=True))
    assert result.steps < 200
    assert result.metrics["loss"] == min(losses)
    assert losses[-1] > min(losses)
