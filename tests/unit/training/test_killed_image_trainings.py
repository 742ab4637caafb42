"""Networks with batch normalization, whose means are part of what a killed training has to find again."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from digit_images import digit_folder, digit_photos, untrained_resnet, untrained_tiny_yolo
from image_trainings import image_training
from killed_trainings import killed

from jupyter_modeldeploy.training import image_classification, object_detection
from jupyter_modeldeploy.training.options import FinetuneOptions
from jupyter_modeldeploy.training.run import Trainer

STEPS, CHECKPOINT_EVERY = 12, 4
BEFORE_THE_FIRST_CHECKPOINT = 2
OPTIONS = FinetuneOptions(
    max_steps=STEPS, batch_size=4, checkpoint_every=CHECKPOINT_EVERY, deterministic=True, learning_rate=1e-3
)


def classified(folder: Path) -> tuple[Path, Path]:
    return untrained_resnet(folder / "base"), digit_folder(folder / "found", 10, (0, 1))


def detected(folder: Path) -> tuple[Path, Path]:
    photos = digit_photos(folder / "found", train=6, test=2, side=64, classes=(0, 1))
    return untrained_tiny_yolo(folder / "base"), photos


@pytest.mark.parametrize(
    ("finetune", "made", "options"),
    [
        (image_classification.finetune, classified, OPTIONS),
        (object_detection.finetune, detected, OPTIONS.model_copy(update={"image_size": 64})),
    ],
    ids=["classifier", "detector"],
)
def test_a_training_that_is_killed_again_and_again_ends_with_the_loss_and_weights_of_an_undisturbed_one(
    finetune: Trainer, made: Callable[[Path], tuple[Path, Path]], options: FinetuneOptions, tmp_path: Path
) -> None:
    base, found = made(tmp_path)
    undisturbed = finetune(image_training(base, found, tmp_path / "undisturbed", options))

    disturbed = image_training(base, found, tmp_path / "disturbed", options)
    later = random.Random(0).sample(range(CHECKPOINT_EVERY + 1, STEPS), 2)
    for step in (BEFORE_THE_FIRST_CHECKPOINT, *sorted(later)):
        killed(finetune, disturbed, step)
    result = finetune(disturbed)

    assert result.resumed_from >= CHECKPOINT_EVERY
    assert result.steps == undisturbed.steps == STEPS
    assert result.loss == pytest.approx(undisturbed.loss, abs=1e-6)
    weights = "out/model.safetensors"
    assert (tmp_path / "disturbed" / weights).read_bytes() == (tmp_path / "undisturbed" / weights).read_bytes()
    assert result.metrics == undisturbed.metrics
