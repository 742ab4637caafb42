from __future__ import annotations

import json
import sys
from pathlib import Path

from small_disk import run_on_small_disk


def test_a_full_disk_ends_the_training_with_a_clear_error_and_it_goes_on_with_space_again(tmp_path: Path) -> None:
    disk, work = tmp_path / "disk", tmp_path / "work"
    work.mkdir()
    script = Path(__file__).with_name("full_disk_training.py")
    printed = run_on_small_disk(disk, "4m", [sys.executable, script, disk, work], PYTHONPATH=str(script.parents[2]))
    outcomes = json.loads(printed.splitlines()[-1])
    assert outcomes[0] == "storage_full"
    assert set(outcomes[:-1]) <= {"storage_full", "trained"}
    assert outcomes[-1] == "trained"
