"""Models come in from a hub: pinned to a commit, chosen before the first byte, resumed and never mixed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Fault, Hub, serving
from watching import Watching

from jupyter_modeldeploy.errors import (
    Forbidden,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    StorageFull,
    Unavailable,
    UnsafeContent,
)
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import Fetched, download, fetch

WEIGHTS = bytes(range(256)) * 4096
FILES = {
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"other",
    "tf_model.h5": b"other",
    "onnx/model.onnx": b"other",
    "README.md": b"hello",
}
WANTED = {name: FILES[name] for name in ("config.json", "model.safetensors", "README.md")}
NAME = "org/model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        monkeypatch.setattr(download, "FIRST_DELAY_S", 0.01)
        running.repositories[NAME].commit(FILES, "v1")
        yield running


def get(reference: str, into: Path) -> Fetched:
    return fetch(reference, into, Silent(), Settings())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept(root: Path) -> list[str]:
    """What lies in the cache of files beside finished downloads."""
    return [path.name for path in (root / "cache" / "files").iterdir() if "." in path.name]


def test_a_model_comes_in_pinned_to_its_commit(hub: Hub, tmp_path: Path) -> None:
    fetched = get(f"hf:{NAME}@v1", tmp_path / "into")
    assert contents(fetched.root) == WANTED
    assert fetched.source == f"hf:{NAME}@{hub.repositories[NAME].names['v1']}"


def test_only_the_chosen_files_are_asked_for(hub: Hub, tmp_path: Path) -> None:
    get(f"hf:{NAME}", tmp_path / "into")
    assert {one.path.rpartition("/")[2] for one in hub.contents()} == {"config.json", "model.safetensors", "README.md"}


def test_the_libraries_own_download_agrees(hub: Hub, tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download

    ours = get(f"hf:{NAME}", tmp_path / "ours").root
    theirs = snapshot_download(NAME, endpoint=hub.url, cache_dir=tmp_path / "theirs", allow_patterns=list(WANTED))
    assert contents(Path(theirs)) == contents(ours)


def test_a_new_commit_on_a_branch_is_noticed(hub: Hub, tmp_path: Path) -> None:
    before = get(f"hf:{NAME}", tmp_path / "before")
    hub.repositories[NAME].commit({**FILES, "config.json": b'{"model_type": "gpt2"}'})
    after = get(f"hf:{NAME}", tmp_path / "after")
    assert before.source != after.source
    assert (after.root / "config.json").read_bytes() == b'{"model_type": "gpt2"}'
    assert contents(get(before.source, tmp_path / "again").root) == WANTED


def test_a_second_fetch_downloads_nothing_and_works_offline(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(f"hf:{NAME}", tmp_path / "first")
    downloaded = len(hub.contents())
    get(f"hf:{NAME}", tmp_path / "second")
    assert len(hub.contents()) == downloaded
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    asked = len(hub.requests)
    assert contents(get(f"hf:{NAME}", tmp_path / "third").root) == WANTED
    assert len(hub.requests) == asked


def test_a_dropped_connection_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(drop_after=300_000), Fault(drop_after=300_000)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED
    ranges = [one.range for one in hub.served() if one.path.endswith("model.safetensors")]
    assert ranges == [None, "bytes=300000-", "bytes=600000-"]


def test_a_server_that_ignores_the_range_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(drop_after=300_000), Fault(ignore_range=True)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED


@pytest.mark.parametrize(("name", "received"), [("model.safetensors", 300_000), ("README.md", 2)])
def test_a_file_that_changes_meanwhile_is_never_mixed(name: str, received: int, hub: Hub, tmp_path: Path) -> None:
    """With a published hash, and without one, where only the ETag tells."""
    hub.faults[name] = [Fault(content=FILES[name][::-1], drop_after=received)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED


def test_a_wrong_byte_is_found_and_nothing_is_kept(hub: Hub, tmp_path: Path, root: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(damage=True)]
    with pytest.raises(UnsafeContent, match="SHA-256"):
        get(f"hf:{NAME}", tmp_path / "into")
    assert kept(root) == []


def test_a_busy_server_is_asked_again_when_it_says(hub: Hub, tmp_path: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(status=429, retry_after=0), Fault(status=503)]
    assert contents(get(f"hf:{NAME}", tmp_path / "into").root) == WANTED


def test_a_server_that_stays_broken_is_given_up_with_what_arrived_kept(hub: Hub, tmp_path: Path, root: Path) -> None:
    hub.faults["model.safetensors"] = [Fault(drop_after=300_000), *[Fault(status=500)] * download.ATTEMPTS]
    with pytest.raises(Unavailable, match="300000 bytes are kept"):
        get(f"hf:{NAME}", tmp_path / "into")
    get(f"hf:{NAME}", tmp_path / "again")
    assert [one.range for one in hub.served() if one.path.endswith("model.safetensors")][-1] == "bytes=300000-"
    assert kept(root) == []


def test_what_cannot_fit_is_refused_before_the_first_byte(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "SPARE_BYTES", 1 << 60)
    with pytest.raises(StorageFull, match="bytes are needed"):
        get(f"hf:{NAME}", tmp_path / "into")
    assert hub.contents() == []


def test_progress_is_told_over_all_files(hub: Hub, tmp_path: Path) -> None:
    watching = Watching()
    fetch(f"hf:{NAME}", tmp_path / "into", watching, Settings())
    size = sum(map(len, WANTED.values()))
    assert watching.told[-1] == (size, size, "bytes")
    assert {total for _, total, _ in watching.told} == {size}


def test_a_folder_of_a_repository_can_be_fetched(hub: Hub, tmp_path: Path) -> None:
    assert contents(get(f"hf:{NAME}#onnx", tmp_path / "into").root) == {"model.onnx": b"other"}


def test_a_hostile_name_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/bad"].commit({**FILES, "../../escape.json": b"{}"})
    with pytest.raises(UnsafeContent, match="leave its folder"):
        get("hf:org/bad", tmp_path / "into")


def test_a_private_model_needs_its_token_and_the_token_stays_with_the_hub(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: Path
) -> None:
    hub.repositories[NAME].token = "hf_secret"
    with pytest.raises(NotAuthenticated, match="does not exist or is private"):
        get(f"hf:{NAME}", tmp_path / "into")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert contents(get(f"hf:{NAME}", tmp_path / "with").root) == WANTED
    assert not any(one.authorized for one in hub.served() if one.path.startswith("/content/"))
    assert all(b"hf_secret" not in path.read_bytes() for path in root.rglob("*") if path.is_file())


def test_a_gated_model_says_what_to_do(hub: Hub, tmp_path: Path) -> None:
    hub.repositories[NAME].gated, hub.repositories[NAME].token = True, "hf_granted"
    with pytest.raises(Forbidden, match="Accept its terms"):
        get(f"hf:{NAME}", tmp_path / "into")


@pytest.mark.parametrize(
    ("reference", "error", "message"),
    [
        ("hf:org/model@v9", NotFound, "no revision 'v9'"),
        ("hf:org/missing", NotAuthenticated, "does not exist or is private"),
        ("hf:a/b/c", InvalidInput, "not a repository's name"),
        ("hf:../etc", InvalidInput, "not a repository's name"),
    ],
)
def test_what_is_not_there_is_said(
    reference: str, error: type[Exception], message: str, hub: Hub, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        get(reference, tmp_path / "into")


def test_a_hub_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be reached"):
        get("hf:org/model", tmp_path / "into")
