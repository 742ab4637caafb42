"""Images in, labels with their probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.signatures import Signature
from jupyter_modeldeploy.tasks import Tensors, images
from jupyter_modeldeploy.tasks.image_preprocessing import Preprocessor
from jupyter_modeldeploy.tasks.model_config import class_names, in_order
from jupyter_modeldeploy.tasks.probabilities import probabilities

TOP = 5
LEAST = 1e-12


class ImageClassification:
    """`preprocessor_config.json`, a model whose `logits` are `float[images, classes]`, and names for its classes in
    `id2label` of config.json or the lines of labels.txt (else `LABEL_0`, `LABEL_1` …).

    A model that answers with probabilities already (each row sums to 1) is taken by its word."""

    judged_as: ClassVar[tuple[str, ...]] = ("single-label",)

    def __init__(self, folder: Path, signature: Signature) -> None:
        self._preprocess = Preprocessor(folder, signature)
        self._names = class_names(folder)
        self.class_names = in_order(self._names)
        self._independent = read_json(folder / "config.json").get("problem_type") == "multi_label_classification"
        self.max_image_pixels = images.MAX_PIXELS

    def parse(self, body: Any) -> list[images.EncodedImage]:
        """The images of decoded JSON, `{"image": base64}` or `{"images": [base64, …]}`, or InvalidInput."""
        return images.parse_json(body, self.max_image_pixels)

    def parse_files(self, body: bytes) -> list[images.EncodedImage]:
        """The images of a body: a file as it is, a form with files, or JSON. Raises InvalidInput, TooLarge."""
        return images.parse(body, self.max_image_pixels)

    def encode(self, items: list[Any]) -> Tensors:
        """`float32[images, channels, height, width]`, or whatever layout the model takes."""
        mode = self._preprocess.input.mode
        return {self._preprocess.input.name: self._preprocess(images.decoded(item, mode) for item in items)}

    def decode(self, outputs: Tensors) -> list[Any]:
        """`{"label": …, "score": …, "scores": {label: probability}}` per image; `scores` has the likeliest five."""
        logits = self._logits(outputs)
        scores = logits.astype(np.float64) if _sums_to_one(logits) else probabilities(logits, self._independent)
        return [self._answer(row) for row in scores]

    def judged_answers(self, items: list[Any], outputs: Tensors) -> list[np.ndarray]:
        """`float[classes]` per image; of probabilities their logarithms, which are logits too."""
        logits = self._logits(outputs)
        return list(np.log(logits.clip(LEAST)) if _sums_to_one(logits) else logits)

    def _logits(self, outputs: Tensors) -> np.ndarray:
        logits = outputs["logits"] if "logits" in outputs else next(iter(outputs.values()))
        logits = logits.reshape(len(logits), -1) if logits.ndim in (1, 4) else logits
        if logits.ndim != 2 or (self._names and logits.shape[1] != len(self._names)):
            raise InvalidInput(
                f"The model answers {list(logits.shape)}, not one number for each of {len(self._names)} labels.",
                "Check id2label in config.json and the model's task.",
            )
        return logits

    def _answer(self, row: np.ndarray) -> dict[str, Any]:
        best = np.argsort(-row, kind="stable")[:TOP]
        ranked = {self._names.get(int(index), f"LABEL_{index}"): float(row[index]) for index in best}
        label = next(iter(ranked))
        return {"label": label, "score": ranked[label], "scores": ranked}


def _sums_to_one(rows: np.ndarray) -> bool:
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1, dtype=np.float64), 1, atol=1e-3))
