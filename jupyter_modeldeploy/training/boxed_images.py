"""Images with boxes as rows: read, brought to squares and varied as ultralytics does it, and written nowhere, which it
would."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn.utils.rnn import pad_sequence

from jupyter_modeldeploy.datasets.reader import BoxedImage
from jupyter_modeldeploy.runtimes.offline_ultralytics import YOLODataset, get_cfg
from jupyter_modeldeploy.tasks.images import ORIENTATION
from jupyter_modeldeploy.training.options import Augmentation
from jupyter_modeldeploy.training.problem import Batch, Row

NONE = dict.fromkeys(("hsv_h", "hsv_s", "hsv_v", "translate", "scale", "fliplr", "mosaic", "mixup", "degrees"), 0.0)
LIGHT = {**NONE, "hsv_h": 0.015, "hsv_s": 0.3, "hsv_v": 0.2, "translate": 0.05, "scale": 0.15}
MEDIUM = {"hsv_h": 0.015, "hsv_s": 0.7, "hsv_v": 0.4, "translate": 0.1, "scale": 0.5, "fliplr": 0.5, "mosaic": 1.0}
STRONG = {"hsv_h": 0.03, "hsv_s": 0.9, "hsv_v": 0.6, "translate": 0.2, "scale": 0.8, "mixup": 0.15, "degrees": 10.0}
PRESETS: dict[Augmentation, dict[str, float]] = {
    "none": NONE,
    "light": LIGHT,
    "medium": {**NONE, **MEDIUM},
    "strong": {**NONE, **MEDIUM, **STRONG},
}
"""ultralytics' settings by preset; `medium` are its own defaults. As for classification, `light` mirrors nothing."""
SIDEWAYS = range(5, 9)
"""The orientations of EXIF in which width and height are swapped."""


class BoxRows:
    """Rows of `img` uint8[3, size, size], `cls` float32[boxes, 1] and `bboxes` float32[boxes, 4], which are centre,
    width and height as shares of the square. `labels` are what answers are judged by: for each image float32[boxes, 5],
    the class and two corners in pixels of the square.

    With an augmentation the rows are to learn from: how one is varied depends on the seed, the epoch and its number
    alone. From the epoch `plain_from` on images are no longer joined to mosaics."""

    lengths = None

    def __init__(
        self,
        images: Sequence[BoxedImage],
        classes: Sequence[str],
        size: int,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        plain_from: int = 0,
    ) -> None:
        self._images, self._size, self._seed, self._plain_from, self._epoch = images, size, seed, plain_from, 0
        settings = get_cfg(overrides=PRESETS[augmentation or "none"])
        self._source = _Source(images, classes, imgsz=size, augment=augmentation is not None, hyp=settings)
        self._mosaics = self._plain = self._source.transforms
        if self._source.augment:
            self._source.close_mosaic(settings)
            self._plain = self._source.transforms

    @cached_property
    def labels(self) -> Sequence[np.ndarray]:
        return [_in_square(image, self._size) for image in self._images]

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Row:
        if self._source.augment:
            drawn = np.random.SeedSequence((self._seed, self._epoch, index)).generate_state(2)
            random.seed(int(drawn[0]))
            np.random.seed(int(drawn[1]))
            self._source.transforms = self._plain if self._epoch >= self._plain_from else self._mosaics
        row: Row = self._source[index]
        return row


class _Source(YOLODataset):  # type: ignore[misc]  # it is untyped
    """ultralytics' dataset of these images, whose boxes it need not look for."""

    cache: str | None

    def __init__(self, images: Sequence[BoxedImage], classes: Sequence[str], **arguments: Any) -> None:
        self._images = images
        data = {"names": dict(enumerate(classes)), "nc": len(classes), "channels": 3}
        super().__init__(img_path="", data=data, **arguments)

    def get_img_files(self, img_path: str | list[str]) -> list[str]:
        return [str(image.path) for image in self._images]

    def get_labels(self) -> list[dict[str, Any]]:
        return [
            {
                "im_file": str(image.path),
                "cls": np.array([[box.label] for box in image.boxes], np.float32).reshape(-1, 1),
                "bboxes": np.array([box[1:] for box in image.boxes], np.float32).reshape(-1, 4),
                "segments": [],
                "normalized": True,
                "bbox_format": "xywh",
            }
            for image in self._images
        ]

    def build_transforms(self, hyp: Any) -> Any:
        kept, self.cache = self.cache, "ram"  # mosaics of any images, not of those that happen to be in memory
        transforms = super().build_transforms(hyp)
        self.cache = kept
        return transforms


def collate(rows: list[Row]) -> Batch:
    """`images` uint8[rows, 3, size, size]; `boxes` float32[rows, most boxes, 5], class and place, where −1 is no class;
    `labels` int64[rows], which say no more than that there is an image."""
    boxes = [torch.cat([row["cls"].reshape(-1, 1), row["bboxes"].reshape(-1, 4)], 1) for row in rows]
    return {
        "images": torch.stack([row["img"] for row in rows]),
        "boxes": pad_sequence(boxes, batch_first=True, padding_value=-1.0),
        "labels": torch.zeros(len(rows), dtype=torch.int64),
    }


def _in_square(image: BoxedImage, size: int) -> np.ndarray:
    width, height = _upright_size(image.path)
    scale = size / max(width, height)
    wide, high = (min(math.ceil(side * scale), size) for side in (width, height))
    left, top = round((size - wide) / 2 - 0.1), round((size - high) / 2 - 0.1)
    placed = np.array(image.boxes, np.float32).reshape(-1, 5)
    centre = placed[:, 1:3] * (wide, high) + (left, top)
    half = placed[:, 3:5] * (wide, high) / 2
    return np.concatenate([placed[:, :1], centre - half, centre + half], axis=1).astype(np.float32)


def _upright_size(path: Path) -> tuple[int, int]:
    with Image.open(path) as opened:
        width, height = opened.size
        return (height, width) if opened.getexif().get(ORIENTATION) in SIDEWAYS else (width, height)
