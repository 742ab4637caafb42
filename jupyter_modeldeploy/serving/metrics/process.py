"""What the system tells of this process, under the names that Prometheus' client libraries give it."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc/self")
_PAGE = resource.getpagesize()
_STARTED = time.time()


def process_samples() -> Iterator[tuple[str, float]]:
    """Name and value of each; memory and files only where the system has /proc."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    yield "process_cpu_seconds_total", round(usage.ru_utime + usage.ru_stime, 3)
    yield "process_start_time_seconds", round(_STARTED, 3)
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield "process_max_fds", float(files)
    try:
        size, resident, *_ = (_PROC / "statm").read_text().split()
        descriptors = len(os.listdir(_PROC / "fd")) - 1  # without the one that reads them
    except FileNotFoundError:
        return
    yield "process_virtual_memory_bytes", int(size) * _PAGE
    yield "process_resident_memory_bytes", int(resident) * _PAGE
    yield "process_open_fds", descriptors
