"""Images with one class each as rows, prepared as they are when the model is served."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import PretrainedConfig

from jupyter_modeldeploy.datasets.reader import LabelledImage
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.signatures import Signature, TensorSpec
from jupyter_modeldeploy.tasks import images
from jupyter_modeldeploy.tasks.image_preprocessing import (
    CONFIG,
    DEFAULT_SIDE,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Preprocessor,
    described,
)
from jupyter_modeldeploy.training.augmentation import Variation
from jupyter_modeldeploy.training.problem import Batch, Row

LARGER = 2
"""Images are varied at no more than this many times the side that the model takes: what is finer is lost anyway."""


class ImageRows:
    """Rows of `pixel_values` float32[channels, height, width] and `labels`, a class index. How a variation varies an
    image depends on the seed, the epoch and its number alone. What is decoded is kept in memory, as far as `room` bytes
    of pixels go."""

    lengths = None

    def __init__(
        self,
        examples: Sequence[LabelledImage],
        preparation: Preparation,
        variation: Variation | None = None,
        seed: int = 0,
        room: int = 0,
    ) -> None:
        self._examples, self._preparation, self._variation, self._seed = examples, preparation, variation, seed
        self._epoch = 0
        self._room, self._kept = room, dict[int, Image.Image]()
        self.labels = [example.label for example in examples]

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Row:
        picture = self._picture(index)
        if self._variation is not None:
            picture = self._variation(picture, self._seed, self._epoch, index)
        pixels = self._preparation.preprocess([picture])[0]
        return {"pixel_values": torch.from_numpy(pixels), "labels": self._examples[index].label}

    def _picture(self, index: int) -> Image.Image:
        """The image as it is varied from, which changes nothing of it."""
        if (kept := self._kept.get(index)) is not None:
            return kept
        path, preparation = self._examples[index].path, self._preparation
        try:
            picture = images.decoded(images.EncodedImage(path.read_bytes(), 0, 0), preparation.mode)
        except (OSError, InvalidInput) as error:
            raise InvalidInput(f"{path.name} cannot be read: {error}", "Replace the image.") from error
        if self._variation is not None:
            picture.thumbnail((LARGER * preparation.side,) * 2)
        if (size := picture.width * picture.height * len(picture.getbands())) <= self._room:
            self._kept[index] = picture
            self._room -= size
        return picture


class Preparation:
    """How images become what a model takes: as the base's preprocessor_config.json says, or stretched to a square where
    it has none; `side` pixels high and wide. `write` gives the version the same."""

    def __init__(self, base: Path, config: PretrainedConfig, side: int | None) -> None:
        said = described(base)
        self.side = side or _side(said) or _number(getattr(config, "image_size", None)) or DEFAULT_SIDE
        square = {"height": self.side, "width": self.side}
        if not said:
            said = {"image_processor_type": "ViTImageProcessor", "do_resize": True, "resample": 2, "size": square}
            said |= {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
            said |= {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD}
        elif side is not None:
            said = {**said, "do_center_crop": False, "do_resize": True, "size": square}
            said.pop("crop_pct", None)
        self._said = said
        self._channels = int(getattr(config, "num_channels", 3))
        signature = Signature([TensorSpec("pixel_values", "FP32", [-1, self._channels, self.side, self.side])], [])
        with tempfile.TemporaryDirectory() as folder:
            self.write(Path(folder))
            self.preprocess = Preprocessor(Path(folder), signature)
        self.mode = self.preprocess.input.mode

    def gives_the_same(self, other: Preparation) -> bool:
        """Whether an image becomes the same pixels by `other`."""
        mine, others = ((one._said, one.side, one.mode, one._channels) for one in (self, other))
        return mine == others

    def write(self, folder: Path) -> None:
        (folder / CONFIG).write_text(json.dumps(self._said, indent=2) + "\n")


def collate(rows: list[Row]) -> Batch:
    """`pixel_values` float32[rows, channels, height, width] and `labels` int64[rows]."""
    return {
        "pixel_values": torch.stack([row["pixel_values"] for row in rows]),
        "labels": torch.tensor([row["labels"] for row in rows]),
    }


def _side(said: dict[str, Any]) -> int | None:
    """Of what is cut out, else of what is resized to."""
    for name in ("crop_size", "size") if said.get("do_center_crop") else ("size",):
        size = said.get(name)
        if isinstance(size, dict):
            size = size.get("height") or size.get("shortest_edge")
        if (number := _number(size)) is not None:
            return number
    return None


def _number(size: Any) -> int | None:
    if isinstance(size, (list, tuple)) and size:
        size = size[0]
    return size if isinstance(size, int) and size > 0 else None
