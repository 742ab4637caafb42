"""Rows of several requests in one run of the model, and one request's rows in several."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Hashable

import numpy as np

from jupyter_modeldeploy.datatypes import NUMPY, Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, OutOfMemory
from jupyter_modeldeploy.serving.execution.memory import peak_bytes_of
from jupyter_modeldeploy.serving.execution.pace import fastest_size, row_size, shortened
from jupyter_modeldeploy.serving.execution.trials import made_up, same
from jupyter_modeldeploy.signatures import Signature, TensorSpec

MIN_CHUNK_ROWS = 16
CHUNK_BYTES = 2**20
ASSUMED_SIDE = 512  # of a free dimension, where a row's size is estimated
MEMORY_TRIAL_S = 0.5
BUDGET_SHARE = 0.8  # the rest is for requests and answers, and for other models' runs at the same time
TOKEN_INPUTS = frozenset(("input_ids", "attention_mask", "token_type_ids"))
TOKEN_TRIALS = (7, 4)

Run = Callable[[Tensors], Tensors]

log = logging.getLogger(__name__)


class Batching:
    """How rows share runs of one model.

    Rows do so only where they are known not to touch each other: `learn` tries it. Then a run takes up to `chunk_rows`
    rows: a larger request is split, and a chunk for which the memory does not suffice is halved for good. Where the
    model takes a fixed number of rows, fewer are filled up with zeros, and the answer is cut. Requests of tokens of
    unequal length are filled up too, with an attention mask of 0, if a trial gives the same answers."""

    def __init__(self, signature: Signature, max_rows: int | None = None, automatic: int | None = None) -> None:
        specs = signature.inputs + signature.outputs
        firsts = {spec.shape[0] if spec.shape else None for spec in specs}
        first = firsts.pop() if len(firsts) == 1 else None
        self.free = first == -1
        self.fixed = first if first and first > 0 and all(len(spec.shape) > 1 for spec in specs) else None
        self.independent = False
        self.fills_tokens = False
        self._signature = signature
        self._by_length = [spec.name for spec in signature.outputs if spec.shape[1:2] == [-1]]
        self._most = self.fixed or max_rows or 2**31
        self._automatic = automatic or _automatic_rows(signature.inputs)
        self.chunk_rows = min(self._automatic, self._most)
        self._pace = self._fastest_size = math.inf

    @property
    def as_they_are(self) -> float:
        """Requests of up to so many rows need neither splitting nor filling up."""
        if not self.independent:
            return math.inf
        return 0 if self.fixed else self.chunk_rows

    def configure(self, max_batch_rows: int) -> None:
        """Let so many rows share a run; 0 chooses by their size and by what was measured. What memory or the model does
        not allow stays so."""
        self.chunk_rows = min(max_batch_rows or self._automatic, self._most)
        self._pace = math.inf if max_batch_rows else self._fastest_size

    def rows_at_once(self, size: float) -> int:
        """How many rows of `size` values should share a run."""
        return self.chunk_rows if size * self.chunk_rows <= self._pace else max(1, int(self._pace // size))

    def assume_independent(self) -> None:
        """Rows of texts don't touch each other, by the nature of the models."""
        self.independent = self.free or self.fixed is not None

    def learn(self, run: Run, side: int) -> None:
        """Find out whether rows may share a run: two together must answer as each does alone."""
        if self.free:
            alone = [made_up(self._signature.inputs, seed, side) for seed in (0, 1)]
            separate = _joined([run(tensors) for tensors in alone])
            together = run(_joined(alone))
            self.independent = all(same(separate[name], together[name]) for name in together)
        elif self.fixed == 1:
            self.independent = True
        elif self.fixed:
            whole = made_up(self._signature.inputs, 0, side)
            half = self.fixed // 2
            expected = run(whole)
            given = run(_filled({name: array[:half] for name, array in whole.items()}, self.fixed))
            self.independent = all(same(expected[name][:half], given[name][:half]) for name in expected)

    def learn_tokens(self, run: Run) -> None:
        """Find out whether texts of unequal length may share a run."""
        inputs = self._signature.inputs
        fits = {spec.name for spec in inputs} <= TOKEN_INPUTS and all(spec.shape == [-1, -1] for spec in inputs)
        if not (fits and self.independent and any(spec.name == "attention_mask" for spec in inputs)):
            return
        works = [made_up(inputs, length, length) for length in TOKEN_TRIALS]
        try:
            alone = [run(work) for work in works]
            together = self._parted(run(_joined(_lengthened(works))), [1, 1], _lengths(works))
        except ModelDeployError as error:
            log.info("texts of unequal length run apart: %s", error.message)
            return
        self.fills_tokens = all(
            same(one[name], two[name]) for one, two in zip(alone, together, strict=True) for name in one
        )

    def learn_memory(self, run: Run, row: Tensors, budget: int) -> None:
        """Find out how many such rows a run may take with the process within `budget` bytes: as many as were tried."""
        rows, until = 1, time.perf_counter() + MEMORY_TRIAL_S
        while self.independent and not self.fixed and rows * 2 <= self.chunk_rows:
            more = {name: np.repeat(array[:1], rows * 2, axis=0) for name, array in row.items()}
            peak = peak_bytes_of(lambda more=more: run(more))  # type: ignore[misc]
            if peak is None:
                return
            if peak > budget * BUDGET_SHARE or time.perf_counter() > until:
                log.info("a run takes %d rows: with %d the process had %d MiB", rows, rows * 2, peak >> 20)
                self._most = self.chunk_rows = rows
            rows *= 2

    def learn_pace(self, run: Run, row: Tensors, clock: Callable[[], float] = time.process_time) -> None:
        """Find out how many such rows a run answers fastest, as `clock` tells."""
        if self.independent and not self.fixed and _aligned(row):
            free = {spec.name for spec in self._signature.inputs if self.fills_tokens and spec.shape[1] == -1}
            try:
                self._pace = self._fastest_size = fastest_size(run, shortened(row, free), self.chunk_rows, clock)
            except ModelDeployError as error:
                log.info("rows share runs by their size alone: %s", error.message)

    def key(self, tensors: Tensors) -> Hashable | None:
        """Requests of one key may share a run; None shares with nobody."""
        if not self.independent or not _aligned(tensors):
            return None
        if self.fills_tokens and self._are_tokens(tensors):
            return "tokens", next(iter(tensors.values())).shape[1].bit_length()  # up to twice as long: more is waste
        return tuple((name, array.dtype, array.shape[1:]) for name, array in sorted(tensors.items()))

    def run(self, run: Run, works: list[Tensors]) -> list[Tensors]:
        """The outputs of each, from as few runs as may be. Raises OutOfMemory where one row alone is too much."""
        if len(works) == 1:
            return [self.run_rows(run, works[0])]
        rows = [count_rows(tensors) for tensors in works]
        lengths = _lengths(works) if self.fills_tokens else None
        joined = _joined(_lengthened(works) if lengths else works)
        return self._parted(self.run_rows(run, joined), rows, lengths)

    def run_rows(self, run: Run, tensors: Tensors) -> Tensors:
        """The outputs for all rows, from one run or, where they don't fit into one, several."""
        rows = count_rows(tensors)
        most = self.chunk_rows if rows < 2 or self.fixed else self.rows_at_once(row_size(tensors))
        whole = rows == 0 or (rows <= most and not self.fixed)
        if whole or not self.independent or not _aligned(tensors):
            return self._run_unless_memory(run, tensors, rows)
        parts, start = [], 0
        while start < rows:
            size = min(most, self.chunk_rows, rows - start)  # which a lack of memory may have halved
            part = tensors if size == rows else {n: array[start : start + size] for n, array in tensors.items()}
            parts.append(self._run_unless_memory(run, part, size))
            start += size
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _run_unless_memory(self, run: Run, tensors: Tensors, rows: int) -> Tensors:
        try:
            if not (self.fixed and self.independent) or rows == self.fixed:
                return run(tensors)
            outputs = run(_filled(tensors, self.fixed))
            return {name: array[:rows] for name, array in outputs.items()}
        except OutOfMemory:
            if rows < 2 or self.fixed or not self.independent or not _aligned(tensors):
                raise
            self._most = self.chunk_rows = max(1, min(self.chunk_rows, rows) // 2)
            log.warning("out of memory with %d rows: from now on a run takes %d", rows, self.chunk_rows)
        return self.run_rows(run, tensors)

    def _are_tokens(self, tensors: Tensors) -> bool:
        """Whether these are the model's inputs: only then may they be joined with those of another length."""
        return (
            len({array.shape for array in tensors.values()}) == 1
            and len(tensors) == len(self._signature.inputs)
            and all(
                spec.name in tensors and tensors[spec.name].ndim == 2 and tensors[spec.name].dtype == NUMPY[spec.dtype]
                for spec in self._signature.inputs
            )
        )

    def _parted(self, outputs: Tensors, rows: list[int], lengths: list[int] | None) -> list[Tensors]:
        parted = _split(outputs, rows)
        for part, length in zip(parted, lengths or [], strict=False):
            for name in self._by_length:
                part[name] = part[name][:, :length]
        return parted


def count_rows(tensors: Tensors) -> int:
    """The number of rows, by the first input; 1 where that is a scalar."""
    first = next(iter(tensors.values()), None)
    return 1 if first is None or first.ndim == 0 else len(first)


def _automatic_rows(inputs: list[TensorSpec]) -> int:
    row_bytes = sum(
        NUMPY[spec.dtype].itemsize * math.prod(ASSUMED_SIDE if size < 0 else max(size, 1) for size in spec.shape[1:])
        for spec in inputs
    )
    return max(MIN_CHUNK_ROWS, CHUNK_BYTES // max(row_bytes, 1))


def _aligned(tensors: Tensors) -> bool:
    """Whether row n of each input belongs to row n of the others (and none is broadcast)."""
    return all(array.ndim > 0 for array in tensors.values()) and len({len(array) for array in tensors.values()}) == 1


def _filled(tensors: Tensors, rows: int) -> Tensors:
    """With rows of zeros at the end, so that there are `rows`."""
    filled = {}
    for name, array in tensors.items():
        filled[name] = np.zeros((rows, *array.shape[1:]), array.dtype)
        if array.dtype == np.object_:
            filled[name].fill(b"")
        filled[name][: len(array)] = array
    return filled


def _lengths(works: list[Tensors]) -> list[int]:
    return [next(iter(tensors.values())).shape[1] for tensors in works]


def _lengthened(works: list[Tensors]) -> list[Tensors]:
    """Each with columns of zeros at the end, so that all are as long as the longest."""
    longest = max(_lengths(works))
    return [
        {name: np.pad(array, ((0, 0), (0, longest - array.shape[1]))) for name, array in tensors.items()}
        for tensors in works
    ]


def _joined(works: list[Tensors]) -> Tensors:
    return {name: np.concatenate([tensors[name] for tensors in works]) for name in works[0]}


def _split(outputs: Tensors, rows: list[int]) -> list[Tensors]:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != sum(rows):
            raise InvalidInput(f"The output {name!r} has the shape {list(array.shape)} for {sum(rows)} rows.")
    bounds = np.cumsum(rows)[:-1]
    pieces = {name: np.split(array, bounds) for name, array in outputs.items()}
    return [{name: arrays[index] for name, arrays in pieces.items()} for index in range(len(rows))]
