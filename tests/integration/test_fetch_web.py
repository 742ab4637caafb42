"""Files and archives come in by their URL, pinned to what the server said of them."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import File, FileServer, serving
from simple_index import sdist, wheel

from jupyter_modeldeploy.errors import (
    Conflict,
    InvalidInput,
    ModelDeployError,
    NotAuthenticated,
    NotFound,
    Unavailable,
    UnsafeContent,
)
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import Fetched, Selection, fetch
from jupyter_modeldeploy.sources.places.web import WebSource

CONTENT = os.urandom(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILES = {"m/model.onnx": b"1", "m/config.json": b"2", "m/README.md": b"3"}


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as running:
        running.files["/a/weights.onnx"] = File(CONTENT, {"ETag": '"one"'})
        running.files["/model.zip"] = File(wheel(FILES), {"Last-Modified": "Sat, 21 Nov 2026 10:00:00 GMT"})
        running.files["/model.tar.gz"] = File(sdist(FILES), {"ETag": 'W/"weak"'})
        yield running


def get(reference: str, into: Path, selection: Selection | None = None) -> Fetched:
    return fetch(reference, into, Silent(), Settings(), selection or Selection())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_comes_with_the_etag_that_pins_it(server: FileServer, tmp_path: Path) -> None:
    fetched = get(f"{server.url}/a/weights.onnx", tmp_path / "into")
    assert contents(fetched.root) == {"model.onnx": CONTENT}
    assert fetched.source == f"{server.url}/a/weights.onnx#etag=%22one%22"


@pytest.mark.parametrize("name", ["model.zip", "model.tar.gz"])
def test_an_archive_is_unpacked_as_far_as_it_is_wanted(name: str, server: FileServer, tmp_path: Path) -> None:
    url = f"{server.url}/{name}"
    assert contents(get(url, tmp_path / "all").root) == {"model.onnx": b"1", "config.json": b"2", "README.md": b"3"}
    assert contents(get(f"{url}#m/config.json", tmp_path / "one").root) == {"config.json": b"2"}
    chosen = get(url, tmp_path / "chosen", Selection(exclude=["*.md"]))
    assert contents(chosen.root) == {"model.onnx": b"1", "config.json": b"2"}
    assert len(server.gets()) == 1


def test_the_pin_brings_the_same_again_and_says_when_it_is_gone(server: FileServer, tmp_path: Path, root: Path) -> None:
    first = get(f"{server.url}/model.zip#m", tmp_path / "first")
    assert first.source == f"{server.url}/model.zip#m&modified=Sat%2C%2021%20Nov%202026%2010%3A00%3A00%20GMT"
    server.files["/model.zip"] = File(wheel({"m/x": b"new"}), {"Last-Modified": "Sun, 22 Nov 2026 10:00:00 GMT"})
    assert contents(get(f"{server.url}/model.zip#m", tmp_path / "new").root) == {"x": b"new"}
    with pytest.raises(Conflict, match="has changed"):
        get(first.source, tmp_path / "again")


def test_what_a_server_does_not_date_is_downloaded_each_time(server: FileServer, tmp_path: Path) -> None:
    server.files["/plain.bin"] = File(b"old")
    first = get(f"{server.url}/plain.bin", tmp_path / "first")
    server.files["/plain.bin"] = File(b"new")
    second = get(f"{server.url}/plain.bin", tmp_path / "second")
    assert (contents(first.root), contents(second.root)) == ({"plain.bin": b"old"}, {"plain.bin": b"new"})
    assert first.source != second.source
    assert "#fetched=" in first.source


def test_a_hash_in_the_reference_is_checked_and_needs_no_second_look(server: FileServer, tmp_path: Path) -> None:
    url = f"{server.url}/a/weights.onnx#sha256={SHA256}"
    assert get(url, tmp_path / "into").source == url
    asked = len(server.asked)
    get(url, tmp_path / "again")
    assert len(server.asked) == asked
    with pytest.raises(UnsafeContent, match="SHA-256"):
        get(f"{server.url}/a/weights.onnx#sha256={'0' * 64}", tmp_path / "wrong")
    with pytest.raises(InvalidInput, match="not a SHA-256"):
        get(f"{server.url}/a/weights.onnx#sha256=12", tmp_path / "short")


def test_a_dropped_connection_is_taken_up_where_it_ended(server: FileServer, tmp_path: Path) -> None:
    server.files["/a/weights.onnx"].drop_after = 100_000
    assert contents(get(f"{server.url}/a/weights.onnx", tmp_path / "into").root) == {"model.onnx": CONTENT}
    assert server.gets() == [None, "bytes=100000-"]


def test_a_link_that_is_signed_for_get_alone_is_read(server: FileServer, tmp_path: Path) -> None:
    server.files["/signed.bin?signature=a=b&x"] = File(b"content", {"ETag": '"1"'}, get_only=True)
    assert contents(get(f"{server.url}/signed.bin?signature=a=b&x", tmp_path / "into").root) == {
        "signed.bin": b"content"
    }


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="weights.bin"', "weights.bin"),
        ("attachment; filename*=UTF-8''gewichte%20%C3%BC.bin", "gewichte ü.bin"),
        ('attachment; filename="../../../.ssh/authorized_keys"', "authorized_keys"),
        ('attachment; filename="C:\\\\Windows\\\\win.ini"', "win.ini"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ('attachment; filename=".."', "id"),
        ('attachment; filename="NUL"', "id"),
        (f'attachment; filename="{"x" * 300}"', "id"),
        ("nonsense;;;=", "id"),
    ],
)
def test_the_name_is_the_servers_word_but_never_a_path(
    disposition: str, name: str, server: FileServer, tmp_path: Path
) -> None:
    server.files["/get/id"] = File(b"x", {"Content-Disposition": disposition})
    assert list(contents(get(f"{server.url}/get/id?q=1".partition("?")[0], tmp_path / "into").root)) == [name]


def test_a_hostile_archive_is_refused(server: FileServer, tmp_path: Path) -> None:
    server.files["/bad.zip"] = File(wheel({"a/../../../x": b"x", "b": b""}))
    with pytest.raises(UnsafeContent, match="leave its folder"):
        get(f"{server.url}/bad.zip", tmp_path / "into")


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("/missing.bin", NotFound, "answered 404"),
        ("/model.zip#n/a", NotFound, "not in"),
        ("/a/weights.onnx#folder", InvalidInput, "not an archive"),
        ("/listing/", InvalidInput, "web page"),
        ("/closed.bin", NotAuthenticated, "401"),
    ],
)
def test_what_cannot_be_had_is_said(
    path: str, error: type[ModelDeployError], message: str, server: FileServer, tmp_path: Path
) -> None:
    server.files["/listing/"] = File(b"<html>", {"Content-Type": "text/html; charset=utf-8"})
    server.files["/closed.bin"] = File(b"x", authorization="Basic x")
    with pytest.raises(error, match=message):
        get(f"{server.url}{path}", tmp_path / "into")


def test_credentials_come_from_netrc_for_their_host_alone(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\ndefault login all password all\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    word = f"Basic {base64.b64encode(b'me:secret').decode()}"
    server.files["/closed.bin"] = File(b"x", {"ETag": '"1"'}, authorization=word)
    server.files["/open.bin"] = File(b"y")
    server.redirects["/away.bin"] = f"http://localhost:{server.port}/open.bin"
    assert contents(get(f"{server.url}/closed.bin", tmp_path / "into").root) == {"closed.bin": b"x"}
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_ALLOWED_HOSTS", "127.0.0.0/8,::1,localhost")
    get(f"{server.url}/away.bin", tmp_path / "away")
    get(f"http://localhost:{server.port}/open.bin", tmp_path / "local")
    assert not any("authorization" in headers for _, path, headers in server.asked if path == "/open.bin")


def test_credentials_are_not_sent_unprotected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine models.example login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    source = WebSource(Settings())
    assert source.headers("https://models.example/a") != {}
    assert source.headers("http://models.example/a") == {}


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("http://models.example/a.bin", UnsafeContent, "unprotected"),
        ("https://me:secret@models.example/a.bin", InvalidInput, "netrc"),
        ("https:models.example/a.bin", InvalidInput, "https://HOST/PATH"),
        ("https://0177.0.0.1/a.bin", InvalidInput, "not a URL"),
    ],
)
def test_a_reference_that_is_not_safe_is_refused_without_asking(
    reference: str, error: type[ModelDeployError], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message) as caught:
        get(reference, tmp_path / "into")
    assert "secret" not in str(caught.value)


def test_a_server_of_this_machine_is_refused_where_it_is_not_listed(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JUPYTER_MODELDEPLOY_ALLOWED_HOSTS")
    with pytest.raises(UnsafeContent, match="loopback"):
        get(f"{server.url}/a/weights.onnx#sha256={SHA256}", tmp_path / "into")
    assert server.asked == []


def test_offline_brings_what_was_fetched_before(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(f"{server.url}/model.zip", tmp_path / "first")
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    assert contents(get(f"{server.url}/model.zip", tmp_path / "second").root) == contents(tmp_path / "first")
    with pytest.raises(Unavailable, match="not in the cache"):
        get(f"{server.url}/a/weights.onnx", tmp_path / "third")
