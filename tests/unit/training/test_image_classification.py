from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from digit_images import digit_folder, untrained_resnet
from image_trainings import image_training
from safetensors.numpy import load_file
from tiny_timm import make_timm
from transformers import AutoConfig

from jupyter_modeldeploy import runtimes, tasks
from jupyter_modeldeploy.datasets.reader import LabelledImage
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.converting.from_transformers import transformers_to_onnx
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.recognise import recognise
from jupyter_modeldeploy.training.augmentation import PRESETS
from jupyter_modeldeploy.training.image_classification import finetune
from jupyter_modeldeploy.training.labelled_images import ImageRows, Preparation
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult

CLASSES = (0, 1, 7)
OPTIONS = FinetuneOptions(epochs=4, batch_size=8, learning_rate=3e-3, precision="fp32")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digit_folder(tmp_path_factory.mktemp("digits") / "found", 30, CLASSES)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_resnet(tmp_path_factory.mktemp("base") / "resnet")


@pytest.fixture(scope="module")
def trained(base: Path, found: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FinetuneResult]:
    folder = tmp_path_factory.mktemp("trained")
    result = finetune(image_training(base, found, folder, OPTIONS))
    return folder / "out", result


def answers(format: Format, folder: Path, image: Path) -> list[dict[str, object]]:
    runtime = runtimes.load(format, folder, device="cpu")
    task = tasks.load("image-classification", folder, runtime.signature)
    items = task.parse_files(image.read_bytes())  # type: ignore[attr-defined]
    answered = task.decode(runtime.run(task.encode(items)))
    runtime.close()
    return answered


def test_a_network_that_has_learnt_nothing_learns_to_tell_digits_apart(trained: tuple[Path, FinetuneResult]) -> None:
    _, result = trained

    assert result.metrics["accuracy"] > 0.9 > result.baseline["accuracy"]
    assert result.steps == 36


def test_the_result_holds_the_classes_and_how_images_are_prepared(trained: tuple[Path, FinetuneResult]) -> None:
    out, _ = trained

    assert {path.name for path in out.iterdir()} == {"config.json", "model.safetensors", "preprocessor_config.json"}
    assert json.loads((out / "config.json").read_text())["id2label"] == {"0": "0", "1": "1", "2": "7"}
    assert json.loads((out / "preprocessor_config.json").read_text())["size"] == {"height": 32, "width": 32}


def test_the_version_and_its_onnx_form_tell_what_an_image_shows(
    trained: tuple[Path, FinetuneResult], found: Path, tmp_path: Path
) -> None:
    out, _ = trained
    transformers_to_onnx(out, tmp_path / "onnx", Silent())

    for label in map(str, CLASSES):
        image = sorted((found / label).iterdir())[-1]
        told = [answers(Format.transformers, out, image), answers(Format.onnx, tmp_path / "onnx", image)]
        assert [each[0]["label"] for each in told] == [label, label]
        assert told[0][0]["score"] == pytest.approx(told[1][0]["score"], abs=1e-4)


def test_a_trained_base_keeps_what_it_knows_and_gets_a_head_for_other_classes(
    trained: tuple[Path, FinetuneResult], tmp_path: Path
) -> None:
    found = digit_folder(tmp_path / "found", 20, (2, 4))
    options = OPTIONS.model_copy(update={"method": "head", "epochs": None, "max_steps": 2, "augmentation": "none"})

    result = finetune(image_training(trained[0], found, tmp_path, options))

    before, after = (load_file(folder / "model.safetensors") for folder in (trained[0], tmp_path / "out"))
    assert result.options.epochs == 5.0
    assert len(after["classifier.1.bias"]) == 2
    encoder = [name for name in before if name.endswith("convolution.weight")]
    assert encoder
    assert all(np.array_equal(before[name], after[name]) for name in encoder)


def test_a_base_that_is_no_image_classifier_is_refused(found: Path, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text('{"model_type": "gpt2"}')

    with pytest.raises(InvalidInput, match="describes no image classifier"):
        finetune(image_training(tmp_path / "base", found, tmp_path, OPTIONS))


def test_a_checkpoint_of_timm_gets_a_head_for_other_classes(found: Path, tmp_path: Path) -> None:
    make_timm(tmp_path / "base", ["cat", "dog"])
    options = OPTIONS.model_copy(update={"method": "head", "epochs": None, "max_steps": 2})

    finetune(image_training(tmp_path / "base", found, tmp_path, options))

    before, after = (load_file(tmp_path / folder / "model.safetensors") for folder in ("base", "out"))
    assert before.keys() == after.keys()
    assert after["fc.weight"].shape == (len(CLASSES), before["fc.weight"].shape[1])
    assert np.array_equal(before["layer1.0.conv1.weight"], after["layer1.0.conv1.weight"])
    image = sorted((found / "7").iterdir())[-1]
    assert answers(Format.transformers, tmp_path / "out", image)[0]["label"] in ("0", "1", "7")
    assert recognise(tmp_path / "out").classes == ["0", "1", "7"]


def test_a_row_that_is_left_alone_at_the_end_of_an_epoch_waits_for_another_one(found: Path, tmp_path: Path) -> None:
    make_timm(tmp_path / "base", ["cat", "dog"])  # its last features are 1 × 1, of which no mean is taken for one row
    options = OPTIONS.model_copy(update={"epochs": 2, "batch_size": 71})

    result = finetune(image_training(tmp_path / "base", found, tmp_path, options))

    assert result.steps == 2  # of 72 rows


def test_a_network_for_one_size_of_images_is_not_trained_on_another(found: Path, tmp_path: Path) -> None:
    make_timm(tmp_path / "base", ["cat", "dog"], "test_vit", img_size=32)
    options = OPTIONS.model_copy(update={"image_size": 64})

    with pytest.raises(InvalidInput, match="test_vit takes images of 32 × 32 pixels alone"):
        finetune(image_training(tmp_path / "base", found, tmp_path, options))


def test_rows_are_the_same_whether_images_are_kept_in_memory_or_read_again(base: Path, found: Path) -> None:
    examples = [LabelledImage(path, 0) for path in sorted((found / "1").iterdir())[:6]]
    preparation = Preparation(base, AutoConfig.from_pretrained(base), None)
    one_image = 8 * 8

    def rows(room: int) -> list[bytes]:
        made = ImageRows(examples, preparation, PRESETS["strong"], seed=1, room=room)
        values = []
        for epoch in range(2):
            made.set_epoch(epoch)
            values += [made[index]["pixel_values"].numpy().tobytes() for index in range(len(made))]
        return values

    assert rows(0) == rows(3 * one_image) == rows(100 * one_image)
