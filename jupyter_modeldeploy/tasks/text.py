"""What the text tasks share: requests of texts, and a tokenizer that makes them into tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from jupyter_modeldeploy.errors import InvalidInput, NotFound, TooLarge, shown
from jupyter_modeldeploy.json_files import read_json
from jupyter_modeldeploy.signatures import Signature
from jupyter_modeldeploy.tasks import Tensors
from jupyter_modeldeploy.tasks.model_config import max_tokens

MAX_TEXTS = 1024
MAX_CHARACTERS = 100_000
_ROLES = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
_EXPECTED = 'Send {"text": "…"} or {"texts": ["…", …]}.'


def parse_texts(body: Any, max_characters: int = MAX_CHARACTERS) -> list[str]:
    """The texts of `{"text": str}`, `{"texts": [str, …]}`, `"str"` or `[str, …]`.

    Raises InvalidInput for anything else, an empty list or more than 1024 texts, TooLarge for a text of more than
    `max_characters`."""
    if isinstance(body, dict):
        keys = [key for key in ("text", "texts") if key in body]
        if len(keys) != 1 or len(body) != 1 or isinstance(body[keys[0]], str) != (keys == ["text"]):
            raise InvalidInput(f"A request of texts was expected, not {shown(body)}.", _EXPECTED)
        body = body[keys[0]]
    texts = [body] if isinstance(body, str) else body
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidInput(f"Texts were expected, not {shown(body)}.", _EXPECTED)
    if not 1 <= len(texts) <= MAX_TEXTS:
        raise InvalidInput(f"The request has {len(texts)} texts.", f"Send 1 to {MAX_TEXTS}.")
    if (longest := max(map(len, texts))) > max_characters:
        raise TooLarge(
            f"A text has {longest} characters; the limit max_text_characters is {max_characters}.", "Send less at once."
        )
    return texts


class TextEncoder:
    """`tokenizer.json` as a function from texts to `int64[texts, tokens]` inputs.

    Texts are cut to what the model takes and padded to the longest of the batch, or to the model's length where that
    is fixed. Only those inputs are made that the signature has. Raises NotFound without a tokenizer, InvalidInput
    where the model needs an input that no tokenizer makes."""

    def __init__(self, folder: Path, signature: Signature) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise NotFound(f"{folder.name} has no tokenizer.json.", "Save the model with its fast tokenizer.")
        unknown = [spec.name for spec in signature.inputs if spec.name not in _ROLES]
        if unknown:
            raise InvalidInput(f"The model's input {unknown[0]!r} is none that a tokenizer makes: {', '.join(_ROLES)}.")
        self._inputs = [(spec.name, _ROLES[spec.name], spec.dtype) for spec in signature.inputs]
        fixed = next((spec.shape[1] for spec in signature.inputs if len(spec.shape) > 1 and spec.shape[1] > 0), None)
        self.max_tokens = fixed or max_tokens(folder)
        self._tokenizer = _load(path)
        self._tokenizer.enable_truncation(self.max_tokens)
        self._pad(read_json(folder / "tokenizer_config.json"), fixed)

    def encode(self, texts: list[str]) -> Tensors:
        """`int64[texts, tokens]` by input name (or `int32`, where the model asks for it)."""
        encodings = self._tokenizer.encode_batch(texts)
        return {
            name: np.array([getattr(encoding, role) for encoding in encodings], dtype=dtype.replace("INT", "int"))
            for name, role, dtype in self._inputs
        }

    def _pad(self, config: dict[str, Any], length: int | None) -> None:
        known = self._tokenizer.padding or {}
        token = config.get("pad_token") or known.get("pad_token") or "[PAD]"
        token = token["content"] if isinstance(token, dict) else token
        identifier = self._tokenizer.token_to_id(token)
        self._tokenizer.enable_padding(
            pad_id=known.get("pad_id", 0) if identifier is None else identifier,
            pad_token=token,
            pad_type_id=known.get("pad_type_id", 0),
            length=length,
        )


def _load(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise InvalidInput(f"tokenizer.json cannot be read: {error}.") from error
