"""Texts as token rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes.transformers import configuration, load_checkpoint
from jupyter_modeldeploy.training import heads
from jupyter_modeldeploy.training.problem import IGNORED, Batch, Row


class TokenRows:
    """Rows of token ids, what else the tokenizer gives (`attention_mask` …), and `labels`; without padding.

    `judged` are the labels that answers are compared with, the rows' own unless they are given."""

    def __init__(self, rows: list[Row], judged: Sequence[Any] | None = None) -> None:
        self.rows = rows
        self.lengths = [len(row["input_ids"]) for row in rows]
        self.labels: Sequence[Any] = [row["labels"] for row in rows] if judged is None else judged

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]


class Padding:
    """Makes a batch of rows: int64[batch, length of the longest]. Labels that are one for each token are padded with
    −100, others are stacked; labels of floats stay floats."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, labels_of_tokens: bool = False) -> None:
        # What is padded is masked: where a tokenizer has no padding token, any will do.
        self._fill = {"input_ids": tokenizer.pad_token_id or 0, "labels": IGNORED}
        self._right = tokenizer.padding_side == "right"
        self._labels_of_tokens = labels_of_tokens

    def __call__(self, rows: list[Row]) -> Batch:
        return {name: self._joined(name, [row[name] for row in rows]) for name in rows[0]}

    def _joined(self, name: str, values: list[Any]) -> torch.Tensor:
        if name == "labels" and not self._labels_of_tokens:
            return torch.tensor(values)
        tensors = [torch.tensor(value) for value in values]
        side = "right" if self._right else "left"
        return pad_sequence(tensors, batch_first=True, padding_value=self._fill.get(name, 0), padding_side=side)


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


def load_classifier(
    auto_class: Any, base: Path, classes: Sequence[str], teaches: bool = False, **config: Any
) -> PreTrainedModel:
    """The encoder in `base` with a head of `auto_class` for `classes`: its own where it fits, its outputs in their
    order, else one drawn by the global seed. Raises InvalidInput where the encoder's weights are missing or do not fit,
    and for one that `teaches` and has no such head of its own."""
    model = load_checkpoint(
        auto_class,
        base,
        lambda model, name: not teaches and (in_head(model)(name) or ".pooler." in name),
        id2label=dict(enumerate(classes)),
        label2id={name: index for index, name in enumerate(classes)},
        **config,
    )
    named = configuration(base).id2label
    if not heads.align(model, named, classes, in_head(model)) and teaches:
        raise heads.teaches_other_classes(named, classes)
    return model


def in_head(model: PreTrainedModel) -> Callable[[str], bool]:
    """Whether a parameter belongs to the classification head and not to the encoder."""
    prefix = f"{model.base_model_prefix}."
    return lambda parameter: not parameter.startswith(prefix)


def saving(tokenizer: PreTrainedTokenizerBase) -> Callable[[PreTrainedModel, Path], None]:
    """Writes config.json, model.safetensors (or the adapters alone) and the tokenizer's files."""

    def save(model: PreTrainedModel, out: Path) -> None:
        model.save_pretrained(out)
        tokenizer.save_pretrained(out)

    return save
