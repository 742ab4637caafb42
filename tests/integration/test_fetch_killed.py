"""A download outlives the process that began it, and two processes share one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Fault, Hub, serving

CONTENT = os.urandom(1 << 20)
FETCH = """
import sys
from pathlib import Path
from jupyter_modeldeploy import sources
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
sources.fetch("hf:org/model", Path(sys.argv[1]), Silent(), Settings())
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.repositories["org/model"].commit({"config.json": b"{}", "model.safetensors": CONTENT})
        yield running


def start(into: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", FETCH, str(into)])


def ranges(hub: Hub) -> list[str | None]:
    return [one.range for one in hub.served() if one.path.endswith("model.safetensors")]


def test_a_killed_download_is_taken_up_by_the_next_process(hub: Hub, tmp_path: Path, root: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(stall_after=400_000)]
    process = start(tmp_path / "killed")
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size == 400_000 for path in root.glob("cache/files/*.part")):
        assert time.monotonic() < deadline, "the download did not begin"
        assert process.poll() is None, "the download did not wait"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert start(tmp_path / "into").wait(timeout=60) == 0
    assert (tmp_path / "into" / "model.safetensors").read_bytes() == CONTENT
    assert ranges(hub) == [None, "bytes=400000-"]
    assert list(root.glob("cache/files/*.part*")) == []


def test_two_processes_download_one_file_once(hub: Hub, tmp_path: Path) -> None:
    both = [start(tmp_path / name) for name in ("one", "two")]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert [(tmp_path / name / "model.safetensors").read_bytes() == CONTENT for name in ("one", "two")] == [True, True]
    assert ranges(hub) == [None]
