from __future__ import annotations

from pathlib import Path

import pytest
from digit_images import digit_photos, untrained_tiny_yolo
from image_trainings import image_training

from jupyter_modeldeploy import runtimes, tasks
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.converting.from_ultralytics import ultralytics_to_onnx
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.training.boxed_images import BoxRows
from jupyter_modeldeploy.training.data import read
from jupyter_modeldeploy.training.object_detection import finetune
from jupyter_modeldeploy.training.options import FinetuneOptions, FinetuneResult

OPTIONS = FinetuneOptions(epochs=3, batch_size=4, image_size=64, precision="fp32")
CLASSES = ["digit 0", "digit 1"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return digit_photos(tmp_path_factory.mktemp("photos") / "found", train=8, test=3, side=80, classes=(0, 1))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return untrained_tiny_yolo(tmp_path_factory.mktemp("base") / "yolo")


@pytest.fixture(scope="module")
def trained(base: Path, found: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, FinetuneResult]:
    folder = tmp_path_factory.mktemp("trained")
    result = finetune(image_training(base, found, folder, OPTIONS))
    return folder, result


def test_the_result_is_a_network_with_its_classes_and_no_pickle(trained: tuple[Path, FinetuneResult]) -> None:
    folder, result = trained

    assert {path.name for path in (folder / "out").iterdir()} == {"config.json", "model.safetensors", "network.yaml"}
    assert {"map50", "map50_95"} <= result.metrics.keys() & result.baseline.keys()
    assert (result.steps, result.resumed_from) == (6, 0)


def test_nothing_is_written_beside_the_images(trained: tuple[Path, FinetuneResult]) -> None:
    folder, _ = trained

    files = [path for path in (folder / "stored").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".jpg", ".txt", ".yaml"}
    assert len(files) == 2 * 11 + 1


def test_the_version_and_its_onnx_form_are_served_as_object_detection(
    trained: tuple[Path, FinetuneResult], found: Path, tmp_path: Path
) -> None:
    out = trained[0] / "out"
    conversion = ultralytics_to_onnx(out, tmp_path / "onnx", Silent())

    assert [spec.shape for spec in conversion.signature.inputs] == [[-1, 3, 64, 64]]
    photo = (found / "images" / "val" / "0.jpg").read_bytes()
    for format, folder in ((Format.ultralytics, out), (Format.onnx, tmp_path / "onnx")):
        runtime = runtimes.load(format, folder, device="cpu")
        task = tasks.load("object-detection", folder, runtime.signature)
        items = task.parse_files(photo)  # type: ignore[attr-defined]
        outputs = runtime.run(task.encode(items * 2))
        assert outputs["output0"].shape == (2, 4 + len(CLASSES), 84)
        answered = task.decode_items(items * 2, outputs)  # type: ignore[attr-defined]
        assert all(box["label"] in CLASSES for one in answered for box in one["boxes"])
        runtime.close()


def test_rows_depend_on_the_epoch_and_their_number_alone(base: Path, found: Path, tmp_path: Path) -> None:
    split = read(image_training(base, found, tmp_path, OPTIONS))

    def pixels(order: list[int], epoch: int) -> dict[int, bytes]:
        rows = BoxRows(split.train, CLASSES, 64, "medium", seed=1, plain_from=5)
        rows.set_epoch(epoch)
        return {index: rows[index]["img"].numpy().tobytes() for index in order}

    assert pixels([0, 3, 5], 2) == {
        index: row for index, row in pixels([7, 5, 1, 3, 0], 2).items() if index in (0, 3, 5)
    }
    assert pixels([0], 2) != pixels([0], 3)


def test_a_trained_detector_is_a_base_for_other_classes(trained: tuple[Path, FinetuneResult], tmp_path: Path) -> None:
    found = digit_photos(tmp_path / "found", train=4, test=2, side=80, classes=(3, 5, 8))
    options = FinetuneOptions(max_steps=1, batch_size=4, method="head", precision="fp32")

    result = finetune(image_training(trained[0] / "out", found, tmp_path, options))

    assert result.options.epochs == 30.0
    assert runtimes.load(Format.ultralytics, tmp_path / "out").signature.outputs[0].shape == [-1, 7, 84]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"method": "lora"}, "LoRA is not for detectors"), ({"image_size": 100}, "100 pixels")],
)
def test_what_cannot_be_is_refused(
    change: dict[str, object], message: str, base: Path, found: Path, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=message):
        finetune(image_training(base, found, tmp_path, OPTIONS.model_copy(update=change)))
