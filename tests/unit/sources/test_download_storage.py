"""A disk that fills, a cache that may not be written and folders of other users end in the right files or in a clear
error, with nothing registered."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from faulty_server import FaultyServer, serving
from small_disk import run_on_small_disk

from jupyter_modeldeploy.errors import Forbidden
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import RemoteFile
from jupyter_modeldeploy.sources.transfer.cache import Cache

CONTENT = os.urandom(6_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ALICE, BOB, MALLORY = 61_001, 61_002, 61_003
TEAM, OTHERS = 61_000, 61_009

FETCH_WHILE_THE_DISK_FILLS = """
import json, os, sys
from contextlib import suppress
from pathlib import Path
from jupyter_modeldeploy.errors import StorageFull
from jupyter_modeldeploy.jobs.context import Context
from jupyter_modeldeploy.jobs.kinds.fetch import FetchParameters, run
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import RemoteFile
from jupyter_modeldeploy.sources.transfer.cache import Cache
from jupyter_modeldeploy.store import Store

disk, url, sha256, address = sys.argv[1:]
os.environ["JUPYTER_MODELDEPLOY_ALLOWED_HOSTS"] = address
ballast = Path(disk, "ballast")

class SomebodyElse(Silent):
    def progress(self, done, total, unit="", message=""):
        if done and not ballast.exists():
            with ballast.open("wb") as file, suppress(OSError):  # until nothing is left: the download takes room too
                for size in range(0, 1 << 30, 1 << 16):
                    os.posix_fallocate(file.fileno(), size, 1 << 16)

settings = Settings(Path(disk, "root"))
store = Store(settings)
parameters = FetchParameters(source=f"{url}#sha256={sha256}", name="model")
try:
    run(Context(store, "job", parameters, Path(disk), "cpu:0", SomebodyElse()))
    said = "nothing"
except StorageFull as error:
    said = f"{error} {error.hint}"
versions = [version.ref for version in store.versions.list()]
folders = [settings.root / "cache" / "files", settings.root / "artifacts"]
files = [path.name for folder in folders for path in folder.rglob("*") if path.is_file()]
ballast.unlink()
file = RemoteFile(path="model.onnx", url=url, sha256=sha256)
(path,) = Cache(settings).get([file], Silent(), "Downloading")
print(json.dumps({"said": said, "versions": versions, "files": files, "then": path.name}))
"""


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with serving() as running:
        running.files = {"model.onnx": CONTENT}
        yield running


@pytest.fixture
def place(server: FaultyServer) -> Iterator[Path]:
    """A folder that every user reaches. What a download imports as it goes is imported: not every user may read it."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o1777)
        get(cache_of(server, folder / "warm"), remote(server))
        server.requests.clear()
        yield folder


@contextmanager
def acting_as(user: int, group: int) -> Iterator[None]:
    """Whoever is root becomes that user for a while; the capabilities of root are gone meanwhile."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(group)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def remote(server: FaultyServer) -> RemoteFile:
    return RemoteFile(path="model.onnx", url=f"{server.url}/model.onnx", size=len(CONTENT), sha256=SHA256)


def cache_of(server: FaultyServer, root: Path) -> Cache:
    return Cache(Settings(root), allowed_hosts=[server.address])


def get(cache: Cache, file: RemoteFile) -> Path:
    (path,) = cache.get([file], Silent(), "Downloading")
    return path


def test_a_disk_that_fills_meanwhile_is_said_and_nothing_is_registered(server: FaultyServer, tmp_path: Path) -> None:
    server.bytes_per_second = 20e6
    command = [sys.executable, "-c", FETCH_WHILE_THE_DISK_FILLS, str(tmp_path / "disk")]
    command += [f"{server.url}/model.onnx", SHA256, server.address]
    told = json.loads(run_on_small_disk(tmp_path / "disk", "64m", command).splitlines()[-1])
    assert "The disk is full" in told["said"]
    assert "Free some space" in told["said"]
    assert (told["versions"], told["files"]) == ([], [])
    assert told["then"] == SHA256, "with space again, it arrives"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as several users")


@needs_root
def test_a_read_only_cache_gives_what_it_has_and_says_what_it_cannot_take(server: FaultyServer, place: Path) -> None:
    with acting_as(ALICE, TEAM):
        had = get(cache_of(server, place / "root"), remote(server))
        had.parent.chmod(0o555)
        cache = cache_of(server, place / "root")
        assert get(cache, remote(server)) == had
        server.files["new"] = b"new"
        new = RemoteFile(path="new.onnx", url=f"{server.url}/new", size=3, sha256=hashlib.sha256(b"new").hexdigest())
        with pytest.raises(Forbidden, match="Permission denied while writing to the cache"):
            get(cache, new)
        assert [path.name for path in had.parent.iterdir()] == [SHA256]
        had.parent.chmod(0o700)
    assert server.ranges("new") == []


@needs_root
def test_users_share_a_folder_in_which_nobody_is_trusted(
    server: FaultyServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = place / "shared"
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_SHARED_CACHE", str(shared))
    with acting_as(ALICE, TEAM):
        get(cache_of(server, place / "alice"), remote(server))
    with acting_as(BOB, TEAM):
        taken = get(cache_of(server, place / "bob"), remote(server))
        assert len(server.requests) == 1, "Bob has what Alice downloaded"
        with pytest.raises(PermissionError):
            (shared / SHA256).unlink()
    with acting_as(ALICE, TEAM):
        (shared / SHA256).chmod(0o640)
        (shared / SHA256).write_bytes(CONTENT[::-1])
    assert taken.read_bytes() == CONTENT, "what Alice does to hers changes nothing for Bob"
    for user, group in ((BOB, TEAM), (MALLORY, OTHERS)):
        with acting_as(user, group):
            cache = cache_of(server, place / f"again-{user}")
            assert get(cache, remote(server)).read_bytes() == CONTENT, "damaged or out of reach, it is downloaded"
    assert len(server.requests) == 3
