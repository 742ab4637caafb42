"""Objects and prefixes come in from buckets of real object servers of our own, pinned to versions and ETags."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from free_port import free_port
from simple_index import wheel

from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import Fetched, Selection, fetch

CONTENT = os.urandom(200_000)
MODEL = {"config.json": b"{}", "model.safetensors": CONTENT, "deep/notes.md": b"notes"}


def get(reference: str, into: Path, selection: Selection | None = None) -> Fetched:
    return fetch(reference, into, Silent(), Settings(), selection or Selection())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    import botocore.session
    import httpx

    httpx.post(f"{endpoint}/moto-api/reset", timeout=120)
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "OSS_ENDPOINT": endpoint,
        "OSS_ACCESS_KEY_ID": "test",
        "OSS_ACCESS_KEY_SECRET": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("JUPYTER_MODELDEPLOY_ALLOWED_HOSTS")  # the endpoint that the user set is enough
    client = botocore.session.Session().create_client("s3")
    client.create_bucket(Bucket="models")
    for name, content in MODEL.items():
        client.put_object(Bucket="models", Key=f"bert/{name}", Body=content)
    client.put_object(Bucket="models", Key="bert/deep/", Body=b"")
    yield client
    client.close()


@pytest.mark.parametrize("scheme", ["s3", "oss"])
def test_all_below_a_prefix_comes_pinned_to_its_state(scheme: str, s3: Any, tmp_path: Path) -> None:
    fetched = get(f"{scheme}://models/bert", tmp_path / "into")
    assert contents(fetched.root) == MODEL
    assert fetched.source.startswith(f"{scheme}://models/bert/#state=")
    assert contents(get(fetched.source, tmp_path / "again").root) == MODEL
    s3.put_object(Bucket="models", Key="bert/config.json", Body=b"[]")
    assert contents(get(f"{scheme}://models/bert/", tmp_path / "new").root) == {**MODEL, "config.json": b"[]"}


def test_a_state_that_is_gone_is_said(s3: Any, tmp_path: Path, root: Path) -> None:
    import shutil

    source = get("s3://models/bert", tmp_path / "into").source
    s3.put_object(Bucket="models", Key="bert/config.json", Body=b"[]")
    shutil.rmtree(root / "cache")
    with pytest.raises(Conflict, match="has changed"):
        get(source, tmp_path / "again")


def test_patterns_and_frameworks_choose_among_objects(s3: Any, tmp_path: Path) -> None:
    chosen = get("s3://models/bert", tmp_path / "into", Selection(exclude=["*.md"]))
    assert set(contents(chosen.root)) == {"config.json", "model.safetensors"}
    with pytest.raises(InvalidInput, match="onnx"):
        get("s3://models/bert", tmp_path / "none", Selection(framework="onnx"))


def test_one_object_comes_by_its_etag_or_its_version(s3: Any, tmp_path: Path) -> None:
    fetched = get("s3://models/bert/model.safetensors", tmp_path / "into")
    assert contents(fetched.root) == {"model.safetensors": CONTENT}
    assert "#etag=" in fetched.source
    s3.put_bucket_versioning(Bucket="models", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="models", Key="a b/ü+&.bin", Body=b"first")["VersionId"]
    s3.put_object(Bucket="models", Key="a b/ü+&.bin", Body=b"second")
    url = "s3://models/a%20b/%C3%BC%2B%26.bin"
    assert contents(get(url, tmp_path / "now").root) == {"ü+&.bin": b"second"}
    old = get(f"{url}?versionId={first}", tmp_path / "old")
    assert contents(old.root) == {"ü+&.bin": b"first"}
    assert old.source == f"{url}?versionId={first}"


def test_an_archive_is_unpacked(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="models", Key="m.zip", Body=wheel({"m/a.onnx": b"1", "m/b.txt": b"2"}))
    assert contents(get("s3://models/m.zip#m/b.txt", tmp_path / "into").root) == {"b.txt": b"2"}


def test_a_hostile_key_is_refused(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket="models", Key="bad/../../x", Body=b"x")
    with pytest.raises(UnsafeContent, match="leave its folder"):
        get("s3://models/bad", tmp_path / "into")


def test_a_second_fetch_downloads_nothing(s3: Any, tmp_path: Path, root: Path) -> None:
    get("s3://models/bert", tmp_path / "first")
    before = {path.name: path.stat().st_ino for path in (root / "cache" / "files").iterdir()}
    get("s3://models/bert", tmp_path / "second")
    assert {path.name: path.stat().st_ino for path in (root / "cache" / "files").iterdir()} == before


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("s3://models/nothing/here", NotFound, "no object and no prefix"),
        ("s3://missing/key", NotFound, "missing"),
        ("s3:models", InvalidInput, "names no bucket"),
        ("s3://key:secret@models/x", InvalidInput, "names no bucket"),
        ("s3://models/bert#path", InvalidInput, "prefix of 3 objects"),
    ],
)
def test_what_is_not_there_is_said(
    reference: str, error: type[Exception], message: str, s3: Any, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        get(reference, tmp_path / "into")


def test_a_store_that_does_not_answer_is_named(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Unavailable, match=r"s3://models/bert.* cannot be asked"):
        get("s3://models/bert", tmp_path / "into")


def test_a_missing_package_is_named_with_what_to_install(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    for scheme in ("s3", "oss", "gs"):
        with pytest.raises(Unavailable, match=rf"pip install 'jupyter_modeldeploy\[{scheme}\]'"):
            get(f"{scheme}://models/bert", tmp_path / scheme)


@pytest.fixture
def gs(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import httpx
    from gcp_storage_emulator.server import create_server

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket="models")
    server.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    monkeypatch.delenv("JUPYTER_MODELDEPLOY_ALLOWED_HOSTS")
    for name, content in MODEL.items():
        params = {"uploadType": "media", "name": f"bert/{name}"}
        httpx.post(
            f"{url}/upload/storage/v1/b/models/o", params=params, content=content, timeout=120
        ).raise_for_status()
    yield url
    server.stop()


def test_google_cloud_storage_gives_objects_and_prefixes(gs: str, tmp_path: Path) -> None:
    assert contents(get("gs://models/bert", tmp_path / "into").root) == MODEL
    one = get("gs://models/bert/model.safetensors", tmp_path / "one")
    assert contents(one.root) == {"model.safetensors": CONTENT}
    assert one.source.startswith("gs://models/bert/model.safetensors?generation=")
    assert contents(get(one.source, tmp_path / "again").root) == contents(one.root)
    with pytest.raises(NotFound, match="no object and no prefix"):
        get("gs://models/none", tmp_path / "none")
