"""Images in whatever form they come, made into what the model was trained on."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_torch
import torch
import transformers
from pictures import BLUE, COLOURS, GREEN, RED, file, form, picture, text
from PIL import Image, ImageOps

from jupyter_modeldeploy.errors import InvalidInput, TooLarge
from jupyter_modeldeploy.records import Signature, TensorSpec
from jupyter_modeldeploy.runtimes.exported import ExportedRuntime
from jupyter_modeldeploy.tasks import images
from jupyter_modeldeploy.tasks.image_classification import ImageClassification
from jupyter_modeldeploy.tasks.image_preprocessing import Preprocessor

PLAIN = {"do_normalize": False, "size": {"height": 16, "width": 16}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that says which of the three colours there is most of."""
    made = tiny_torch.exported(
        tmp_path_factory.mktemp("models") / "colours", tiny_torch.Pictures(), torch.zeros(2, 3, 16, 16)
    )
    (made / "config.json").write_text(json.dumps({"id2label": dict(enumerate(COLOURS))}))
    (made / "preprocessor_config.json").write_text(json.dumps(PLAIN))
    return made


@pytest.fixture(scope="module")
def colours(folder: Path) -> tuple[ExportedRuntime, ImageClassification]:
    runtime = ExportedRuntime(folder)
    return runtime, ImageClassification(folder, runtime.signature)


def labels(model: tuple[ExportedRuntime, ImageClassification], body: bytes) -> list[str]:
    runtime, task = model
    return [answer["label"] for answer in task.decode(runtime.run(task.encode(task.parse_files(body))))]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_files_of_all_kinds_are_read(colours: Any, kind: str) -> None:
    assert labels(colours, file(picture(BLUE), kind)) == ["blue"]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"images": [text(file(picture(RED))), text(file(picture(GREEN)))]}).encode(),
        json.dumps([text(file(picture(RED))), text(file(picture(GREEN)))]).encode(),
        form(file(picture(RED)), file(picture(GREEN))),
    ],
)
def test_several_images_come_as_json_or_as_a_form(colours: Any, body: bytes) -> None:
    assert labels(colours, body) == ["red", "green"]


@pytest.mark.parametrize("head", ["", "data:image/png;base64,"])
def test_one_image_comes_as_base64(colours: Any, head: str) -> None:
    assert labels(colours, json.dumps({"image": head + text(file(picture(RED)))}).encode()) == ["red"]


def test_an_answer_has_the_likeliest_labels_with_their_probabilities(colours: Any) -> None:
    runtime, task = colours
    [answer] = task.decode(runtime.run(task.encode(task.parse_files(file(picture(GREEN))))))
    assert (answer["label"], next(iter(answer["scores"]))) == ("green", "green")
    assert answer["score"] == answer["scores"]["green"] > 0.99
    assert sum(answer["scores"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "image",
    [
        picture((255, 0, 0, 128), mode="RGBA"),
        picture(RED).convert("P"),
        picture((0, 255, 255, 0), mode="CMYK"),
    ],
)
def test_other_modes_become_colours(colours: Any, image: Image.Image) -> None:
    assert labels(colours, file(image, "JPEG" if image.mode == "CMYK" else "PNG")) == ["red"]


def test_sixteen_bits_keep_their_shades(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 32768, 65535]], np.uint16))
    task = ImageClassification(tmp_path, signature(TensorSpec(name="x", dtype="UINT8", shape=[-1, 1, 1, 3])))
    assert task.encode(task.parse_files(file(image)))["x"].ravel().tolist() == [0, 127, 255]


