"""How many bytes a download asks for twice when its connections drop and its process is killed."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from faulty_server import FaultyServer, serving

FETCH = """
import sys
from pathlib import Path
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import RemoteFile
from jupyter_modeldeploy.sources.transfer.cache import Cache
url, size, sha256, root, allowed = sys.argv[1:]
file = RemoteFile(path="model.safetensors", url=url, size=int(size), sha256=sha256)
(path,) = Cache(Settings(root), allowed_hosts=[allowed]).get([file], Silent(), "Downloading")
"""


def redownloaded_share(folder: Path, size: int, kills: int, drops_per_gb: int, seed: int = 1) -> float:
    """The bytes sent beyond the file's own, as a share of the file. The server sends as a link of 60 MB/s does.

    Raises RuntimeError where the result is not the right file."""
    chance = random.Random(seed)
    path = folder / "interrupted.bin"
    sha256 = _make(path, size)
    with serving() as server:
        server.files["model"] = path
        server.bytes_per_second = 60e6
        server.drops = [chance.randrange(size) for _ in range(round(drops_per_gb * size / 1e9))]
        command = [sys.executable, "-c", FETCH, f"{server.url}/model", str(size), sha256]
        command += [str(folder / "interrupted"), server.address]
        for at in sorted(chance.randrange(size) for _ in range(kills)):
            _kill_at(subprocess.Popen(command), server, at)
        subprocess.run(command, check=True)
        sent = server.sent
    if sha256_of(folder / "interrupted" / "cache" / "files" / sha256) != sha256:
        raise RuntimeError("the file that arrived is not the one that was sent")
    return sent / size - 1


def _kill_at(process: subprocess.Popen[bytes], server: FaultyServer, at: int) -> None:
    """SIGKILL once the server has sent so many bytes in all."""
    while server.sent < at and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()


def _make(path: Path, size: int) -> str:
    """A file that is sparse but for a few pages, so that no two sections are alike."""
    with path.open("wb") as file:
        file.truncate(size)
        for position in range(0, size, 16 << 20):
            os.pwrite(file.fileno(), os.urandom(64), position)
    return sha256_of(path)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
