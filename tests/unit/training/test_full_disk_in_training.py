from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def test_a_full_disk_ends_the_training_with_a_clear_error_and_it_goes_on_with_space_again(tmp_path: Path) -> None:
    """A small file system is made for it, which needs root or user namespaces."""
    disk, work = tmp_path / "disk", tmp_path / "work"
    disk.mkdir()
    work.mkdir()
    as_root = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*as_root, "true"], capture_output=True).returncode:
        pytest.skip("this machine allows no mount namespace, so no small disk can be made")
    script = Path(__file__).with_name("full_disk_training.py")
    mount = f'mount -t tmpfs -o size=4m none "{disk}" && exec "$0" "$@"'

    run = subprocess.run(
        [*as_root, "sh", "-c", mount, sys.executable, script, disk, work],
        env={**os.environ, "PYTHONPATH": str(script.parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert run.returncode == 0, run.stderr
    outcomes = json.loads(run.stdout.splitlines()[-1])
    assert outcomes[0] == "storage_full"
    assert set(outcomes[:-1]) <= {"storage_full", "trained"}
    assert outcomes[-1] == "trained"
