"""A download outlives the process that began it, and two processes share one."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import faulty_server
import pytest
from hub import Fault, Hub, serving

CONTENT = os.urandom(1 << 20)
LOST_BY_A_KILL = 1_000_000
"""What was on its way: at 20 kills less than 2 % of a gigabyte."""
FETCH = """
import sys
from pathlib import Path
from jupyter_modeldeploy import sources
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
sources.fetch("hf:org/model", Path(sys.argv[1]), Silent(), Settings())
"""

GET = """
import sys
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import RemoteFile
from jupyter_modeldeploy.sources.transfer.cache import Cache
url, size, sha256, address = sys.argv[1:]
file = RemoteFile(path="model.safetensors", url=url, size=int(size), sha256=sha256)
Cache(Settings(), allowed_hosts=[address]).get([file], Silent(), "Downloading")
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.repositories["org/model"].commit({"config.json": b"{}", "model.safetensors": CONTENT})
        yield running


def start(into: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", FETCH, str(into)])


def size_of(partial: Path) -> int:
    """In bytes; 0 of what was renamed meanwhile."""
    with suppress(FileNotFoundError):
        return partial.stat().st_size
    return 0


def ranges(hub: Hub) -> list[str | None]:
    return [one.range for one in hub.served() if one.path.endswith("model.safetensors")]


def test_a_killed_download_is_taken_up_by_the_next_process(hub: Hub, tmp_path: Path, root: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(stall_after=400_000)]
    process = start(tmp_path / "killed")
    deadline = time.monotonic() + 60
    while not any(size_of(path) == 400_000 for path in root.glob("cache/files/*.part")):
        assert time.monotonic() < deadline, "the download did not begin"
        assert process.poll() is None, "the download did not wait"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert start(tmp_path / "into").wait(timeout=300) == 0
    assert (tmp_path / "into" / "model.safetensors").read_bytes() == CONTENT
    assert ranges(hub) == [None, "bytes=400000-"]
    assert list(root.glob("cache/files/*.part*")) == []


def test_two_processes_download_one_file_once(hub: Hub, tmp_path: Path) -> None:
    both = [start(tmp_path / name) for name in ("one", "two")]
    assert [process.wait(timeout=300) for process in both] == [0, 0]
    assert [(tmp_path / name / "model.safetensors").read_bytes() == CONTENT for name in ("one", "two")] == [True, True]
    assert ranges(hub) == [None]


def test_many_kills_and_dropped_connections_cost_almost_nothing(tmp_path: Path, root: Path) -> None:
    """Every byte that the server sends is counted; it sends at the pace of a network."""
    content, chance = random.Random(1).randbytes(9_000_000), random.Random(2)
    sha256 = hashlib.sha256(content).hexdigest()
    with faulty_server.serving() as server:
        server.files["model"] = content
        server.bytes_per_second = 3e6
        server.drops = [chance.randrange(len(content)) for _ in range(10)]
        command = [sys.executable, "-c", GET, f"{server.url}/model", str(len(content)), sha256, server.address]
        for at in sorted(chance.randrange(len(content)) for _ in range(5)):
            process = subprocess.Popen(command)
            while server.sent < at and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            process.wait()
        subprocess.run(command, check=True, timeout=300)
        assert (root / "cache" / "files" / sha256).read_bytes() == content
        assert server.sent - len(content) < 5 * LOST_BY_A_KILL
