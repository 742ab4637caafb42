"""The tensors of a text model by its configuration alone, as transformers' own classes take and give them."""

from __future__ import annotations

from typing import Any

from jupyter_modeldeploy.records import Signature, TensorSpec

BATCH, BATCH_BY_LENGTH = [-1], [-1, -1]
WIDTHS = ("hidden_size", "dim", "d_model", "n_embd")
DEFAULT_CLASSES = 2


def signature(config: dict[str, Any], task: str) -> Signature | None:
    """`int64[batch, length]` for each input, float32 for the outputs; None where it takes the model itself to tell
    (encoder-decoders, models of anything but text)."""
    vocabulary = config.get("vocab_size")
    if not isinstance(vocabulary, int) or config.get("is_encoder_decoder") or "vision_config" in config:
        return None
    outputs = _outputs(config, task, vocabulary)
    if outputs is None:
        return None
    names = ["input_ids", "attention_mask"]
    types = config.get("type_vocab_size")
    if isinstance(types, int) and types > 1:
        names.append("token_type_ids")
    return Signature([TensorSpec(name, "INT64", BATCH_BY_LENGTH) for name in names], outputs)


def _outputs(config: dict[str, Any], task: str, vocabulary: int) -> list[TensorSpec] | None:
    match task:
        case "feature-extraction":
            width = next((config[name] for name in WIDTHS if isinstance(config.get(name), int)), -1)
            return [TensorSpec("last_hidden_state", "FP32", [*BATCH_BY_LENGTH, width])]
        case "text-classification":
            return [TensorSpec("logits", "FP32", [*BATCH, _classes(config)])]
        case "token-classification":
            return [TensorSpec("logits", "FP32", [*BATCH_BY_LENGTH, _classes(config)])]
        case "question-answering":
            return [TensorSpec(name, "FP32", BATCH_BY_LENGTH) for name in ("start_logits", "end_logits")]
        case "text-generation":
            return [TensorSpec("logits", "FP32", [*BATCH_BY_LENGTH, vocabulary])]
    return None


def _classes(config: dict[str, Any]) -> int:
    """A configuration that names no classes has the two of transformers' default."""
    names = config.get("id2label")
    return len(names) if isinstance(names, dict) else DEFAULT_CLASSES