@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_set_upright(orientation: int) -> None:
    """As Pillow does it, which knows of no others than 1 to 8."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))
    content = file(image, "PNG", exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    [item] = images.parse(content, 100)
    assert np.array_equal(np.asarray(images.decoded(item, "RGB")), np.asarray(expected))
    assert (item.width, item.height) == expected.size


def test_a_long_strip_is_refused_before_it_is_resized_to_gigabytes(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at most 200 times as long"):
        processed(tmp_path, {"size": {"shortest_edge": 224}}, picture(RED, (1_000_000, 1)), [-1, 3, 224, 224])


def test_a_turned_photograph_is_set_upright(tmp_path: Path) -> None:
    image = picture(RED, (8, 4))
    image.paste(BLUE, (0, 0, 4, 4))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    task = ImageClassification(tmp_path, signature(TensorSpec(name="x", dtype="UINT8", shape=[-1, 3, 8, 4])))
    [item] = task.parse_files(file(image, "PNG", exif=exif))
    pixels = task.encode([item])["x"][0]
    assert (item.width, item.height) == (4, 8)
    assert pixels[:, 0, 0].tolist() == list(BLUE)
    assert pixels[:, -1, 0].tolist() == list(RED)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not an image"),
        (b"nothing", "not an image"),
        (file(picture(RED))[:60], "damaged|not an image"),
        (file(picture(RED, (300, 300)), "JPEG")[:800], "damaged"),
        (b"{", "not JSON"),
        (b"{}", "images was expected"),
        (b'{"image": 5}', "images was expected"),
        (b'{"images": []}', "0 images"),
        (b'{"image": "%%%"}', "not base64"),
        (b'{"image": "https://example.org/cat.png"}', "address"),
        (b'"file:///etc/passwd"', "address"),
        (b"--xyz\r\nno end", "no end"),
        (b"--xyz\r\n\r\n--xyz--", "no content"),
        (form(), "0 images"),
        (b"<svg></svg>", "not an image"),
    ],
)
def test_what_is_no_image_is_refused_with_what_was_expected(colours: Any, body: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        labels(colours, body)


def test_a_picture_too_large_is_refused_before_it_is_unpacked(colours: Any) -> None:
    _, task = colours
    bomb = file(Image.new("1", (20_000, 20_000)))
    assert len(bomb) < 100_000
    with pytest.raises(TooLarge, match="20000 × 20000"):
        task.parse_files(bomb)


def test_the_limit_is_the_services(folder: Path, colours: Any) -> None:
    task = ImageClassification(folder, colours[0].signature)
    task.max_image_pixels = 100
    with pytest.raises(TooLarge, match="at most 100"):
        task.parse_files(file(picture(RED, (11, 10))))


def signature(spec: TensorSpec) -> Signature:
    return Signature(inputs=[spec], outputs=[TensorSpec(name="logits", dtype="FP32", shape=[-1, 3])])


def processed(folder: Path, config: dict[str, Any], image: Image.Image, shape: list[int]) -> np.ndarray:
    (folder / "preprocessor_config.json").write_text(json.dumps(config))
    preprocess = Preprocessor(folder, signature(TensorSpec(name="x", dtype="FP32", shape=shape)))
    return preprocess([image])


def test_a_vision_transformers_settings_are_followed(tmp_path: Path) -> None:
    config = {"size": {"height": 8, "width": 8}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "resample": 2}
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8))
    expected = np.asarray(noise.resize((8, 8), Image.Resampling.BILINEAR)) / 255
    given = processed(tmp_path, config, noise, [-1, 3, 8, 8])
    assert given.shape == (1, 3, 8, 8)
    assert np.allclose(given[0], (expected.transpose(2, 0, 1) - 0.5) / 0.5, atol=1e-5)


def test_the_shortest_edge_is_scaled_and_the_middle_cut_out(tmp_path: Path) -> None:
    config = {
        "size": {"shortest_edge": 8},
        "do_center_crop": True,
        "crop_size": {"height": 6, "width": 6},
        "do_normalize": False,
        "resample": 0,
    }
    image = picture(RED, (32, 16))
    image.paste(BLUE, (12, 4, 20, 12))
    given = processed(tmp_path, config, image, [-1, 3, -1, -1])
    assert given.shape == (1, 3, 6, 6)
    assert given[0, :, 3, 3].tolist() == [0, 0, 1]
    assert given[0, :, 0, 0].tolist() == [1, 0, 0]


def test_channels_may_be_turned_around_and_last(tmp_path: Path) -> None:
    config = {"do_normalize": False, "size": {"height": 4, "width": 4}, "do_flip_channel_order": True}
    given = processed(tmp_path, config, picture(RED), [-1, 4, 4, 3])
    assert given.shape == (1, 4, 4, 3)
    assert given[0, 0, 0].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    "name",
    [
        "ViTImageProcessorPil",
        "ConvNextImageProcessorPil",
        "CLIPImageProcessorPil",
        "EfficientNetImageProcessorPil",
        "MobileViTImageProcessorPil",
    ],
)
def test_images_are_prepared_as_transformers_prepares_them(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (97, 143, 3), dtype=np.uint8)
    image = Image.fromarray(noise).resize((430, 291), Image.Resampling.BICUBIC)
    processor = getattr(transformers, name)()
    processor.save_pretrained(tmp_path)
    preprocess = Preprocessor(tmp_path, signature(TensorSpec(name="x", dtype="FP32", shape=[-1, 3, -1, -1])))
    assert np.allclose(preprocess([image]), processor(image, return_tensors="np")["pixel_values"], atol=1e-5)


def test_without_settings_the_models_size_and_imagenets_colours_are_taken(tmp_path: Path) -> None:
    preprocess = Preprocessor(tmp_path, signature(TensorSpec(name="x", dtype="FP32", shape=[-1, 3, 10, 12])))
    given = preprocess([picture(RED)])
    assert given.shape == (1, 3, 10, 12)
    assert given[0, 0, 0, 0] == pytest.approx((1 - 0.485) / 0.229)


@pytest.mark.parametrize("shape", [[-1, 4], [-1, 5, 8, 8], []])
def test_a_model_that_takes_no_image_is_told_so(tmp_path: Path, shape: list[int]) -> None:
    with pytest.raises(InvalidInput, match="no image"):
        Preprocessor(tmp_path, signature(TensorSpec(name="x", dtype="FP32", shape=shape)))


def test_probabilities_are_taken_by_their_word(tmp_path: Path) -> None:
    spec = TensorSpec(name="x", dtype="FP32", shape=[-1, 3, 4, 4])
    task = ImageClassification(tmp_path, signature(spec))
    [answer] = task.decode({"probabilities": np.array([[0.2, 0.7, 0.1]], np.float32)})
    assert answer["score"] == pytest.approx(0.7)
    assert answer["label"] == "LABEL_1"
