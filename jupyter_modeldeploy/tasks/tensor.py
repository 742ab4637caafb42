"""Any model, spoken to in its own tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jupyter_modeldeploy import datatypes
from jupyter_modeldeploy.errors import InvalidInput, shown
from jupyter_modeldeploy.signatures import Signature
from jupyter_modeldeploy.tasks import Tensors

EXPECTED = 'Send {"inputs": {NAME: nested list}}.'


class Tensor:
    """`{"inputs": {name: nested list}}`, or for one input a bare list, in; `{name: nested list}` out.

    Where every input and output has a free first dimension each row is an item with an answer of its own;
    otherwise the whole request is one item."""

    def __init__(self, folder: Path, signature: Signature) -> None:
        self._inputs = signature.inputs
        self._wanted = datatypes.Inputs(signature.inputs)
        self._rows = all(spec.shape[:1] == [-1] for spec in signature.inputs + signature.outputs)

    def parse(self, body: Any) -> list[dict[str, np.ndarray]]:
        """One item per row, each `{name: array}` without the first dimension; or one item with the whole tensors.

        For a model of one input its values alone will do, as a list."""
        given = body.get("inputs") if isinstance(body, dict) else body
        if isinstance(given, list) and given and len(self._inputs) == 1:
            given = {self._inputs[0].name: given}
        if not isinstance(given, dict) or not given:
            raise InvalidInput(f"The request has no inputs: {shown(body)}.", EXPECTED)
        tensors = {
            spec.name: datatypes.to_array(given[spec.name], spec.dtype, spec.name)
            for spec in self._inputs
            if spec.name in given
        }
        self._wanted.check(tensors)
        if unknown := sorted(given.keys() - tensors.keys()):
            raise InvalidInput(
                f"The model has no input {unknown[0]!r}.", f"Inputs: {datatypes.described(self._inputs)}."
            )
        return self._split(tensors) if self._rows else [tensors]

    def encode(self, items: list[Any]) -> Tensors:
        """The items' arrays stacked; raises InvalidInput where their shapes differ."""
        if not self._rows:
            if len(items) != 1:
                raise InvalidInput("The model takes one item at a time: its first dimension is fixed.")
            return dict(items[0])
        try:
            return {spec.name: np.stack([item[spec.name] for item in items]) for spec in self._inputs}
        except ValueError as error:
            raise InvalidInput(f"The items cannot be stacked: {error}.", "Send them one by one.") from error

    def decode(self, outputs: Tensors) -> list[Any]:
        """`{output: nested list}` per row, or one with the whole tensors."""
        lists = {name: datatypes.to_lists(array) for name, array in outputs.items()}
        if not self._rows:
            return [lists]
        count = min((len(rows) for rows in lists.values()), default=0)
        return [{name: rows[index] for name, rows in lists.items()} for index in range(count)]

    def _split(self, tensors: Tensors) -> list[dict[str, np.ndarray]]:
        counts = {name: len(array) for name, array in tensors.items()}
        if len(set(counts.values())) != 1:
            raise InvalidInput(f"The inputs have different numbers of rows: {counts}.")
        count = next(iter(counts.values()))
        if count == 0:
            raise InvalidInput("The inputs have no rows.", EXPECTED)
        return [{name: array[index] for name, array in tensors.items()} for index in range(count)]
