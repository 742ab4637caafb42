"""The hub's own client, unmodified, reads our hub as we do: so that what our tests hold is held by the real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Hub, serving
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_download, hf_hub_url, snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RevisionNotFoundError

from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import Selection, fetch, parse
from jupyter_modeldeploy.sources.hubs.huggingface import HuggingFaceSource

FILES = {
    ".gitattributes": b"*.bin filter=lfs",
    "config.json": b'{"model_type": "bert"}',
    "model.safetensors": bytes(range(256)) * 64,
    "onnx/model.onnx": b"onnx",
    "nested/folder/vocab.txt": "ümläut\n".encode(),
    "naïve name.json": b"{}",
}
NAME, DATASET = "org/model", "org/data"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        running.repositories[NAME].commit(FILES, "v1")
        running.repositories[f"datasets/{DATASET}"].commit({"data/train.csv": b"a,b\n", "README.md": b"data"})
        yield running


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("page", [1000, 2])
def test_a_snapshot_is_the_same(page: int, hub: Hub, tmp_path: Path) -> None:
    hub.page = page
    theirs = snapshot_download(NAME, revision="v1", endpoint=hub.url, cache_dir=tmp_path / "cache")
    ours = fetch(f"hf:{NAME}@v1", tmp_path / "ours", Silent(), Settings(), Selection(include=["*"]))
    assert contents(ours.root) == contents(Path(theirs)) == FILES
    assert ours.source.endswith(Path(theirs).name)


def test_a_snapshot_of_a_dataset_is_the_same(hub: Hub, tmp_path: Path) -> None:
    theirs = snapshot_download(DATASET, repo_type="dataset", endpoint=hub.url, cache_dir=tmp_path / "cache")
    ours = fetch(f"hf:datasets/{DATASET}", tmp_path / "ours", Silent(), Settings())
    assert contents(ours.root) == contents(Path(theirs))


def test_the_same_patterns_leave_the_same_files(hub: Hub, tmp_path: Path) -> None:
    allow, ignore = ["*.json", "onnx/"], ["naïve*"]
    theirs = snapshot_download(
        NAME, endpoint=hub.url, cache_dir=tmp_path / "cache", allow_patterns=allow, ignore_patterns=ignore
    )
    ours = fetch(f"hf:{NAME}", tmp_path / "ours", Silent(), Settings(), Selection(include=allow, exclude=ignore))
    assert set(contents(ours.root)) == set(contents(Path(theirs))) == {"config.json", "onnx/model.onnx"}


def test_sizes_and_hashes_are_the_same(hub: Hub) -> None:
    resolution = HuggingFaceSource(Settings()).resolve(parse(f"hf:{NAME}"), Selection(include=["*"]))
    info = HfApi(endpoint=hub.url).model_info(NAME, files_metadata=True)
    theirs = {one.rfilename: (one.size, one.lfs.sha256 if one.lfs else one.blob_id) for one in info.siblings or []}
    assert {file.path: (file.size, file.sha256 or file.git_sha1) for file in resolution.files} == theirs
    assert resolution.source == f"hf:{NAME}@{info.sha}"


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "naïve name.json", "nested/folder/vocab.txt"])
def test_one_file_is_the_same(name: str, hub: Hub, tmp_path: Path) -> None:
    theirs = hf_hub_download(NAME, name, endpoint=hub.url, cache_dir=tmp_path / "cache")
    metadata = get_hf_file_metadata(hf_hub_url(NAME, name, endpoint=hub.url))
    resolution = HuggingFaceSource(Settings()).resolve(parse(f"hf:{NAME}"), Selection(include=["*"]))
    ours = next(file for file in resolution.files if file.path == name)
    assert Path(theirs).read_bytes() == FILES[name]
    assert (metadata.size, metadata.etag) == (ours.size, ours.sha256 or ours.git_sha1)
    assert resolution.source.endswith(f"@{metadata.commit_hash}")
    assert ours.url == hf_hub_url(NAME, name, endpoint=hub.url, revision=metadata.commit_hash)


def test_a_renamed_repository_is_followed(hub: Hub, tmp_path: Path) -> None:
    hub.moved = {"old/name": NAME}
    theirs = snapshot_download("old/name", endpoint=hub.url, cache_dir=tmp_path / "cache")
    ours = fetch("hf:old/name", tmp_path / "ours", Silent(), Settings(), Selection(include=["*"]))
    assert contents(ours.root) == contents(Path(theirs))


def test_refusals_are_understood(hub: Hub, tmp_path: Path) -> None:
    api = HfApi(endpoint=hub.url, token=False)
    with pytest.raises(RevisionNotFoundError):
        api.model_info(NAME, revision="v9")
    with pytest.raises(HfHubHTTPError, match="401"):
        api.model_info("org/missing")
    hub.repositories[NAME].gated, hub.repositories[NAME].token = True, "hf_granted"
    assert api.model_info(NAME).gated == "manual"
    with pytest.raises(GatedRepoError):
        api.auth_check(NAME)
    with pytest.raises(GatedRepoError):
        hf_hub_download(NAME, "config.json", endpoint=hub.url, cache_dir=tmp_path / "cache", token=False)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("downloads", "downloads"), ("likes", "likes"), ("updated", "last_modified"), ("trending", "trending_score")],
)
def test_a_search_finds_the_same_in_the_same_order(ours: str, theirs: str, hub: Hub) -> None:
    hub.page = 2
    for index, name in enumerate(("a", "b", "c", "d", "e")):
        one = hub.repositories[f"org/tiny-{name}"]
        one.task, one.library = "text-classification" if index != 2 else "fill-mask", "transformers"
        one.downloads, one.likes, one.trending = index, index * 3 % 5, index * 2 % 5
        one.updated = f"2026-0{index * 4 % 5 + 1}-01T00:00:00.000Z"
    found = HuggingFaceSource(Settings()).search("tiny", "text-classification", ours, 3)
    listed = HfApi(endpoint=hub.url).list_models(
        search="tiny", pipeline_tag="text-classification", sort=theirs, limit=3, expand=["downloads", "likes"]
    )
    assert [(one.source, one.downloads, one.likes) for one in found] == [
        (f"hf:{one.id}", one.downloads, one.likes) for one in listed
    ]
    assert len(found) == 3
