"""One version in one server process: its runtime, its task, and what its warm-up told about it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Hashable
from typing import Any, Protocol, runtime_checkable

import numpy as np

from jupyter_modeldeploy import runtimes, tasks
from jupyter_modeldeploy.datatypes import NUMPY, Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, Unavailable
from jupyter_modeldeploy.records import Signature, TensorSpec
from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.serving.metrics import VersionMetrics
from jupyter_modeldeploy.serving.plan import PlannedVersion

INLINE_MS = 0.5
INLINE_LIMIT_S = 20 * INLINE_MS / 1000
MAX_SLOW_RUNS = 3
SLOW_RUNS_WITHIN_S = 10.0
MIN_CHUNK_ROWS = 16
CHUNK_BYTES = 2**20
TIMED_RUNS = 5
TIMED_TOTAL_S = 0.2

log = logging.getLogger(__name__)


@runtime_checkable
class ReadsTexts(Protocol):
    """A task whose items are texts, of which the model takes up to `max_tokens` tokens."""

    max_tokens: int


class ServedVersion:
    """`run_tensors` and `run_items` may be called from several threads at once.

    Rows of several requests share a run only where rows are known not to touch each other: for texts by the nature of
    the models, otherwise by a trial at warm-up (two rows together must answer as each does alone)."""

    def __init__(self, model: str, planned: PlannedVersion, metrics: VersionMetrics) -> None:
        self.model = model
        self.number = planned.number
        self.name = str(planned.number)
        self.ref = f"{model}@{planned.number}"
        self.format = planned.format
        self.task_name = planned.task
        self.reply_headers = ((b"x-model-version", self.ref.encode()),)
        self.metrics = metrics
        self.inline_s = 0.0
        """Seconds that the latest run inline took."""
        self._folder = planned.folder
        self._runtime: Runtime = runtimes.load(planned.format, planned.folder, threads=1)
        self.signature: Signature = self._runtime.signature
        self.task = tasks.load(planned.task, planned.folder, self.signature)
        self.independent = False
        self._clock = time.perf_counter
        self._slow_runs: list[float] = []
        self._row_ms = {"tensors": math.inf, "items": math.inf}
        self._batched = all(spec.shape[:1] == [-1] for spec in self.signature.inputs + self.signature.outputs)
        self.chunk_rows = self._chunk_rows()

    def warm_up(self) -> None:
        """Run the model, measure it, and find out whether rows can share a run. Raises where a text has no answer."""
        if isinstance(self.task, ReadsTexts):
            self.independent = self._batched
            items = self.task.parse("word " * self.task.max_tokens)
            self._row_ms["items"] = _fastest_ms(lambda: self._answer(items))
            return
        sample = [_sample(self.signature.inputs, seed) for seed in (0, 1)]
        try:
            alone = [self._runtime.run(tensors) for tensors in sample]
            if self._batched:
                together = self._runtime.run(_joined(sample))
                self.independent = all(_same(name, alone, together) for name in together)
        except ModelDeployError as error:
            log.warning("%s takes no made-up input, so it starts cold and unbatched: %s", self.ref, error.message)
            return
        if all(-1 not in spec.shape[1:] for spec in self.signature.inputs):
            cost = _fastest_ms(lambda: self._runtime.run(sample[0]))
            self._row_ms = {"tensors": cost, "items": 2 * cost}

    def inline(self, kind: str, rows: int) -> bool:
        """Whether so many rows take less than half a millisecond, so that a thread would cost more than it gives."""
        return rows * self._row_ms[kind] <= INLINE_MS

    def run_inline(self, kind: str, payload: Any, rows: int) -> Any:
        """The result of one request, run by the caller's thread. Raises ModelDeployError."""
        begun = self._clock()
        try:
            return self.run(kind, [payload])[0]
        finally:
            self.inline_s = self._clock() - begun
            if self.inline_s > INLINE_LIMIT_S:
                self.ran_inline_slowly()

    def ran_inline_slowly(self) -> None:
        """Never again inline, where values keep making it far slower than the warm-up told (a loop's count)."""
        self._clock = time.thread_time  # not the wall's from now on: being preempted says nothing about the model
        now = time.monotonic()
        self._slow_runs = [at for at in self._slow_runs if now - at < SLOW_RUNS_WITHIN_S] + [now]
        if len(self._slow_runs) >= MAX_SLOW_RUNS:  # one may have been the garbage collector's
            self._row_ms = {"tensors": math.inf, "items": math.inf}

    def key(self, kind: str, payload: Any) -> Hashable | None:
        """Works of one key may share a run; None shares with nobody."""
        if not self.independent:
            return None
        if kind == "items":
            return "items"
        if not _aligned(payload):
            return None
        return tuple((name, array.dtype, array.shape[1:]) for name, array in sorted(payload.items()))

    def run(self, kind: str, payloads: list[Any]) -> list[Any]:
        """The result of each request, which share runs of the model.

        Raises ModelDeployError, also for whatever else a model or a plugin raises: that must answer one request, not
        end the server."""
        try:
            return self.run_tensors(payloads) if kind == "tensors" else self.run_items(payloads)
        except ModelDeployError:
            raise
        except Exception as error:
            log.exception("%s failed", self.ref)
            raise ModelDeployError(
                f"{self.ref} failed on this request.", "The reason is in the service's log."
            ) from error

    def run_tensors(self, works: list[Tensors]) -> list[Tensors]:
        """The outputs of each, from as few runs as the chunk allows."""
        if len(works) == 1 and not (self.independent and _rows(works[0]) > self.chunk_rows and _aligned(works[0])):
            return [self._runtime.run(works[0])]
        rows = [_rows(tensors) for tensors in works]
        joined = works[0] if len(works) == 1 else _joined(works)
        total = sum(rows)
        if total <= self.chunk_rows:
            outputs = self._runtime.run(joined)
        else:
            starts = range(0, total, self.chunk_rows)
            outputs = _joined(
                [
                    self._runtime.run({n: a[start : start + self.chunk_rows] for n, a in joined.items()})
                    for start in starts
                ]
            )
        return _split(outputs, rows)

    def run_items(self, works: list[list[Any]]) -> list[list[Any]]:
        """The answers to each work's items, from as few runs as the chunk allows."""
        items = [item for work in works for item in work]
        size = self.chunk_rows if self.independent else len(items)
        answers = [
            answer for start in range(0, len(items), size) for answer in self._answer(items[start : start + size])
        ]
        if len(works) == 1:
            return [answers]
        rest = iter(answers)
        return [[next(rest) for _ in work] for work in works]

    def load(self) -> None:
        """Bring the model back into memory. Raises what the runtime raises."""
        self._runtime = runtimes.load(self.format, self._folder, threads=1)

    def release(self) -> None:
        """Let go of the model; its memory is free once the runs under way have ended. Later ones are refused."""
        self._runtime = _NotLoaded(self.ref, self.signature)

    def close(self) -> None:
        self._runtime.close()

    def _answer(self, items: list[Any]) -> list[Any]:
        inputs = self.task.encode(items)
        outputs = self._runtime.run(inputs)
        answers = self.task.decode({**inputs, **outputs} if isinstance(self.task, ReadsTexts) else outputs)
        if len(answers) != len(items):
            raise InvalidInput(f"The model gave {len(answers)} answers to {len(items)} items.")
        return answers

    def _chunk_rows(self) -> int:
        if isinstance(self.task, ReadsTexts):
            first = self.signature.inputs[0].shape[0]
            return first if first > 0 else MIN_CHUNK_ROWS
        row_bytes = sum(
            NUMPY[spec.dtype].itemsize * math.prod(max(size, 1) for size in spec.shape[1:])
            for spec in self.signature.inputs
        )
        return max(MIN_CHUNK_ROWS, CHUNK_BYTES // max(row_bytes, 1))


class _NotLoaded:
    """Stands for the runtime of a model that is not in memory."""

    def __init__(self, ref: str, signature: Signature) -> None:
        self.signature = signature
        self._ref = ref

    def run(self, inputs: Tensors) -> Tensors:
        raise Unavailable(f"{self._ref} is not loaded.", "Load it first, or ask for another model.")

    def close(self) -> None:
        return None


def _sample(specs: list[TensorSpec], seed: int) -> Tensors:
    generator = np.random.default_rng(seed)
    tensors = {}
    for spec in specs:
        shape = [1 if size == -1 else size for size in spec.shape]
        if spec.dtype == "BYTES":
            tensors[spec.name] = np.full(shape, b"text", dtype=np.object_)
        elif spec.dtype.startswith("FP"):
            tensors[spec.name] = generator.standard_normal(shape).astype(NUMPY[spec.dtype])
        else:
            tensors[spec.name] = generator.integers(0, 2, shape).astype(NUMPY[spec.dtype])
    return tensors


def _same(name: str, alone: list[Tensors], together: Tensors) -> bool:
    expected = np.concatenate([outputs[name] for outputs in alone])
    if expected.shape != together[name].shape:
        return False
    if expected.dtype.kind != "f":
        return bool((expected == together[name]).all())
    return bool(np.allclose(expected, together[name], rtol=1e-3, atol=1e-5, equal_nan=True))


def _rows(tensors: Tensors) -> int:
    first = next(iter(tensors.values()), None)
    return 1 if first is None or first.ndim == 0 else len(first)


def _aligned(tensors: Tensors) -> bool:
    """Whether row n of each input belongs to row n of the others (and none is broadcast)."""
    return all(array.ndim > 0 for array in tensors.values()) and len({len(array) for array in tensors.values()}) == 1


def _joined(works: list[Tensors]) -> Tensors:
    return {name: np.concatenate([tensors[name] for tensors in works]) for name in works[0]}


def _split(outputs: Tensors, rows: list[int]) -> list[Tensors]:
    for name, array in outputs.items():
        if array.ndim == 0 or len(array) != sum(rows):
            raise InvalidInput(f"The output {name!r} has the shape {list(array.shape)} for {sum(rows)} rows.")
    bounds = np.cumsum(rows)[:-1]
    pieces = {name: np.split(array, bounds) for name, array in outputs.items()}
    return [{name: arrays[index] for name, arrays in pieces.items()} for index in range(len(rows))]


def _fastest_ms(run: Callable[[], Any]) -> float:
    fastest, begun = math.inf, time.perf_counter()
    for _ in range(TIMED_RUNS):
        started = time.perf_counter()
        run()
        fastest = min(fastest, (time.perf_counter() - started) * 1000)
        if time.perf_counter() - begun > TIMED_TOTAL_S:
            break
    return fastest
