"""Images in, boxes with labels out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.signatures import Signature
from jupyter_modeldeploy.tasks import Tensors, images
from jupyter_modeldeploy.tasks.image_preprocessing import ImageInput
from jupyter_modeldeploy.tasks.model_config import class_names, in_order

DEFAULT_SIDE = 640
GREY = 114  # what YOLO's letterbox is filled with
MIN_SCORE = 0.25
MAX_OVERLAP = 0.45
MAX_CANDIDATES = 3000
MAX_BOXES = 300
JUDGED_MIN_SCORE, JUDGED_MAX_OVERLAP, JUDGED_CANDIDATES = 0.001, 0.7, 30_000


@dataclass(slots=True)
class _Letterbox:
    """Where an image lies in the model's square: it is scaled by `scale` and moved by `left` and `top` pixels."""

    scale: float
    left: int
    top: int

    def back(self, corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Boxes `float[boxes, 4]` of the square in the pixels of the image, whose width and height are `size`."""
        moved = (corners - np.array([self.left, self.top] * 2)) / self.scale
        inside: np.ndarray = moved.clip(0, np.array(size * 2))
        return inside


class ObjectDetection:
    """A model with the raw output of YOLO: `float[images, 4 + classes, anchors]`, its boxes as centre, width and height
    in pixels of the input (or the same transposed, also with YOLOv5's extra objectness).

    Names of the classes come from `id2label` of config.json or from labels.txt."""

    judged_as: ClassVar[tuple[str, ...]] = ("detection",)

    def __init__(self, folder: Path, signature: Signature) -> None:
        self._input = ImageInput(signature)
        self._height = self._input.height if self._input.height > 0 else DEFAULT_SIDE
        self._width = self._input.width if self._input.width > 0 else DEFAULT_SIDE
        self._names = class_names(folder)
        self.class_names = in_order(self._names)
        self.max_image_pixels = images.MAX_PIXELS

    def parse(self, body: Any) -> list[images.EncodedImage]:
        """The images of decoded JSON, `{"image": base64}` or `{"images": [base64, …]}`, or InvalidInput."""
        return images.parse_json(body, self.max_image_pixels)

    def parse_files(self, body: bytes) -> list[images.EncodedImage]:
        """The images of a body: a file as it is, a form with files, or JSON. Raises InvalidInput, TooLarge."""
        return images.parse(body, self.max_image_pixels)

    def encode(self, items: list[Any]) -> Tensors:
        """`float32[images, 3, height, width]` of 0…1: each image scaled to fit, with grey around it."""
        pixels = np.stack([self._letterboxed(item) for item in items])
        if pixels.ndim == 3:
            pixels = pixels[..., np.newaxis]
        if self._input.dtype.kind not in "ui":
            pixels = np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)
        return {self._input.name: self._input.tensor(pixels)}

    def decode(self, outputs: Tensors) -> list[Any]:
        """As `decode_items`, with boxes in the pixels of the model's input."""
        unmoved = _Letterbox(1.0, 0, 0)
        size = (self._width, self._height)
        return [self._answer(rows, unmoved, size) for rows in self._candidates(outputs)]

    def decode_items(self, items: list[Any], outputs: Tensors) -> list[Any]:
        """`{"boxes": [{"label", "score", "box": [x1, y1, x2, y2]}]}` per image, in its own pixels, best first."""
        rows = self._candidates(outputs)
        placed = [(self._place(item), (item.width, item.height)) for item in items]
        return [self._answer(one, *where) for one, where in zip(rows, placed, strict=True)]

    def judged_answers(self, items: list[Any], outputs: Tensors) -> list[np.ndarray]:
        """`float32[boxes, 6]` per image, best first: two corners as shares of its width and height, score, class. Every
        class of a box counts by itself, down to a score of 0.001, as mean average precisions are usually taken."""
        rows = self._candidates(outputs)
        return [self._judged(one, self._place(item), item) for one, item in zip(rows, items, strict=True)]

    def _place(self, item: images.EncodedImage) -> _Letterbox:
        scale = min(self._width / item.width, self._height / item.height)
        width, height = self._scaled(item, scale)
        return _Letterbox(scale, (self._width - width) // 2, (self._height - height) // 2)

    def _scaled(self, item: images.EncodedImage, scale: float) -> tuple[int, int]:
        return max(1, round(item.width * scale)), max(1, round(item.height * scale))

    def _letterboxed(self, item: images.EncodedImage) -> np.ndarray:
        picture = images.decoded(item, self._input.mode)
        place = self._place(item)
        picture = picture.resize(self._scaled(item, place.scale), Image.Resampling.BILINEAR)
        canvas = Image.new(self._input.mode, (self._width, self._height), GREY if picture.mode == "L" else (GREY,) * 3)
        canvas.paste(picture, (place.left, place.top))
        return np.asarray(canvas)

    def _candidates(self, outputs: Tensors) -> np.ndarray:
        """`float[images, anchors, 4 + classes]`. Raises InvalidInput for an output that is not YOLO's."""
        raw = next(iter(outputs.values()))
        if raw.ndim != 3 or min(raw.shape[1:]) < 5:
            raise InvalidInput(
                f"The model answers {list(raw.shape)}, not [images, 4 + classes, anchors].",
                "Export it without its own non-maximum suppression, or serve it as the task tensor.",
            )
        classes = len(self._names)
        rows = raw.transpose(0, 2, 1) if raw.shape[2] not in (4 + classes, 5 + classes) or not classes else raw
        if not classes and raw.shape[1] > raw.shape[2]:
            rows = raw
        if classes and rows.shape[2] == 5 + classes:
            rows = np.concatenate([rows[..., :4], rows[..., 5:] * rows[..., 4:5]], axis=-1)
        if classes and rows.shape[2] != 4 + classes:
            raise InvalidInput(
                f"The model answers {list(raw.shape)} for {classes} labels.", "Check id2label in config.json."
            )
        return np.asarray(rows, dtype=np.float32)

    def _answer(self, rows: np.ndarray, place: _Letterbox, size: tuple[int, int]) -> dict[str, Any]:
        labels = rows[:, 4:].argmax(axis=1)
        scores = rows[np.arange(len(rows)), 4 + labels]
        found = np.flatnonzero(scores >= MIN_SCORE)
        found = found[np.argsort(-scores[found], kind="stable")][:MAX_CANDIDATES]
        corners = _corners(rows[found, :4])
        kept = suppressed(corners, labels[found])
        boxes = place.back(corners[kept], size).round(2).tolist()
        numbers, likely = labels[found][kept].tolist(), scores[found][kept].tolist()
        return {
            "boxes": [
                {"label": self._names.get(number, f"LABEL_{number}"), "score": score, "box": box}
                for number, score, box in zip(numbers, likely, boxes, strict=True)
            ]
        }

    def _judged(self, rows: np.ndarray, place: _Letterbox, item: images.EncodedImage) -> np.ndarray:
        anchors, labels = np.nonzero(rows[:, 4:] >= JUDGED_MIN_SCORE)
        scores = rows[anchors, 4 + labels]
        best = np.argsort(-scores, kind="stable")[:JUDGED_CANDIDATES]
        corners = _corners(rows[anchors[best], :4])
        kept = suppressed(corners, labels[best], JUDGED_MAX_OVERLAP)
        size = (item.width, item.height)
        shares = place.back(corners[kept], size) / np.array(size * 2)
        return np.column_stack([shares, scores[best[kept]], labels[best[kept]]]).astype(np.float32)


def suppressed(corners: np.ndarray, labels: np.ndarray, overlap: float = MAX_OVERLAP) -> np.ndarray:
    """The positions of the boxes `float[boxes, 4]` (x1, y1, x2, y2; best first) that stay, 300 at most: greedy
    non-maximum suppression, each label by itself. A box goes when its intersection over union with a better one exceeds
    `overlap`."""
    apart = corners + (labels * (corners.max(initial=0) - corners.min(initial=0) + 1))[:, np.newaxis]
    areas = np.prod((apart[:, 2:] - apart[:, :2]).clip(0), axis=1)
    rest, kept = np.arange(len(apart)), list[np.intp]()
    while rest.size and len(kept) < MAX_BOXES:
        best, rest = rest[0], rest[1:]
        kept.append(best)
        low, high = np.maximum(apart[best, :2], apart[rest, :2]), np.minimum(apart[best, 2:], apart[rest, 2:])
        shared = np.prod((high - low).clip(0), axis=1)
        rest = rest[shared <= overlap * (areas[best] + areas[rest] - shared)]
    return np.array(kept, dtype=np.intp)


def _corners(boxes: np.ndarray) -> np.ndarray:
    """Centre, width and height to two corners."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)
