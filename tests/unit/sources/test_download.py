"""Files arrive whole and right, or not at all, whatever the server does."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_server import Fault, FaultyServer, serving
from watching import Watching

from jupyter_modeldeploy.errors import ModelDeployError, Overloaded, StorageFull, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import RemoteFile
from jupyter_modeldeploy.sources.transfer import answers, download, flow
from jupyter_modeldeploy.sources.transfer.cache import Cache

SMALL, MIDDLE = os.urandom(5_000), os.urandom(3_000_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    with serving() as running:
        monkeypatch.setattr(flow, "FIRST_DELAY_S", 0.01)
        running.files = {"small": SMALL, "middle": MIDDLE}
        yield running


@pytest.fixture
def cache(server: FaultyServer) -> Cache:
    return Cache(Settings(), allowed_hosts=[server.address])


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def remote(server: FaultyServer, name: str, kind: str = "sha256") -> RemoteFile:
    """The file as a listing describes it, with one kind of hash or none."""
    content = server.files[name]
    assert isinstance(content, bytes)
    hashes = {"sha256": hashlib.sha256(content).hexdigest(), "git_sha1": git_sha1(content)}
    chosen = {kind: hashes[kind]} if kind in hashes else {}
    return RemoteFile(path=name, url=f"{server.url}/{name}", size=len(content), **chosen)


def get(cache: Cache, *files: RemoteFile) -> list[bytes]:
    return [path.read_bytes() for path in cache.get(files, Silent(), "Downloading")]


def left(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "cache" / "files").iterdir())


KINDS = pytest.mark.parametrize("kind", ["sha256", "git_sha1", "none"])
HASHED = pytest.mark.parametrize("kind", ["sha256", "git_sha1"])
NAMES = pytest.mark.parametrize("name", ["small", "middle"])


@KINDS
@NAMES
def test_a_file_arrives_and_is_not_asked_for_again(name: str, kind: str, server: FaultyServer, cache: Cache) -> None:
    file = remote(server, name, kind)
    assert [get(cache, file), get(cache, file)] == [[server.files[name]]] * 2
    assert server.ranges(name) == [None]
    assert cache.exists([file])


@KINDS
def test_every_dropped_connection_goes_on_where_it_stopped(kind: str, server: FaultyServer, cache: Cache) -> None:
    server.drops = [500_000, 1_000_000, 2_999_999]
    assert get(cache, remote(server, "middle", kind)) == [MIDDLE]
    assert server.ranges("middle") == [None, "bytes=500000-", "bytes=1000000-", "bytes=2999999-"]
    until = time.monotonic() + 120
    while server.sent < len(MIDDLE) and time.monotonic() < until:
        time.sleep(0.01)  # the server counts what it has sent, which is here already
    assert server.sent == len(MIDDLE)


@KINDS
@NAMES
def test_two_revisions_are_never_mixed(name: str, kind: str, server: FaultyServer, cache: Cache) -> None:
    content = server.files[name]
    server.faults[name] = [Fault(content=content[::-1], drop_after=len(content) // 2)]
    assert get(cache, remote(server, name, kind)) == [content]


@NAMES
def test_a_server_without_ranges_is_read_from_the_start(name: str, server: FaultyServer, cache: Cache) -> None:
    server.faults[name] = [Fault(drop_after=2_000), Fault(ignore_range=True)]
    assert get(cache, remote(server, name)) == [server.files[name]]


HOSTILE = {
    "damaged": (Fault(damage=True), UnsafeContent, "published is"),
    "storm of 429": (Fault(status=429, retry_after=0), Overloaded, "asks for fewer requests"),
    "429 for a day": (Fault(status=429, retry_after=86_400), Overloaded, "in 86400 s"),
    "always 503": (Fault(status=503), Unavailable, "answered 503"),
    "nothing arrives": (Fault(drop_after=0), Unavailable, "could not be downloaded"),
    "announces more": (Fault(announced=10_000_000), Unavailable, "the listing says"),
    "announces less": (Fault(announced=1_000), Unavailable, "the listing says"),
    "another file": (Fault(content=b"something else"), Unavailable, "the listing says"),
    "gone": (Fault(status=404), ModelDeployError, "answered 404"),
}


@HASHED
@NAMES
@pytest.mark.parametrize("case", HOSTILE)
def test_what_a_server_gets_wrong_is_said_and_nothing_is_kept(
    case: str, name: str, kind: str, server: FaultyServer, cache: Cache, root: Path
) -> None:
    fault, error, message = HOSTILE[case]
    server.faults[name], server.forever = [fault], {name}
    file = remote(server, name, kind)
    with pytest.raises(error, match=message):
        cache.get([file], Silent(), "Downloading")
    assert not cache.exists([file])
    assert [one for one in left(root) if not one.endswith((".part", ".part.json"))] == []


@pytest.mark.parametrize(("name", "fault"), [("middle", Fault(drop_after=1_000_000)), ("small", Fault(status=503))])
def test_each_request_of_a_download_is_signed_anew(name: str, fault: Fault, server: FaultyServer) -> None:
    """A signature is over long before a large file is there."""
    server.faults[name] = [fault]
    signed: list[str] = []

    def headers(url: str) -> dict[str, str]:
        signed.append(url)
        return {"Authorization": f"signature {len(signed)}"}

    cache = Cache(Settings(), headers, allowed_hosts=[server.address])
    assert get(cache, remote(server, name)) == [server.files[name]]
    assert signed == [f"{server.url}/{name}"] * 2


def test_a_file_that_changes_all_the_time_is_given_up(server: FaultyServer, cache: Cache) -> None:
    server.faults["middle"] = [Fault(content=os.urandom(len(MIDDLE)), drop_after=100_000) for _ in range(20)]
    with pytest.raises(Unavailable, match="began anew"):
        get(cache, remote(server, "middle", "none"))


def test_many_files_arrive_together_and_twins_once(server: FaultyServer, cache: Cache) -> None:
    server.files |= {f"{number}": f"content {number // 2}".encode() for number in range(200)}
    files = [remote(server, f"{number}") for number in range(200)]
    assert get(cache, *files) == [server.files[f"{number}"] for number in range(200)]
    assert len(server.requests) == 100


def test_the_first_failure_ends_all_and_what_arrived_stays(server: FaultyServer, cache: Cache) -> None:
    server.faults["middle"], server.forever = [Fault(status=403)], {"middle"}
    with pytest.raises(ModelDeployError, match="403"):
        get(cache, remote(server, "middle"), *[remote(server, "small")] * 2)
    server.faults.clear()
    assert get(cache, remote(server, "middle"), remote(server, "small")) == [MIDDLE, SMALL]


def test_a_slow_connection_gets_help_from_others(
    server: FaultyServer, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SMALLEST_SECTION", 1 << 20)
    monkeypatch.setattr(download, "SECTIONS_AFTER_S", 0.0)
    monkeypatch.setattr("jupyter_modeldeploy.sources.transfer.downloads.SMALLEST_SECTION", 1 << 20)
    server.files["large"] = content = os.urandom(24 << 20)
    server.bytes_per_second = 8e6
    server.drops = [3 << 20, 9 << 20, 20 << 20]
    assert get(cache, remote(server, "large")) == [content]
    assert len(server.ranges("large")) > 4
    assert any(asked and not asked.endswith("-") for asked in server.ranges("large"))


def test_what_cannot_fit_is_refused_before_the_first_byte(
    server: FaultyServer, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "SPARE_BYTES", 1 << 60)
    with pytest.raises(StorageFull, match="bytes are needed"):
        get(cache, remote(server, "middle"))
    assert server.requests == []


def test_progress_is_of_all_bytes(server: FaultyServer, cache: Cache) -> None:
    watching = Watching()
    get(cache, remote(server, "small"))
    cache.get([remote(server, "small"), remote(server, "middle")], watching, "Downloading")
    size = len(SMALL) + len(MIDDLE)
    assert watching.told[0][0] >= len(SMALL)
    assert watching.told[-1] == (size, size, "bytes")
    assert {total for _, total, _ in watching.told} == {size}


def test_bandwidth_is_shared_by_all_connections(
    server: FaultyServer, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was let through never exceeds the limit: the clock is the flow's own."""
    now, slept = [0.0], []
    limited = flow.Flow(1000)
    monkeypatch.setattr(flow.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(limited, "sleep", slept.append)
    for _ in range(3):
        limited.passed(500)
    assert slept == [0.5, 1.0, 1.5]
    now[0] = 10.0
    limited.passed(100)
    assert slept[-1] == pytest.approx(0.1)


def test_an_unverifiable_part_of_an_earlier_boot_is_not_gone_on_with(
    server: FaultyServer, cache: Cache, root: Path
) -> None:
    server.faults["middle"] = [Fault(drop_after=1_000_000), *[Fault(status=500)] * flow.ATTEMPTS]
    with pytest.raises(Unavailable, match="1000000 bytes are kept"):
        get(cache, remote(server, "middle", "none"))
    (record,) = root.glob("cache/files/*.part.json")
    record.write_text(record.read_text().replace('"boot": "', '"boot": "earlier-'))
    assert get(cache, remote(server, "middle", "none")) == [MIDDLE]
    assert server.ranges("middle")[-1] is None


@HASHED
def test_a_damaged_part_is_noticed(kind: str, server: FaultyServer, cache: Cache, root: Path) -> None:
    server.faults["middle"] = [Fault(drop_after=1_000_000), *[Fault(status=500)] * flow.ATTEMPTS]
    with pytest.raises(Unavailable):
        get(cache, remote(server, "middle", kind))
    (part,) = root.glob("cache/files/*.part")
    with part.open("r+b") as file:
        file.write(b"damaged")
    assert get(cache, remote(server, "middle", kind)) == [MIDDLE]
