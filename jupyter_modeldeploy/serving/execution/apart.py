"""A thread beside the event loop for what takes long of reading a request or writing its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from jupyter_modeldeploy.errors import Overloaded
from jupyter_modeldeploy.serving.access import Headers

LARGE_BYTES = 256 * 1024  # JSON of so many takes about a millisecond
_RAW = b"inference-header-content-length"


class Apart:
    """One thread, which takes one thing after the other; at most `max_waiting` wait for it. To be used on the event
    loop only."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="apart")
        self._waiting = 0

    def run(self, work: Callable[[], Any], then: Callable[[Future[Any]], None], max_waiting: int) -> None:
        """Do the work on the thread and call `then` with its future, done, on the event loop. Raises Overloaded."""
        if self._waiting > max_waiting:
            raise Overloaded(f"{max_waiting} large requests are waiting already.", "Try again in a moment.")
        loop = asyncio.get_running_loop()
        self._waiting += 1
        self._pool.submit(work).add_done_callback(lambda done: loop.call_soon_threadsafe(self._back, done, then))

    def close(self) -> None:
        """Let what runs end."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _back(self, done: Future[Any], then: Callable[[Future[Any]], None]) -> None:
        self._waiting -= 1
        if not done.cancelled():
            then(done)


def is_large_request(headers: Headers, body: Any) -> bool:
    """Whether reading the body takes long: it is large and not made of raw tensors, or it is compressed."""
    if not isinstance(body, bytes):
        return False
    return b"content-encoding" in headers or (len(body) > LARGE_BYTES and _RAW not in headers)


def is_large_result(result: Any) -> bool:
    """Whether writing the result takes long."""
    if not isinstance(result, dict):
        return False
    return sum(array.nbytes for array in result.values() if isinstance(array, np.ndarray)) > LARGE_BYTES
