"""What the hub's own client has downloaded is not downloaded again, and is there offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub import Hub, serving
from huggingface_hub import hf_hub_download, snapshot_download

from jupyter_modeldeploy.errors import Unavailable
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import fetch
from jupyter_modeldeploy.sources.hubs import hub_cache

FILES = {"config.json": b'{"model_type": "bert"}', "model.safetensors": bytes(range(256)) * 64, "README.md": b"hello"}
NAME = "org/model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        running.repositories[NAME].commit(FILES, "v1")
        yield running


@pytest.fixture
def cached(hub: Hub) -> Path:
    """The folder of the hub's client, with the model in it; from now on the requests are counted anew."""
    snapshot_download(NAME, revision="v1", endpoint=hub.url, cache_dir=hub_cache.folder())
    hub.requests.clear()
    return hub_cache.folder() / "models--org--model"


def get(reference: str, into: Path) -> dict[str, bytes]:
    folder = fetch(reference, into, Silent(), Settings()).root
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_nothing_is_downloaded_again(hub: Hub, cached: Path, tmp_path: Path) -> None:
    assert get(f"hf:{NAME}", tmp_path / "into") == FILES
    assert hub.contents() == []


def test_only_what_is_missing_is_downloaded(hub: Hub, tmp_path: Path) -> None:
    hf_hub_download(NAME, "model.safetensors", endpoint=hub.url, cache_dir=hub_cache.folder())
    hub.requests.clear()
    assert get(f"hf:{NAME}", tmp_path / "into") == FILES
    assert {one.path.rpartition("/")[2] for one in hub.contents()} == {"config.json", "README.md"}


def test_the_same_file_of_another_repository_is_taken(hub: Hub, cached: Path, tmp_path: Path) -> None:
    hub.repositories["other/copy"].commit({**FILES, "README.md": b"a copy"})
    assert get("hf:other/copy", tmp_path / "into") == {**FILES, "README.md": b"a copy"}
    assert {one.path.rpartition("/")[2] for one in hub.contents()} == {"README.md"}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_damaged_blob_is_downloaded_instead(name: str, hub: Hub, cached: Path, tmp_path: Path) -> None:
    blob = next(path for path in (cached / "snapshots").rglob(name)).resolve()
    blob.write_bytes(FILES[name][::-1])
    assert get(f"hf:{NAME}", tmp_path / "into") == FILES
    assert {one.path.rpartition("/")[2] for one in hub.contents()} == {name}


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "JUPYTER_MODELDEPLOY_OFFLINE"])
@pytest.mark.parametrize("by", ["name", "commit"])
def test_offline_a_known_revision_is_there(
    by: str, variable: str, hub: Hub, cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    revision = "v1" if by == "name" else hub.repositories[NAME].names["v1"]
    assert get(f"hf:{NAME}@{revision}", tmp_path / "into") == FILES
    assert hub.requests == []


def test_offline_without_the_kept_listing_the_links_tell(
    hub: Hub, cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As clients before 2.0 leave it."""
    for path in (cached / "trees").iterdir():
        path.unlink()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert get(f"hf:{NAME}@v1", tmp_path / "into") == FILES


def test_what_was_found_offline_is_not_taken_for_all_later(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hf_hub_download(NAME, "model.safetensors", revision="v1", endpoint=hub.url, cache_dir=hub_cache.folder())
    reference = f"hf:{NAME}@{hub.repositories[NAME].names['v1']}"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert set(get(reference, tmp_path / "part")) == {"model.safetensors"}
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert get(reference, tmp_path / "all") == FILES


def test_offline_what_was_never_downloaded_is_said(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hf_hub_download(NAME, "config.json", revision="v1", endpoint=hub.url, cache_dir=hub_cache.folder())
    snapshot_download(NAME, revision="v1", endpoint=hub.url, cache_dir=hub_cache.folder(), allow_patterns="*.json")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub.requests.clear()
    with pytest.raises(Unavailable, match="is not in the cache"):
        get(f"hf:{NAME}@v1", tmp_path / "some")
    for reference in (f"hf:{NAME}@v2", "hf:org/other", f"hf:{NAME}@../../refs/v1"):
        with pytest.raises(Unavailable, match="neither in the cache"):
            get(reference, tmp_path / "none")
    assert hub.requests == []


def test_what_was_fetched_before_is_there_with_the_hubs_own_variable(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get(f"hf:{NAME}", tmp_path / "first")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert get(f"hf:{NAME}", tmp_path / "second") == FILES


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HF_HOME": "/somewhere/hf"},
        {"XDG_CACHE_HOME": "/somewhere/cache"},
        {"HF_HUB_CACHE": "~/hub", "HF_HOME": "/somewhere/hf"},
        {"HUGGINGFACE_HUB_CACHE": "$HOME/old"},
        {"HF_HUB_OFFLINE": "yes"},
        {"TRANSFORMERS_OFFLINE": "1"},
        {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"},
    ],
)
def test_the_folder_and_the_mode_are_those_of_the_hubs_client(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HOME", "XDG_CACHE_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    script = (
        "import json; from huggingface_hub import constants as c;"
        "print(json.dumps([c.HF_HUB_CACHE, c.is_offline_mode()]))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], env=os.environ, capture_output=True, check=True, timeout=120
    )
    assert [str(hub_cache.folder()), hub_cache.is_offline()] == json.loads(answer.stdout)
