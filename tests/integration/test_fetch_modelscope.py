"""Models come in from ModelScope: pinned to a commit, hashed, the same bytes that its own client brings."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from http_files import Fault, serving
from modelscope_server import ModelScopeHub

from jupyter_modeldeploy.errors import InvalidInput, NotAuthenticated, NotFound, RateLimited, Unavailable, UnsafeContent
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import AS_NEEDED, Fetched, Selection, fetch
from jupyter_modeldeploy.sources.hubs.modelscope import ModelScopeSource
from jupyter_modeldeploy.sources.transfer import asking, flow

WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "configuration.json": b'{"task": "text-classification"}',
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"other",
    "a b/é+#&.json": b"{}",
    "README.md": b"hello",
    ".gitattributes": b"*.bin filter=lfs",
}
WANTED = {name: FILES[name] for name in FILES if name not in ("pytorch_model.bin", ".gitattributes")}
NAME = "org/model"
CLIENT = """
import sys
from modelscope.hub.snapshot_download import snapshot_download
into, revision, *names = sys.argv[1:]
for name in names:
    snapshot_download(name, revision=revision, local_dir=f"{into}/{name}", ignore_patterns=["*.bin", ".gitattributes"])
"""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModelScopeHub]:
    with serving(ModelScopeHub()) as running:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", running.url)
        monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "modelscope"))
        monkeypatch.delenv("MODELSCOPE_API_TOKEN", raising=False)
        monkeypatch.setenv("JUPYTER_MODELDEPLOY_ALLOWED_HOSTS", running.other_url.removeprefix("http://"))
        monkeypatch.setattr(flow, "FIRST_DELAY_S", 0.01)
        monkeypatch.setattr(asking, "FIRST_DELAY_S", 0.01)
        running.repositories["models", NAME].commit(FILES, "v1")
        yield running


def get(reference: str, into: Path, selection: Selection = AS_NEEDED) -> Fetched:
    return fetch(reference, into, Silent(), Settings(), selection)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def by_their_client(names: list[str], revision: str, into: Path) -> dict[str, dict[str, bytes]]:
    """What the unmodified `modelscope` package downloads, in a process of its own (it imports much)."""
    answer = subprocess.run(
        [sys.executable, "-c", CLIENT, str(into), revision, *names],
        env={**os.environ, "MODELSCOPE_CACHE": f"{into}.cache"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return {name: contents(into / name) for name in names}


def test_a_model_comes_in_pinned_to_its_commit(hub: ModelScopeHub, tmp_path: Path) -> None:
    fetched = get(f"ms:{NAME}@v1", tmp_path / "into")
    assert contents(fetched.root) == WANTED
    assert fetched.source == f"ms:{NAME}@{hub.repositories['models', NAME].tags['v1']}"


def test_its_own_client_brings_the_same_bytes_of_open_and_private_models(
    hub: ModelScopeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["models", "org/private"].commit(FILES, "v1")
    hub.repositories["models", "org/private"].token = "let-me-in"
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "let-me-in")
    names = [NAME, "org/private"]
    ours = {name: contents(get(f"ms:{name}@v1", tmp_path / name).root) for name in names}
    assert by_their_client(names, "v1", tmp_path / "theirs") == ours == dict.fromkeys(names, WANTED)


def test_the_login_that_its_own_client_has_stored_is_used(hub: ModelScopeHub, tmp_path: Path) -> None:
    from modelscope_hub.config import HubConfig

    hub.repositories["models", NAME].token = "let-me-in"
    HubConfig(token="let-me-in").save_token("let-me-in")
    assert contents(get(f"ms:{NAME}", tmp_path / "into").root) == WANTED


def test_the_token_goes_to_its_own_server_alone(
    hub: ModelScopeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["models", NAME].token = "let-me-in"
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "let-me-in")
    get(f"ms:{NAME}", tmp_path / "into")
    assert all(one.has_credentials for one in hub.asked("^/api/"))
    elsewhere = hub.asked("^/cdn/")
    assert elsewhere
    assert not any(one.has_credentials for one in elsewhere)


def test_a_private_model_is_told_of_with_what_to_do(hub: ModelScopeHub, tmp_path: Path) -> None:
    hub.repositories["models", NAME].token = "let-me-in"
    with pytest.raises(NotFound, match=r"or it is private.*MODELSCOPE_API_TOKEN"):
        get(f"ms:{NAME}", tmp_path / "into")


def test_a_missing_model_is_told_by_its_name(hub: ModelScopeHub, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no model org/missing"):
        get("ms:org/missing", tmp_path / "into")


def test_a_missing_revision_is_told_with_those_there_are(hub: ModelScopeHub, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no revision 'v9'.*master, v1"):
        get(f"ms:{NAME}@v9", tmp_path / "into")


def test_a_missing_folder_is_told_with_what_there_is(hub: ModelScopeHub, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"has no onnx.*README\.md"):
        get(f"ms:{NAME}#onnx", tmp_path / "into")


def test_a_name_without_an_organisation_is_refused(hub: ModelScopeHub, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="ms:ORG/NAME"):
        get("ms:model", tmp_path / "into")
    assert not hub.requests


def test_one_file_can_be_named(hub: ModelScopeHub, tmp_path: Path) -> None:
    assert contents(get(f"ms:{NAME}#a b/é+#&.json", tmp_path / "into").root) == {"é+#&.json": b"{}"}


def test_a_selection_decides_before_the_first_byte(hub: ModelScopeHub, tmp_path: Path) -> None:
    root = get(f"ms:{NAME}", tmp_path / "into", Selection(framework="pytorch", exclude=["*.md", "a b/"])).root
    assert set(contents(root)) == {"config.json", "configuration.json", "pytorch_model.bin"}
    assert not [one for one in hub.asked("/repo$") if one.query["FilePath"] not in contents(root)]


def test_a_new_commit_on_the_branch_is_noticed(hub: ModelScopeHub, tmp_path: Path) -> None:
    get(f"ms:{NAME}", tmp_path / "first")
    hub.repositories["models", NAME].commit(FILES | {"README.md": b"changed"})
    assert contents(get(f"ms:{NAME}", tmp_path / "second").root)["README.md"] == b"changed"


def test_a_model_with_more_files_than_one_listing_holds_comes_in_whole(hub: ModelScopeHub, tmp_path: Path) -> None:
    many = {f"part {n % 7}/{n % 3}/{n}.json": b"%d" % n for n in range(200)} | WANTED
    hub.repositories["models", "org/many"].commit(many)
    hub.listed_at_once = 60
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        patched.setattr("jupyter_modeldeploy.sources.hubs.modelscope.LISTED_AT_ONCE", 60)
        ours = contents(get("ms:org/many", tmp_path / "ours").root)
    assert ours == many


def test_a_folder_with_more_files_than_are_ever_listed_is_refused(
    hub: ModelScopeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["models", "org/many"].commit({f"{n}.json": b"%d" % n for n in range(100)} | WANTED)
    hub.listed_at_once = 60
    monkeypatch.setattr("jupyter_modeldeploy.sources.hubs.modelscope.LISTED_AT_ONCE", 60)
    with pytest.raises(Unavailable, match="lists only 60 files of the folder /"):
        get("ms:org/many", tmp_path / "into")


def test_a_dataset_comes_in_whole(hub: ModelScopeHub, tmp_path: Path) -> None:
    rows = {f"data/{n}.csv": b"text,label\n%d,a\n" % n for n in range(450)} | {"README.md": b"rows"}
    commit = hub.repositories["datasets", "org/rows"].commit(rows)
    fetched = get("ms:datasets/org/rows", tmp_path / "into")
    assert contents(fetched.root) == rows
    assert fetched.source == f"ms:datasets/org/rows@{commit}"


def test_a_dropped_connection_goes_on_where_it_stopped(hub: ModelScopeHub, tmp_path: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(drop_after=400_000), Fault(drop_after=500_000)]
    assert contents(get(f"ms:{NAME}", tmp_path / "into").root) == WANTED
    ranges = [one.headers.get("range") for one in hub.asked("^/cdn/")]
    assert ranges == [None, "bytes=400000-", "bytes=900000-"]


def test_damaged_content_is_refused_and_not_kept(hub: ModelScopeHub, tmp_path: Path) -> None:
    hub.faults["config.json"] = [Fault(damage=True)] * 3
    with pytest.raises(UnsafeContent, match=r"config\.json has the SHA-256"):
        get(f"ms:{NAME}", tmp_path / "into")
    hub.faults.clear()
    assert contents(get(f"ms:{NAME}", tmp_path / "again").root) == WANTED


def test_a_server_that_is_no_modelscope_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from http_files import FileHandler, FileServer

    class Login(FileHandler):
        def answer(self, *_: object) -> None:
            self.reply(200, b"<html>Log in", {"Content-Type": "text/html"})

    class Portal(FileServer):
        handler = Login

    with serving(Portal()) as portal:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", portal.url)
        with pytest.raises(Unavailable, match="MODELSCOPE_ENDPOINT"):
            get(f"ms:{NAME}", tmp_path / "into")


@pytest.mark.parametrize(("status", "error"), [(401, NotAuthenticated), (429, RateLimited), (503, Unavailable)])
def test_a_refusal_is_told_as_what_it_is(
    status: int, error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from http_files import FileHandler, FileServer

    class Refusing(FileHandler):
        def answer(self, *_: object) -> None:
            self.json({"Code": status, "Message": "no", "Success": False}, status)

    class Server(FileServer):
        handler = Refusing

    monkeypatch.setattr(asking, "FIRST_DELAY_S", 0.01)
    with serving(Server()) as server:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", server.url)
        with pytest.raises(error):
            get(f"ms:{NAME}", tmp_path / "into")
        assert len(server.requests) == (1 if status == 401 else asking.ATTEMPTS)


def test_models_can_be_searched(hub: ModelScopeHub) -> None:
    for number in range(70):
        hub.repositories["models", f"org/bert-{number}"].commit(FILES)
    found = ModelScopeSource(Settings()).search("bert", "text-classification", "updated", 60)
    assert len(found) == 60
    assert found[0].source == "ms:org/bert-0"
    assert (found[0].downloads, found[0].license, found[0].task) == (7, "apache-2.0", "text-classification")
    (first, second) = hub.asked("^/openapi/")
    assert (first.query["sort"], first.query["filter.task"]) == ("last_modified", "text-classification")
    assert (first.query["page_number"], second.query["page_number"]) == ("1", "2")


def test_an_unknown_order_of_a_search_is_refused(hub: ModelScopeHub) -> None:
    with pytest.raises(InvalidInput, match="downloads, likes, updated, relevance"):
        ModelScopeSource(Settings()).search("bert", None, "colour", 5)
