"""One version in one server process: its runtime, its task, and what its warm-up told about it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Hashable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from jupyter_modeldeploy import runtimes, tasks
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, Unavailable
from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.serving.execution.batching import MIN_CHUNK_ROWS, Batching
from jupyter_modeldeploy.serving.execution.pace import row_size
from jupyter_modeldeploy.serving.execution.trials import fastest_ms, made_up
from jupyter_modeldeploy.serving.metrics import VersionMetrics
from jupyter_modeldeploy.serving.plan import PlannedVersion
from jupyter_modeldeploy.signatures import Signature
from jupyter_modeldeploy.tasks.model_config import class_names

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import InputLimits

INLINE_MS = 0.5
INLINE_LIMIT_S = 20 * INLINE_MS / 1000
MAX_SLOW_RUNS = 3
SLOW_RUNS_WITHIN_S = 10.0
CHARACTERS_A_TOKEN = 4  # about, in languages written with letters
TRIAL_SIDES = (1, 64, 224)  # of free dimensions, until a model takes them: the least that images need differs

log = logging.getLogger(__name__)


@runtime_checkable
class ReadsTexts(Protocol):
    """A task whose items are texts, of which the model takes up to `max_tokens` tokens."""

    max_tokens: int


class ServedVersion:
    """`run_tensors` and `run_items` may be called from several threads at once.

    Rows of several requests share runs as `Batching` has found out at warm-up; `device` is as in `runtimes.load`."""

    def __init__(
        self,
        model: str,
        planned: PlannedVersion,
        metrics: VersionMetrics,
        device: str = "auto",
        threads: int = 1,
    ) -> None:
        self.model = model
        self.number = planned.number
        self.name = str(planned.number)
        self.ref = f"{model}@{planned.number}"
        self.content = planned.content or self.ref
        """What names these very files, also to processes of other services."""
        self.plain_rows = math.inf
        """Requests of up to so many rows are within the service's input limits, whatever they hold."""
        self.format = planned.format
        self.task_name = planned.task
        self.reply_headers = ((b"x-model-version", self.ref.encode()),)
        self.metrics = metrics
        self.inline_s = 0.0
        """Seconds that the latest run inline took."""
        self.threads = threads
        self._folder = planned.folder
        self._device = device
        self._runtime: Runtime = self.another_runtime(self.threads)
        self.signature: Signature = self._runtime.signature
        self.task = tasks.load(planned.task, planned.folder, self.signature)
        self._clock = time.perf_counter
        self._slow_runs: list[float] = []
        self.inline_s = 0.0  # what the latest run by the caller's thread took, in seconds
        self._row_ms = {"tensors": math.inf, "items": math.inf}
        texts = isinstance(self.task, ReadsTexts)
        most: int | None = getattr(self._runtime, "max_rows", None)
        self._batching = Batching(self.signature, most, MIN_CHUNK_ROWS if texts else None)
        self.typical: Tensors | None = None
        """An input that the model has answered at its warm-up: texts of full length, else made up."""
        self.typical_ms = 0.0
        """How long that took, in milliseconds; 0 before a warm-up."""

    @property
    def runtime(self) -> Runtime:
        """What runs the model now."""
        return self._runtime

    @property
    def on_gpu(self) -> bool:
        return bool(getattr(self._runtime, "on_gpu", False))

    @property
    def independent(self) -> bool:
        """Whether rows of several requests may share a run."""
        return self._batching.independent

    @property
    def chunk_rows(self) -> int:
        """How many rows may share a run."""
        return self._batching.chunk_rows

    def reads_as(self, other: ServedVersion) -> bool:
        """Whether a request that was decoded for the other is decoded for this one."""
        return self.task_name == other.task_name and self.signature.inputs == other.signature.inputs

    def configure(self, max_batch_rows: int, limits: InputLimits | None = None) -> None:
        """Let so many rows share a run (0 chooses by their size), and take images and texts within the limits."""
        self._batching.configure(max_batch_rows)
        if limits is not None and isinstance(self.task, tasks.ReadsImages):
            self.task.max_image_pixels = limits.max_image_pixels
        if limits is not None and isinstance(self.task, tasks.LimitsTexts):
            self.task.max_text_characters = limits.max_text_characters

    def warm_up(self) -> None:
        """Run the model, measure it, and find out whether rows can share a run. Raises where a text has no answer.

        What is no model but a person's function is not tried: it runs for requests alone, one request at a time."""
        if not getattr(self._runtime, "takes_trials", True):
            return
        if isinstance(self.task, ReadsTexts):
            self._batching.assume_independent()
            items = self.task.parse("word " * self.task.max_tokens)
            self.typical = self.task.encode(items)
            self._row_ms["items"] = self.typical_ms = fastest_ms(lambda: self._answer(items))
            self._batching.learn_tokens(self._runtime.run)
            self._learn_pace(self.typical)
            return
        failed: ModelDeployError | None = None
        for side in TRIAL_SIDES:
            try:
                return self._warm_up_with(side)
            except ModelDeployError as error:
                failed = failed or error
            if all(-1 not in spec.shape[1:] for spec in self.signature.inputs):
                break
        log.warning("%s takes no made-up input, so it starts cold and unbatched: %s", self.ref, failed)

    def _warm_up_with(self, side: int) -> None:
        self._batching.learn(self._runtime.run, side)
        self._batching.learn_tokens(self._runtime.run)
        typical = made_up(self.signature.inputs, 0, side)
        self.typical_ms = cost = fastest_ms(lambda: self._runtime.run(typical))
        self.typical = typical
        self._learn_pace(typical)
        if all(-1 not in spec.shape[1:] for spec in self.signature.inputs):
            cost /= self._batching.fixed or 1
            self._row_ms = {
                "tensors": cost,
                "items": math.inf if isinstance(self.task, tasks.ReadsImages) else 2 * cost,
            }

    def _learn_pace(self, row: Tensors) -> None:
        clock = time.perf_counter if self.on_gpu else time.process_time
        self._batching.learn_pace(self._runtime.run, row, clock)

    def inline(self, kind: str, rows: int) -> bool:
        """Whether so many rows take less than half a millisecond, so that a thread would cost more than it gives."""
        return rows * self._row_ms[kind] <= INLINE_MS

    def run_inline(self, kind: str, payload: Any, rows: int) -> Any:
        """The result of one request, run by the caller's thread. Raises ModelDeployError."""
        begun = self._clock()
        try:
            if kind == "tensors" and rows <= self._batching.as_they_are:
                return self._runtime.run(payload)
            return self.run(kind, [payload])[0]
        except ModelDeployError:
            raise
        except Exception as error:
            raise self._failed(error) from error
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

    def rows_at_once(self, kind: str, payload: Any) -> int:
        """How many rows such as these should share a run."""
        if kind == "tensors":
            return self._batching.rows_at_once(row_size(payload))
        size = row_size(self.typical) if self.typical else 1
        if isinstance(self.task, ReadsTexts) and self.signature.inputs[0].shape[1:] == [-1]:
            size = min(size, max(map(len, payload), default=0) // CHARACTERS_A_TOKEN + 2)
        return self._batching.rows_at_once(size)

    def key(self, kind: str, payload: Any) -> Hashable | None:
        """Works of one key may share a run; None shares with nobody."""
        if kind == "items":
            return "items" if self.independent else None
        return self._batching.key(payload)

    def run(self, kind: str, payloads: list[Any]) -> list[Any]:
        """The result of each request, which share runs of the model.

        Raises ModelDeployError, also for whatever else a model or a plugin raises: that must answer one request, not
        end the server."""
        try:
            return self.run_tensors(payloads) if kind == "tensors" else self.run_items(payloads)
        except ModelDeployError:
            raise
        except Exception as error:
            raise self._failed(error) from error

    def run_tensors(self, works: list[Tensors]) -> list[Tensors]:
        """The outputs of each, from as few runs as may be."""
        return self._batching.run(self._runtime.run, works)

    def run_items(self, works: list[list[Any]]) -> list[list[Any]]:
        """The answers to each work's items, from as few runs as may be."""
        items = [item for work in works for item in work]
        size = max(1, self.chunk_rows if self.independent else len(items))
        answers = [
            answer for start in range(0, len(items), size) for answer in self._answer(items[start : start + size])
        ]
        if len(works) == 1:
            return [answers]
        rest = iter(answers)
        return [[next(rest) for _ in work] for work in works]

    def another_runtime(self, threads: int) -> Runtime:
        """The model once more, with so many threads a run. Raises what the runtime raises."""
        return runtimes.load(self.format, self._folder, threads=threads, device=self._device)

    def use(self, runtime: Runtime, threads: int) -> None:
        """From now on run the model by `runtime`, which uses `threads` threads a run."""
        self._runtime, self.threads = runtime, threads

    @cached_property
    def labels(self) -> dict[int, str]:
        """The names of the model's classes by their number, where it has any."""
        return class_names(self._folder)

    def fit(self, budget: int) -> None:
        """Let no run take so many rows that the process would exceed `budget` bytes, as far as a trial tells. To be
        called after the warm-up."""
        if self.typical is not None and not self.on_gpu:
            self._batching.learn_memory(self._runtime.run, self.typical, budget)

    def load(self) -> None:
        """Bring the model back into memory. Raises what the runtime raises."""
        self._runtime = self.another_runtime(self.threads)

    def release(self) -> None:
        """Let go of the model; its memory is free once the runs under way have ended. Later ones are refused."""
        self._runtime = _NotLoaded(self.ref, self.signature)

    def close(self) -> None:
        self._runtime.close()

    def _answer(self, items: list[Any]) -> list[Any]:
        inputs = self.task.encode(items)
        outputs = self._batching.run_rows(self._runtime.run, inputs)
        if isinstance(self.task, tasks.DecodesItems):
            answers = self.task.decode_items(items, outputs)
        else:
            answers = self.task.decode({**inputs, **outputs} if isinstance(self.task, ReadsTexts) else outputs)
        if len(answers) != len(items):
            raise InvalidInput(f"The model gave {len(answers)} answers to {len(items)} items.")
        return answers

    def _failed(self, error: Exception) -> ModelDeployError:
        log.error("%s failed", self.ref, exc_info=error)
        return ModelDeployError(f"{self.ref} failed on this request.", "The reason is in the service's log.")


class _NotLoaded:
    """Stands for the runtime of a model that is not in memory."""

    def __init__(self, ref: str, signature: Signature) -> None:
        self.signature = signature
        self._ref = ref

    def run(self, inputs: Tensors) -> Tensors:
        raise Unavailable(f"{self._ref} is not loaded.", "Load it first, or ask for another model.")

    def close(self) -> None:
        return None
