"""Downloads are stored once, between models and between users, and nobody's tampering is believed."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_server import FaultyServer, serving

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import RemoteFile
from jupyter_modeldeploy.sources.transfer.cache import Cache

CONTENT = os.urandom(500_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with serving() as running:
        running.files = {"one": CONTENT, "two": CONTENT}
        yield running


@pytest.fixture
def file(server: FaultyServer) -> RemoteFile:
    return RemoteFile(path="folder/one.bin", url=f"{server.url}/one", size=len(CONTENT), sha256=SHA256)


def cache_of(server: FaultyServer, root: Path | None = None) -> Cache:
    return Cache(Settings(root), allowed_hosts=[server.address])


def get(cache: Cache, file: RemoteFile) -> Path:
    (path,) = cache.get([file], Silent(), "Downloading")
    return path


def test_what_is_placed_shares_its_storage_with_the_cache_and_is_read_only(
    server: FaultyServer, file: RemoteFile, tmp_path: Path
) -> None:
    cache_of(server).place([file], tmp_path / "into", Silent(), "Downloading")
    placed = tmp_path / "into" / "folder" / "one.bin"
    assert placed.read_bytes() == CONTENT
    assert placed.stat().st_mode & 0o222 == 0
    assert cache_of(server).usage().bytes_alone == 0


def test_one_content_by_several_names_is_stored_once(server: FaultyServer, file: RemoteFile) -> None:
    cache = cache_of(server)
    paths = [get(cache, file), get(cache, RemoteFile(path="two", url=f"{server.url}/two", etag='"x"'))]
    assert paths[0] == paths[1]
    assert (cache.usage().files, cache.usage().bytes) == (1, len(CONTENT))


def test_verify_finds_and_removes_what_is_damaged(server: FaultyServer, file: RemoteFile) -> None:
    cache = cache_of(server)
    path = get(cache, file)
    assert cache.verify() == (1, [])
    path.chmod(0o600)
    path.write_bytes(CONTENT[::-1])
    assert cache.verify() == (1, [SHA256])
    assert not cache.exists([file])
    assert get(cache, file).read_bytes() == CONTENT


def test_prune_removes_what_is_not_used_and_artifacts_stay(
    server: FaultyServer, file: RemoteFile, tmp_path: Path
) -> None:
    cache = cache_of(server)
    path = get(cache, file)
    cache.place([file], tmp_path / "into", Silent(), "Downloading")
    assert cache.prune(3600) == (0, 0)
    os.utime(path, (time.time() - 7200,) * 2)
    assert cache.prune(3600) == (1, 0), "the artifact keeps its bytes"
    assert (tmp_path / "into" / file.path).read_bytes() == CONTENT
    assert not cache.exists([file])
    with pytest.raises(InvalidInput, match="no age"):
        cache.prune(-1)


def test_offline_says_what_is_missing(server: FaultyServer, file: RemoteFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    with pytest.raises(Unavailable, match=r"folder/one\.bin is not in the cache"):
        get(cache_of(server), file)
    assert server.requests == []


def test_two_workspaces_share_a_download(
    server: FaultyServer, file: RemoteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_SHARED_CACHE", str(tmp_path / "shared"))
    get(cache_of(server, tmp_path / "one"), file)
    assert get(cache_of(server, tmp_path / "two"), file).read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert (tmp_path / "shared" / SHA256).stat().st_mode & 0o777 == 0o440
    assert (tmp_path / "shared").stat().st_mode & 0o7777 == 0o3770


@pytest.mark.parametrize("planted", ["other bytes", "a link", "a pipe", "a folder"])
def test_what_another_user_planted_is_not_believed(
    planted: str, server: FaultyServer, file: RemoteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_SHARED_CACHE", str(shared))
    if planted == "other bytes":
        (shared / SHA256).write_bytes(CONTENT[::-1])
    elif planted == "a link":
        (shared / SHA256).symlink_to("/dev/zero")
    elif planted == "a pipe":
        os.mkfifo(shared / SHA256)
    else:
        (shared / SHA256).mkdir()
    assert get(cache_of(server), file).read_bytes() == CONTENT


def test_a_content_of_before_the_machine_started_is_hashed_again(server: FaultyServer, file: RemoteFile) -> None:
    path = get(cache_of(server), file)
    path.chmod(0o600)
    path.write_bytes(CONTENT[::-1])  # of the right size, as a crash leaves a file that was never synced
    cache = cache_of(server)
    cache._contents.__dict__["_booted_at"] = time.time() + 60
    assert get(cache, file).read_bytes() == CONTENT
