"""Texts in, one embedding each out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.signatures import Signature
from jupyter_modeldeploy.tasks import Tensors
from jupyter_modeldeploy.tasks.text import MAX_CHARACTERS, TextEncoder, parse_texts


class FeatureExtraction:
    """Sentence embeddings of unit length, as sentence-transformers makes them with mean pooling.

    Of the model's outputs the first `float[texts, tokens, hidden]` is averaged over the tokens that the attention mask
    keeps; a model that pools by itself gives `float[texts, hidden]`."""

    def __init__(self, folder: Path, signature: Signature) -> None:
        self._encoder = TextEncoder(folder, signature)
        self.max_tokens = self._encoder.max_tokens
        self.max_text_characters = MAX_CHARACTERS
        ranks = {spec.name: len(spec.shape) for spec in signature.outputs}
        pooled = [name for name in ranks if name == "sentence_embedding"]
        candidates = pooled or [name for name in ranks if ranks[name] == 3] or [n for n in ranks if ranks[n] == 2]
        if not candidates:
            raise InvalidInput(f"The model has no embeddings among its outputs {list(ranks)}.")
        self._output = candidates[0]

    def parse(self, body: Any) -> list[str]:
        """The texts of `{"text": str}`, `{"texts": [str, …]}`, `"str"` or `[str, …]`, or InvalidInput, TooLarge."""
        return parse_texts(body, self.max_text_characters)

    def encode(self, items: list[Any]) -> Tensors:
        """`int64[texts, tokens]` for each of the model's inputs."""
        return self._encoder.encode(items)

    def decode(self, outputs: Tensors) -> list[Any]:
        """`{"embedding": [float, …]}` per text. `outputs` holds `attention_mask` too where the model gives tokens."""
        embeddings = outputs[self._output].astype(np.float64)
        if embeddings.ndim == 3:
            if "attention_mask" not in outputs:
                raise InvalidInput("The attention mask is needed to average the tokens.", "Pass it with the outputs.")
            embeddings = mean_pooled(embeddings, outputs["attention_mask"])
        norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
        return [{"embedding": row} for row in (embeddings / np.maximum(norms, 1e-12)).tolist()]


def mean_pooled(tokens: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """`float[texts, hidden]`: the mean of `float[texts, tokens, hidden]` where `int[texts, tokens]` is 1
    (Reimers and Gurevych 2019, Sentence-BERT)."""
    weights = mask[..., None].astype(tokens.dtype)
    return np.asarray((tokens * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9))
