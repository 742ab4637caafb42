"""Texts in, labels with their probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.signatures import Signature
from jupyter_modeldeploy.tasks import Tensors
from jupyter_modeldeploy.tasks.model_config import class_names, in_order
from jupyter_modeldeploy.tasks.probabilities import probabilities
from jupyter_modeldeploy.tasks.text import MAX_CHARACTERS, TextEncoder, parse_texts


class TextClassification:
    """A tokenizer, a model whose `logits` are `float[texts, classes]`, and the names in `config.json`'s `id2label`.

    Classes without a name are called `LABEL_0`, `LABEL_1` …, as transformers does."""

    judged_as: ClassVar[tuple[str, ...]] = ("single-label", "multi-label")

    def __init__(self, folder: Path, signature: Signature) -> None:
        self._encoder = TextEncoder(folder, signature)
        self.max_tokens = self._encoder.max_tokens
        self.max_text_characters = MAX_CHARACTERS
        self._names = class_names(folder)
        self.class_names = in_order(self._names)
        self._independent = read_json(folder / "config.json").get("problem_type") == "multi_label_classification"

    def parse(self, body: Any) -> list[str]:
        """The texts of `{"text": str}`, `{"texts": [str, …]}`, `"str"` or `[str, …]`, or InvalidInput, TooLarge."""
        return parse_texts(body, self.max_text_characters)

    def encode(self, items: list[Any]) -> Tensors:
        """`int64[texts, tokens]` for each of the model's inputs."""
        return self._encoder.encode(items)

    def decode(self, outputs: Tensors) -> list[Any]:
        """`{"label": …, "score": …, "scores": {label: probability}}` per text, the likeliest label first."""
        logits = self._logits(outputs)
        names = [self._names.get(index, f"LABEL_{index}") for index in range(logits.shape[1])]
        return [_answer(names, row) for row in probabilities(logits, self._independent).tolist()]

    def judged_answers(self, items: list[Any], outputs: Tensors) -> list[np.ndarray]:
        """`float32[classes]` per text."""
        return list(self._logits(outputs))

    def _logits(self, outputs: Tensors) -> np.ndarray:
        logits = outputs["logits"] if "logits" in outputs else next(iter(outputs.values()))
        if logits.ndim != 2 or (self._names and logits.shape[1] != len(self._names)):
            raise InvalidInput(
                f"The model answers {list(logits.shape)}, not one number for each of {len(self._names)} labels.",
                "Check id2label in config.json and the model's task.",
            )
        return logits


def _answer(names: list[str], row: list[float]) -> dict[str, Any]:
    ranked = sorted(zip(names, row, strict=True), key=lambda pair: -pair[1])
    return {"label": ranked[0][0], "score": ranked[0][1], "scores": dict(ranked)}
