"""The classifier that is fine-tuned: its tokenizer, its encoder with a head, its optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes.transformers import load_checkpoint
from jupyter_modeldeploy.training.options import FinetuneOptions


def load_tokenizer(base: Path, max_length: int) -> PreTrainedTokenizerBase:
    """The fast tokenizer in `base`, which from now on cuts at `max_length` tokens. Raises InvalidInput without one."""
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            base, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{base.name} has no usable tokenizer: {error}", "Fetch a checkpoint with its tokenizer.json."
        ) from error
    if not tokenizer.is_fast:
        raise InvalidInput(f"{base.name} has no tokenizer.json.", "Choose a checkpoint with a fast tokenizer.")
    tokenizer.model_max_length = min(tokenizer.model_max_length, max_length)
    return tokenizer


def load_classifier(base: Path, classes: Sequence[str]) -> PreTrainedModel:
    """The encoder in `base` with a head for `classes`: its own where it fits, else one drawn by the global seed.

    Raises InvalidInput where the encoder's weights are missing or do not fit."""
    return load_checkpoint(
        AutoModelForSequenceClassification,
        base,
        lambda model, name: in_head(model, name) or ".pooler." in name,
        id2label=dict(enumerate(classes)),
        label2id={name: index for index, name in enumerate(classes)},
        problem_type="single_label_classification",
    )


def in_head(model: PreTrainedModel, parameter: str) -> bool:
    """Whether the parameter belongs to the classification head and not to the encoder."""
    return not parameter.startswith(f"{model.base_model_prefix}.")


def make_optimizer(model: PreTrainedModel, options: FinetuneOptions) -> torch.optim.Optimizer:
    """AdamW. A head that begins at random may learn faster than an encoder that should keep what it knows."""
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault((in_head(model, name), parameter.ndim > 1), []).append(parameter)
    return torch.optim.AdamW(
        {
            "params": parameters,
            "lr": options.head_learning_rate if head else options.learning_rate,
            "weight_decay": options.weight_decay if matrices else 0.0,
        }
        for (head, matrices), parameters in groups.items()
    )
