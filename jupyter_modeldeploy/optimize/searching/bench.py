"""Candidates timed against each other: in rounds, in each of which every one has its turn, forth and back, so that a
machine whose pace changes favours none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from jupyter_modeldeploy.errors import ModelDeployError, TimedOut
from jupyter_modeldeploy.optimize.searching.apart import Apart
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.records.optimizations import Layout, Spread, Timing

log = logging.getLogger(__name__)
TIMING = "jupyter_modeldeploy.optimize.searching.timing"
LIBRARY_BYTES = {Format.onnx: 150 * 2**20, Format.openvino: 150 * 2**20}
TORCH_BYTES = 800 * 2**20
MEMORY_SHARE = 0.5
"""Of what is available, for models that are held ready for their next turn."""


class Form(NamedTuple):
    """A model as files that a runtime loads."""

    folder: Path
    format: Format
    size_bytes: int

    @property
    def memory_bytes(self) -> int:
        """About what a process takes that holds it."""
        return 3 * self.size_bytes + LIBRARY_BYTES.get(self.format, TORCH_BYTES)


class Turn(NamedTuple):
    """A candidate in one layout."""

    name: str
    layout: Layout


@dataclass
class _Measured:
    """The turns of one candidate in one layout, by round."""

    ms: list[list[float]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    @property
    def medians(self) -> list[float]:
        return [float(np.median(times)) for times in self.ms]


class Bench:
    """Forms by the names of their candidates, run on batches in the folder `inputs`. To be used in a `with`."""

    def __init__(self, forms: Mapping[str, Form], inputs: Path, device: str) -> None:
        self._forms, self._inputs, self._device = forms, inputs, device
        self._open: dict[str, Apart] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *ended: object) -> None:
        for one in self._open.values():
            one.close()
        self._open.clear()

    def rounds(
        self,
        turns: Sequence[Turn],
        reference: str,
        rounds: int,
        seconds: float,
        timeout_s: Callable[[], float],
        tell: Callable[[float], None],
    ) -> tuple[dict[Turn, Timing], dict[str, ModelDeployError]]:
        """The timings of all turns, each `seconds` long in each round, and what went wrong with the candidates that are
        not among them. `reference` is the candidate that all are compared with. Raises what goes wrong with that one,
        and TimedOut when there is no time left. `tell` gets the share done."""
        found: dict[Turn, _Measured] = {turn: _Measured() for turn in turns}
        failed: dict[str, ModelDeployError] = {}
        for number in range(rounds):
            for place, turn in enumerate(turns if number % 2 == 0 else [*reversed(turns)]):
                tell((number + place / len(turns)) / rounds)
                if turn.name in failed:
                    continue
                question = {"layout": turn.layout.model_dump(), "seconds": seconds}
                try:
                    answer = self._process(turn.name).ask(question, timeout_s())
                except TimedOut:
                    raise
                except ModelDeployError as error:
                    if turn.name == reference:
                        raise
                    failed[turn.name] = error
                    self._close(turn.name)
                    continue
                found[turn].ms.append(answer["ms"])
                found[turn].rates.append(answer["rows_per_s"])
        base = _best({turn: one for turn, one in found.items() if turn.name == reference})
        timings = {turn: _timing(turn, one, base) for turn, one in found.items() if turn.name not in failed}
        return timings, failed

    def peak_bytes(self, name: str, layout: Layout, timeout_s: float) -> int:
        """Of a fresh process that loads the model and runs each batch once: what a service's process needs."""
        process = self._started(name)
        try:
            return int(process.ask({"layout": layout.model_dump()}, timeout_s)["peak_bytes"])
        finally:
            process.close()

    def _process(self, name: str) -> Apart:
        """The candidate's process, moved to the end of those that were used longest ago."""
        process = self._open.pop(name, None)
        if process is None or process.ended:
            process = self._started(name)
        self._open[name] = process
        return process

    def _started(self, name: str) -> Apart:
        form = self._forms[name]
        while self._open and form.memory_bytes > MEMORY_SHARE * psutil.virtual_memory().available:
            self._close(next(iter(self._open)))
        return Apart(TIMING, str(form.folder), form.format.value, self._device, str(self._inputs))

    def _close(self, name: str) -> None:
        if name in self._open:
            self._open.pop(name).close()


class _Base(NamedTuple):
    """The reference in each round: its quickest median of one row after the other, and the most rows a second."""

    ms: list[float]
    rates: list[float]


def _best(turns: Mapping[Turn, _Measured]) -> _Base:
    """By round, of its layouts the one that was best then: one that others on the machine disturb is no measure."""
    medians = [one.medians for turn, one in turns.items() if turn.layout.is_alone]
    rates = [one.rates for one in turns.values()]
    return _Base([min(each) for each in zip(*medians, strict=True)], [max(each) for each in zip(*rates, strict=True)])


def _timing(turn: Turn, one: _Measured, base: _Base) -> Timing:
    if turn.layout.is_alone and base.ms:
        speeds = [of_base / median for of_base, median in zip(base.ms, one.medians, strict=True)]
    else:
        speeds = [rate / of_base for rate, of_base in zip(one.rates, base.rates, strict=True)]
    every = np.concatenate([np.asarray(times) for times in one.ms])
    return Timing(
        layout=turn.layout,
        p50_ms=spread(one.medians),
        p95_ms=float(np.percentile(every, 95)),
        rows_per_s=spread(one.rates),
        speed=spread(speeds),
        rounds=len(one.ms),
        runs=len(every),
    )


def spread(values: Sequence[float]) -> Spread:
    return Spread(median=float(np.median(values)), low=min(values), high=max(values))
