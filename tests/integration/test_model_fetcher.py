"""`ModelFetcher`: files for any library, downloaded once, looked through before they are handed out."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_onnx
from hub import Fault, Hub, serving

from jupyter_modeldeploy import ModelFetcher
from jupyter_modeldeploy.errors import InvalidInput, NotFound, UnsafeContent

NAME = "org/model"


class Harmful:
    """What its pickle would do when somebody loads it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("touch loaded",)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    folder = tiny_onnx.classifier(tmp_path / "classifier")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes]) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        running.repositories[NAME].commit(files, "v1")
        yield running


@pytest.fixture
def fetcher(hub: Hub, tmp_path: Path) -> ModelFetcher:
    return ModelFetcher("huggingface", cache_dir=tmp_path / "downloads")


def test_a_model_is_a_folder_that_another_library_loads(fetcher: ModelFetcher) -> None:
    import onnxruntime

    folder = fetcher.download(NAME, revision="v1")
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_outputs()]


def test_the_same_revision_is_downloaded_once_and_there_offline(
    fetcher: ModelFetcher, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetcher.download(NAME)
    downloaded = len(hub.contents())
    assert fetcher.download(NAME) == first
    assert len(hub.contents()) == downloaded
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    asked = len(hub.requests)
    assert fetcher.download(NAME) == first
    assert fetcher.exists(NAME)
    assert len(hub.requests) == asked


def test_a_new_revision_or_another_selection_is_another_folder(
    fetcher: ModelFetcher, hub: Hub, files: dict[str, bytes]
) -> None:
    first = fetcher.download(NAME)
    light = fetcher.download(NAME, include_weights=False)
    assert (first / "model.onnx").exists()
    assert not (light / "model.onnx").exists()
    hub.repositories[NAME].commit({**files, "README.md": b"new"})
    assert fetcher.download(NAME) not in (first, light)
    assert fetcher.download(NAME, revision="v1") == first


def test_it_says_what_exists(fetcher: ModelFetcher) -> None:
    assert fetcher.exists(NAME)
    assert fetcher.exists(NAME, "v1")
    assert not fetcher.exists(NAME, "v2")
    assert not fetcher.exists("org/other")
    with pytest.raises(NotFound, match="v2"):
        fetcher.download(NAME, revision="v2")


def test_an_interrupted_download_leaves_no_folder(fetcher: ModelFetcher, hub: Hub, tmp_path: Path) -> None:
    hub.faults["model.onnx"] = [Fault(damage=True)] * 20
    with pytest.raises(UnsafeContent):
        fetcher.download(NAME)
    assert list((tmp_path / "downloads" / "cache" / "folders").iterdir()) == []


def test_unsafe_files_are_handed_out_only_by_an_explicit_word(tmp_path: Path) -> None:
    folder = tiny_onnx.classifier(tmp_path / "model")
    (folder / "optimizer.pt").write_bytes(pickle.dumps(Harmful()))
    fetcher = ModelFetcher("folder", cache_dir=tmp_path / "downloads")
    with pytest.raises(UnsafeContent, match=r"optimizer\.pt"):
        fetcher.download(str(folder))
    assert (fetcher.download(str(folder), trust=True) / "optimizer.pt").exists()
    assert not Path("loaded").exists()


def test_a_folder_that_changed_is_copied_anew(tmp_path: Path) -> None:
    folder = tiny_onnx.classifier(tmp_path / "model")
    fetcher = ModelFetcher("folder", cache_dir=tmp_path / "downloads")
    first = fetcher.download(str(folder))
    assert fetcher.download(str(folder)) == first
    (folder / "README.md").write_text("changed")
    assert (fetcher.download(str(folder)) / "README.md").read_text() == "changed"


def test_an_unknown_source_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="huggingface"):
        ModelFetcher("tape")


def test_the_loader_of_a_folder_runs_as_it_is(tmp_path: Path) -> None:
    folder = tiny_onnx.classifier(tmp_path / "model")
    program = tmp_path / "load_model.py"
    program.write_text(ModelFetcher("folder").generate_loader(folder))
    ended = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "positive" in ended.stdout or "negative" in ended.stdout


def test_no_loader_is_written_for_what_is_unsafe(tmp_path: Path) -> None:
    folder = tiny_onnx.classifier(tmp_path / "model")
    (folder / "optimizer.pt").write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(UnsafeContent, match=r"optimizer\.pt"):
        ModelFetcher("folder").generate_loader(folder)
