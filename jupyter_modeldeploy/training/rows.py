"""Labelled texts as token rows, and the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import Dataset, Sampler
from transformers import PreTrainedTokenizerBase
from transformers.trainer_pt_utils import get_length_grouped_indices

Example = tuple[str, int]
Row = dict[str, Any]


class TokenRows(Dataset[Row]):
    """Tokenised examples: what the tokenizer gives (`input_ids`, `attention_mask` …), without padding, and `labels`."""

    def __init__(self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, max_length: int) -> None:
        encoded = tokenizer([text for text, _ in examples], truncation=True, max_length=max_length)
        self.rows: list[Row] = [
            {**{name: values[index] for name, values in encoded.items()}, "labels": label}
            for index, (_, label) in enumerate(examples)
        ]
        self.lengths = [len(row["input_ids"]) for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def longest_first(self) -> TokenRows:
        """The same rows, so ordered that a batch needs little padding and the largest comes first."""
        order = sorted(range(len(self)), key=self.lengths.__getitem__, reverse=True)
        self.rows = [self.rows[index] for index in order]
        self.lengths = [self.lengths[index] for index in order]
        return self


class LengthGrouped(Sampler[int]):
    """A shuffled order in which neighbours are of similar length: less padding, faster steps.

    The order of an epoch depends on `seed` and the epoch alone. (The Trainer's own grouping draws from the global
    generator, so a run that is resumed in its second epoch would see the rows in another order.)"""

    def __init__(self, lengths: list[int], batch_size: int, seed: int) -> None:
        self._lengths, self._batch_size, self._seed = lengths, batch_size, seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        order: list[int] = get_length_grouped_indices(  # type: ignore[no-untyped-call]
            self._lengths, self._batch_size, generator=generator
        )
        return iter(order)
