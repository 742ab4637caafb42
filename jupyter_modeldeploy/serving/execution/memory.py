"""How much memory a run needs, from the kernel's own account of this process (Linux)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESET_PEAK = "5"  # proc(5), /proc/PID/clear_refs: the peak starts again from what is resident now


def peak_bytes_of(run: Callable[[], Any]) -> int | None:
    """The most memory that was resident in this process during `run`, in bytes; None where the system cannot tell."""
    try:
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    except OSError:
        return None
    run()
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(peak[1]) * 1024 if peak else None
