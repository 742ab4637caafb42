"""Copies of answered requests for versions that nobody hears: run beside the instances, compared, and forgotten."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.control.journal import Journal
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.execution.served import ServedVersion

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import ServedModel
    from jupyter_modeldeploy.serving.protocols.call import Call, Language

MAX_WAITING = 8
RELATIVE, ABSOLUTE = 1e-3, 1e-5
"""Tensors that differ by no more agree: rounding, and other kernels, differ so."""


@dataclass(slots=True)
class Answered:
    """A request that a version has answered with `result`, after a run of `seconds`."""

    version: ServedVersion
    call: Call
    result: Any
    seconds: float
    language: Language
    headers: Headers
    body: Any


class Shadows:
    """One copy runs at a time, on a thread of its own, and only while an instance is idle: so no request ever waits for
    one. The rest is dropped, and counted. No content is kept: a record tells of agreement, times and errors."""

    def __init__(self, instances: Instances, journal: Journal) -> None:
        self._instances = instances
        self._journal = journal
        self._wanted: dict[str, list[tuple[ServedVersion, float]]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._waiting = self._dropped = 0

    @property
    def on(self) -> bool:
        return bool(self._wanted)

    def configure(self, models: Iterable[ServedModel], versions: Iterable[ServedVersion]) -> None:
        """From now on copy as these models say."""
        known = {(version.model, version.number): version for version in versions}
        wanted = {
            served.model: [(known[served.model, shadow.version], shadow.share) for shadow in served.shadow]
            for served in models
        }
        self._wanted = {model: shadows for model, shadows in wanted.items() if shadows}

    def copy(self, answered: Answered) -> None:
        """The answer was sent: let the model's shadows answer too. On the event loop."""
        for shadow, share in self._wanted.get(answered.version.model, ()):
            if shadow is answered.version or (share < 1 and random.random() >= share):
                continue
            if self._instances.busy or self._waiting >= MAX_WAITING:
                self._dropped += 1
                continue
            self._waiting += 1
            self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="shadow")
            self._pool.submit(self._run, asyncio.get_running_loop(), shadow, answered)

    def tick(self) -> None:
        """To be called now and then: the count of those that were dropped is recorded."""
        if self._dropped:
            self._journal.add({"time": round(time.time(), 3), "dropped": self._dropped})
            self._dropped = 0

    def close(self) -> None:
        """Let what runs end, and drop what waits."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self.tick()

    def _run(self, loop: asyncio.AbstractEventLoop, shadow: ServedVersion, answered: Answered) -> None:
        record = None if self._instances.busy else _compared(shadow, answered)
        loop.call_soon_threadsafe(self._ran, record)

    def _ran(self, record: dict[str, Any] | None) -> None:
        self._waiting -= 1
        if record is None:
            self._dropped += 1
        else:
            self._journal.add(record)


def _compared(shadow: ServedVersion, answered: Answered) -> dict[str, Any]:
    """What is recorded of a copy: nothing of what it holds."""
    version, call = answered.version, answered.call
    record = {
        "time": round(time.time(), 3),
        "model": version.model,
        "version": version.number,
        "shadow": shadow.number,
        "ms": round(answered.seconds * 1e3, 4),
    }
    begun = time.perf_counter()
    try:
        if not shadow.reads_as(version):
            call = answered.language.decode(shadow, answered.headers, answered.body)
            begun = time.perf_counter()
        result = shadow.run(call.kind, [call.payload])[0]
    except ModelDeployError as error:
        return {**record, "error": error.code}
    agree, difference = compare(answered.result, result)
    return {
        **record,
        "shadow_ms": round((time.perf_counter() - begun) * 1e3, 4),
        "agree": agree,
        "difference": difference,
    }


def compare(answer: Any, other: Any) -> tuple[bool, float | None]:
    """Whether two answers to one request say the same, and the largest difference of their numbers; None where they
    cannot be compared number by number. Answers with labels agree where the labels do."""
    if isinstance(answer, dict) and isinstance(other, dict):
        return _compare_tensors(answer, other)
    if not (isinstance(answer, list) and isinstance(other, list) and len(answer) == len(other)):
        return answer == other, None
    pairs = list(zip(answer, other, strict=True))
    if all(isinstance(one, dict) and "label" in one for pair in pairs for one in pair):
        scores = [abs(a.get("score", 0.0) - b.get("score", 0.0)) for a, b in pairs]
        return all(a["label"] == b["label"] for a, b in pairs), max(scores, default=0.0)
    try:
        one, another = ({str(name): _numbers(value) for name, value in _named(items)} for items in (answer, other))
    except (TypeError, ValueError):
        return answer == other, None
    return _compare_tensors(one, another)


def _named(items: list[Any]) -> Iterator[tuple[tuple[int, str], Any]]:
    """The values of answers such as `{"embedding": [1.0, …]}`; raises TypeError for those of another kind."""
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            raise TypeError(type(item))
        yield from (((number, name), value) for name, value in item.items())


def _numbers(value: Any) -> np.ndarray:
    """Raises ValueError where there is anything else, or no shape."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(array.dtype)
    return array


def _compare_tensors(answer: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> tuple[bool, float | None]:
    if {name: array.shape for name, array in answer.items()} != {name: array.shape for name, array in other.items()}:
        return False, None
    numbers = [name for name, array in answer.items() if array.dtype.kind in "fiub" and array.size]
    rest = [name for name, array in answer.items() if array.dtype.kind not in "fiub"]
    apart = [np.abs(answer[name].astype(float) - other[name].astype(float)).max() for name in numbers]
    agree = all(np.allclose(answer[name], other[name], RELATIVE, ABSOLUTE, equal_nan=True) for name in numbers)
    agree = agree and all(np.array_equal(answer[name], other[name]) for name in rest)
    largest = float(max(apart, default=0.0))
    return bool(agree), largest if np.isfinite(largest) else None
