"""The peak of memory that a profile tells, beside what the operating system accounts for the same process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.profiling import memory
from jupyter_modeldeploy.runtimes import tensor_files
from profile_bench.models import Case, cases

LAUNCHER = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
print(os.wait4(child.pid, 0)[2].ru_maxrss * 1024)
"""
"""A small process, since a child's account starts with the peak of whoever started it."""


def run() -> dict[str, Any]:
    """The largest relative distance of the peak from `ru_maxrss` of wait4(2)."""
    found = [_case(case) for case in cases()]
    return {"memory_error": max(each["error"] for each in found), "memory": found}


def _case(case: Case) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "inputs.npz"
        tensor_files.save(path, case.inputs)
        module = ["-m", memory.__name__, str(case.folder), case.format.value, str(path), "1", "2"]
        told = subprocess.run(
            [sys.executable, "-S", "-c", LAUNCHER, sys.executable, *module],
            capture_output=True,
            text=True,
            check=True,
            env=processes.clean_environment(),
        ).stdout.splitlines()
    parts, accounted = json.loads(told[-2])["parts"], int(told[-1])
    error = abs(parts["peak_bytes"] / accounted - 1)
    print(
        f"{case.name:9} {case.format.value:12} peak {parts['peak_bytes'] / 1e6:7.1f} MB, accounted "
        f"{accounted / 1e6:7.1f} ({100 * error:.1f} % off): "
        + ", ".join(f"{name.removesuffix('_bytes')} {(size or 0) / 1e6:.1f}" for name, size in parts.items())
    )
    return {"model": case.name, "format": case.format.value, "error": error, "accounted_bytes": accounted, **parts}
