"""Models come in from GitHub: files at an exact commit, also those in Git LFS, and the assets of releases."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from github_server import API, ATTRIBUTES, GitHub
from http_files import Fault, serving

from jupyter_modeldeploy.errors import (
    InvalidInput,
    NotAuthenticated,
    NotFound,
    RateLimited,
    Unavailable,
    UnsafeContent,
)
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import AS_NEEDED, Fetched, Selection, fetch
from jupyter_modeldeploy.sources.hubs import github, github_api
from jupyter_modeldeploy.sources.transfer import asking, flow

WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": WEIGHTS,
    "README.md": b"hello",
    "train.py": b"print()",
    "sub folder/é+#&.json": b"{}",
}
WANTED = {name: FILES[name] for name in FILES if name != "train.py"}
NAME = "owner/repo"


@pytest.fixture(params=["public", "enterprise"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """A server in the place of github.com, with raw files on a host of their own, and one as companies have it."""
    with serving(GitHub()) as running:
        for name in ("GITHUB_TOKEN", "GH_TOKEN", "GITHUB_SERVER_URL", "GITHUB_API_URL"):
            monkeypatch.delenv(name, raising=False)
        allowed = [running.other_url.removeprefix("http://")]
        if request.param == "public":
            public = github_api.Host(running.api, running.url, f"{running.url}/raw")
            monkeypatch.setattr(github_api, "PUBLIC", public)
            monkeypatch.setattr(github, "PUBLIC", public)
            allowed.append(running.url.removeprefix("http://"))
        else:
            monkeypatch.setenv("GITHUB_API_URL", running.api)
        monkeypatch.setenv("JUPYTER_MODELDEPLOY_ALLOWED_HOSTS", ",".join(allowed))
        monkeypatch.setattr(flow, "FIRST_DELAY_S", 0.01)
        monkeypatch.setattr(asking, "FIRST_DELAY_S", 0.01)
        running.repositories[NAME].commit(FILES, "v1", "feature/x")
        yield running


def get(reference: str, into: Path, selection: Selection = AS_NEEDED) -> Fetched:
    return fetch(reference, into, Silent(), Settings(), selection)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def archived(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as out:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            out.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.mark.parametrize("revision", ["", "@v1", "@main", "@feature/x"])
def test_a_model_comes_in_pinned_to_its_commit(server: GitHub, tmp_path: Path, revision: str) -> None:
    fetched = get(f"gh:{NAME}{revision}", tmp_path / "into")
    assert contents(fetched.root) == WANTED
    assert fetched.source == f"gh:{NAME}@{server.repositories[NAME].names['v1']}"
    again = get(fetched.source, tmp_path / "again")
    assert (contents(again.root), again.source) == (WANTED, fetched.source)


def test_a_folder_or_one_file_can_be_named(server: GitHub, tmp_path: Path) -> None:
    server.repositories[NAME].commit({f"models/a/{name}": content for name, content in FILES.items()})
    folder = get(f"gh:{NAME}#models/a", tmp_path / "folder")
    assert contents(folder.root) == WANTED
    assert folder.source.endswith("#models/a")
    one = get(f"gh:{NAME}#models/a/train.py", tmp_path / "one")
    assert contents(one.root) == {"train.py": b"print()"}


def test_a_selection_decides_before_the_first_byte(server: GitHub, tmp_path: Path) -> None:
    root = get(f"gh:{NAME}", tmp_path / "into", Selection(include=["*.py"])).root
    assert contents(root) == {"train.py": b"print()"}
    assert len(server.asked("/git/blobs/|/raw/")) == 1


def test_links_and_submodules_are_left_out(server: GitHub, tmp_path: Path) -> None:
    server.repositories[NAME].links["vocab.json"] = "/etc/passwd"
    assert "vocab.json" not in contents(get(f"gh:{NAME}", tmp_path / "into").root)


def test_a_tree_too_large_for_one_answer_comes_in_whole(server: GitHub, tmp_path: Path) -> None:
    many = {f"part{n % 7}/{n % 3}/{n}.json": b"%d" % n for n in range(90)} | WANTED
    server.repositories[NAME].commit(many)
    server.entries_at_once = 30
    assert contents(get(f"gh:{NAME}", tmp_path / "into").root) == many
    server.requests.clear()
    assert len(contents(get(f"gh:{NAME}#part1/2", tmp_path / "part", Selection(include=["*"])).root)) > 1
    assert len(server.asked("/git/trees/")) < 6


def test_a_renamed_repository_is_found_and_named_as_it_is_now(server: GitHub, tmp_path: Path) -> None:
    server.renamed["old/name"] = NAME
    fetched = get("gh:old/name@v1", tmp_path / "into")
    assert contents(fetched.root) == WANTED
    assert fetched.source.startswith(f"gh:{NAME}@")


def test_files_in_git_lfs_come_in_with_their_content(server: GitHub, tmp_path: Path) -> None:
    repository = server.repositories[NAME]
    tracked = {".gitattributes": ATTRIBUTES, "model.safetensors": repository.pointer(WEIGHTS)}
    fetched_from = repository.commit(FILES | tracked)
    fetched = get(f"gh:{NAME}", tmp_path / "into")
    assert contents(fetched.root) == WANTED
    assert fetched.source == f"gh:{NAME}@{fetched_from}"


def test_a_link_of_lfs_is_neither_kept_nor_needed_twice(server: GitHub, tmp_path: Path, root: Path) -> None:
    repository = server.repositories[NAME]
    repository.commit(FILES | {".gitattributes": ATTRIBUTES, "model.safetensors": repository.pointer(WEIGHTS)})
    source = get(f"gh:{NAME}", tmp_path / "into").source
    get(source, tmp_path / "again")
    assert server.granted == 1
    assert not [path for path in (root / "cache" / "references").iterdir() if "sig=" in path.read_text()]


def test_a_link_of_lfs_that_ran_out_is_asked_for_again(server: GitHub, tmp_path: Path) -> None:
    repository = server.repositories[NAME]
    repository.commit(FILES | {".gitattributes": ATTRIBUTES, "model.safetensors": repository.pointer(WEIGHTS)})
    server.expired = 1
    assert contents(get(f"gh:{NAME}", tmp_path / "into").root) == WANTED
    assert server.granted == 2


def test_a_dropped_download_from_lfs_goes_on_where_it_stopped(server: GitHub, tmp_path: Path) -> None:
    repository = server.repositories[NAME]
    repository.commit(FILES | {".gitattributes": ATTRIBUTES, "model.safetensors": repository.pointer(WEIGHTS)})
    oid = hashlib.sha256(WEIGHTS).hexdigest()
    server.faults[oid] = [Fault(drop_after=400_000)]
    assert contents(get(f"gh:{NAME}", tmp_path / "into").root) == WANTED
    assert [one.headers.get("range") for one in server.asked("^/lfs/")] == [None, "bytes=400000-"]


def test_damaged_content_from_lfs_is_refused(server: GitHub, tmp_path: Path) -> None:
    repository = server.repositories[NAME]
    repository.commit(FILES | {".gitattributes": ATTRIBUTES, "model.safetensors": repository.pointer(WEIGHTS)})
    server.faults[hashlib.sha256(WEIGHTS).hexdigest()] = [Fault(damage=True)] * 3
    with pytest.raises(UnsafeContent, match="SHA-256"):
        get(f"gh:{NAME}", tmp_path / "into")


def test_an_lfs_quota_that_is_used_up_is_told(server: GitHub, tmp_path: Path) -> None:
    repository = server.repositories[NAME]
    repository.commit(FILES | {".gitattributes": ATTRIBUTES, "model.safetensors": repository.pointer(WEIGHTS)})
    server.quota = True
    with pytest.raises(Unavailable, match="over its data quota"):
        get(f"gh:{NAME}", tmp_path / "into")


def test_a_content_that_was_never_pushed_to_lfs_is_told(server: GitHub, tmp_path: Path) -> None:
    repository = server.repositories[NAME]
    repository.commit(FILES | {".gitattributes": ATTRIBUTES, "model.safetensors": repository.pointer(WEIGHTS)})
    repository.lfs.clear()
    with pytest.raises(NotFound, match="Object does not exist"):
        get(f"gh:{NAME}", tmp_path / "into")


def test_wrong_content_of_a_file_in_git_is_refused(server: GitHub, tmp_path: Path) -> None:
    server.faults["config.json"] = [Fault(damage=True)] * 3
    with pytest.raises(UnsafeContent, match=r"config\.json"):
        get(f"gh:{NAME}", tmp_path / "into")


def test_a_dropped_connection_ends_with_the_right_bytes(server: GitHub, tmp_path: Path) -> None:
    server.faults["model.safetensors"] = [Fault(drop_after=400_000)]
    assert contents(get(f"gh:{NAME}", tmp_path / "into").root) == WANTED


def test_the_asset_of_a_release_comes_in(server: GitHub, tmp_path: Path) -> None:
    server.repositories[NAME].releases["v1.0"] = {"model-v1.onnx": WEIGHTS, "notes.txt": b"notes"}
    fetched = get(f"gh:{NAME}@v1.0#release:*.onnx", tmp_path / "into")
    assert contents(fetched.root) == {"model.onnx": WEIGHTS}
    assert fetched.source == f"gh:{NAME}@v1.0#release:*.onnx"


def test_without_a_tag_it_is_the_latest_release(server: GitHub, tmp_path: Path) -> None:
    server.repositories[NAME].releases |= {"v1.0": {"a.onnx": b"1"}, "v2.0": {"a.onnx": b"2", "b.json": b"{}"}}
    fetched = get(f"gh:{NAME}#release:*", tmp_path / "into")
    assert contents(fetched.root) == {"a.onnx": b"2", "b.json": b"{}"}
    assert fetched.source == f"gh:{NAME}@v2.0#release:*"


def test_an_archive_of_a_release_is_unpacked(server: GitHub, tmp_path: Path) -> None:
    packed = archived({f"model-1.0/{name}": content for name, content in FILES.items()})
    server.repositories[NAME].releases["v1.0"] = {"model.tar.gz": packed}
    assert contents(get(f"gh:{NAME}@v1.0#release:model.tar.gz", tmp_path / "all").root) == FILES
    one = get(f"gh:{NAME}@v1.0#release:*.tar.gz/model-1.0/config.json", tmp_path / "one")
    assert contents(one.root) == {"config.json": FILES["config.json"]}


def test_a_hostile_archive_of_a_release_is_refused(server: GitHub, tmp_path: Path) -> None:
    server.repositories[NAME].releases["v1.0"] = {"model.tar.gz": archived({"../escaped.json": b"{}", "a": b""})}
    with pytest.raises(UnsafeContent, match="leave its folder"):
        get(f"gh:{NAME}@v1.0#release:model.tar.gz", tmp_path / "into")
    assert not (tmp_path / "escaped.json").exists()


def test_a_dropped_asset_goes_on_and_a_damaged_one_is_refused(server: GitHub, tmp_path: Path) -> None:
    server.repositories[NAME].releases["v1.0"] = {"model.onnx": WEIGHTS}
    server.faults["model.onnx"] = [Fault(damage=True)] * 3
    with pytest.raises(UnsafeContent, match="SHA-256"):
        get(f"gh:{NAME}@v1.0#release:*", tmp_path / "damaged")
    server.requests.clear()
    server.faults["model.onnx"] = [Fault(drop_after=300_000)]
    assert contents(get(f"gh:{NAME}@v1.0#release:*", tmp_path / "whole").root) == {"model.onnx": WEIGHTS}
    assert [one.headers.get("range") for one in server.asked("^/storage/")] == [None, "bytes=300000-"]


def test_an_asset_without_a_digest_is_asked_for_by_its_number(server: GitHub, tmp_path: Path) -> None:
    server.repositories[NAME].releases["v1.0"] = {"model.onnx": WEIGHTS}
    server.repositories[NAME].digests = False
    assert contents(get(f"gh:{NAME}@v1.0#release:*", tmp_path / "into").root) == {"model.onnx": WEIGHTS}
    assert server.asked("/releases/assets/")


def test_a_missing_release_or_asset_is_told_with_what_there_is(server: GitHub, tmp_path: Path) -> None:
    server.repositories[NAME].releases["v1.0"] = {"model.onnx": WEIGHTS}
    with pytest.raises(NotFound, match=r"no asset '\*\.zip'.*It has model\.onnx"):
        get(f"gh:{NAME}@v1.0#release:*.zip", tmp_path / "into")
    with pytest.raises(NotFound, match=r"no release for the tag 'v9'"):
        get(f"gh:{NAME}@v9#release:*", tmp_path / "into")
    with pytest.raises(InvalidInput, match="Not every asset"):
        get(f"gh:{NAME}@v1.0#release:*/config.json", tmp_path / "into")


def test_a_private_repository_comes_in_with_the_token_alone(
    server: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = server.repositories[NAME]
    repository.token = "let-me-in"
    repository.commit(FILES | {".gitattributes": ATTRIBUTES, "model.safetensors": repository.pointer(WEIGHTS)})
    repository.releases["v1.0"] = {"model.onnx": WEIGHTS}
    with pytest.raises(NotFound, match=r"or it is private.*GITHUB_TOKEN"):
        get(f"gh:{NAME}", tmp_path / "into")
    monkeypatch.setenv("GITHUB_TOKEN", "let-me-in")
    assert contents(get(f"gh:{NAME}", tmp_path / "files").root) == WANTED
    assert contents(get(f"gh:{NAME}@v1.0#release:*", tmp_path / "asset").root) == {"model.onnx": WEIGHTS}
    assert not any(one.has_credentials for one in server.asked("^/(storage|lfs)/"))


@pytest.mark.parametrize("status", [403, 429])
def test_a_used_up_limit_is_told_with_the_time_of_its_end(server: GitHub, tmp_path: Path, status: int) -> None:
    server.use_up(status, 720)
    with pytest.raises(RateLimited, match=r"until \d\d:\d\d:\d\d .*GITHUB_TOKEN") as told:
        get(f"gh:{NAME}", tmp_path / "into")
    assert 700 < told.value.retry_after_s <= 720
    assert len(server.requests) == 1


def test_a_limit_that_ends_soon_is_waited_for(server: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.limit = (429, {"Retry-After": "1"})
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        server.limit = None

    monkeypatch.setattr(asking, "sleep", wait)
    assert contents(get(f"gh:{NAME}", tmp_path / "into").root) == WANTED
    assert waits == [1.0]


def test_a_token_that_is_not_accepted_is_told(server: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.limit = (401, {})
    monkeypatch.setenv("GITHUB_TOKEN", "stale")
    with pytest.raises(NotAuthenticated, match="does not accept the token"):
        get(f"gh:{NAME}", tmp_path / "into")


def test_what_is_not_there_is_told(server: GitHub, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no repository owner/missing"):
        get("gh:owner/missing", tmp_path / "into")
    with pytest.raises(NotFound, match="no revision 'v9'"):
        get(f"gh:{NAME}@v9", tmp_path / "into")
    with pytest.raises(NotFound, match=r"has no onnx.*README\.md"):
        get(f"gh:{NAME}#onnx", tmp_path / "into")
    assert server.repositories["owner/empty"].commits == {}
    with pytest.raises(NotFound, match="no commit yet"):
        get("gh:owner/empty", tmp_path / "into")
    with pytest.raises(InvalidInput, match="gh:OWNER/REPO"):
        get("gh:repo", tmp_path / "into")


def test_where_a_company_has_its_github_follows_from_its_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_SERVER_URL", raising=False)
    for api, web in (
        ("https://git.example/api/v3", "https://git.example"),
        ("https://api.a.ghe.com", "https://a.ghe.com"),
    ):
        monkeypatch.setenv("GITHUB_API_URL", api + "/")
        assert github_api.host() == github_api.Host(api, web, None)
    monkeypatch.setenv("GITHUB_API_URL", "git.example")
    with pytest.raises(InvalidInput, match="GITHUB_API_URL"):
        github_api.host()
    assert API == "/api/v3"
