"""A real small file system, for tests of what happens when a disk is full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

TIMEOUT_S = 120


def run_on_small_disk(disk: Path, size: str, command: Sequence[str | Path], **environment: str) -> str:
    """What `command` prints, run where a tmpfs of `size` ("6m") is mounted at `disk`, for it alone.

    That needs root or user namespaces; a machine that allows neither skips the test."""
    disk.mkdir()
    as_root = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*as_root, "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no mount namespace, so no small disk can be made")
    mount = f'mount -t tmpfs -o size={size} none "{disk}" && exec "$0" "$@"'
    run = subprocess.run(
        [*as_root, "sh", "-c", mount, *command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout
