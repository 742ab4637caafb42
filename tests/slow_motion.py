"""A job that is there to be seen, and to leave the processor to the tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.workspace import JobHandle

WORKS_S, RESTS_S = 0.05, 0.45


@contextmanager
def in_slow_motion(handle: JobHandle) -> Iterator[None]:
    """From its first step on the job computes a tenth of the time, until it is told to stop."""
    over = threading.Event()

    def rest_again_and_again() -> None:
        while not over.wait(WORKS_S):
            job = handle.job
            if job.state.ended:
                return
            worker = processes.find(job.process) if job.process else None
            if worker is None or job.progress.done < 1 or job.progress.message == "stopping":
                continue
            try:
                worker.suspend()
                over.wait(RESTS_S)
                worker.resume()
            except psutil.NoSuchProcess:
                return

    thread = threading.Thread(target=rest_again_and_again, name="slow motion")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
