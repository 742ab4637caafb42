"""Files and folders of this machine come in as copies."""

from __future__ import annotations

from pathlib import Path

import pytest
from simple_index import wheel
from watching import Watching

from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, NotFound, UnsafeContent
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import Selection, fetch


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_is_copied_and_told_in_bytes(tmp_path: Path) -> None:
    model = tmp_path / "model"
    (model / "sub").mkdir(parents=True)
    (model / "config.json").write_bytes(b"{}")
    (model / "sub" / "more").write_bytes(b"1234")
    watching = Watching()
    fetched = fetch(f"file:{model}", tmp_path / "into", watching, Settings())
    assert contents(fetched.root) == {"config.json": b"{}", "sub/more": b"1234"}
    assert fetched.source == f"file:{model}"
    assert watching.told[-1] == (6, 6, "bytes")


@pytest.mark.parametrize(("name", "expected"), [("encoder-v3.onnx", "model.onnx"), ("rows.csv", "rows.csv")])
def test_a_lone_onnx_file_is_named_model(name: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert contents(fetch(f"file:{tmp_path / name}", tmp_path / "into", Silent(), Settings()).root) == {expected: b"x"}


@pytest.mark.parametrize("files", [{"a/b": b"1", "c": b"2"}, {"model/a/b": b"1", "model/c": b"2"}])
def test_an_archive_is_unpacked_without_the_one_folder_that_holds_all(files: dict[str, bytes], tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(wheel(files))
    fetched = fetch(f"file:{tmp_path}/model.zip", tmp_path / "into", Silent(), Settings())
    assert contents(fetched.root) == {"a/b": b"1", "c": b"2"}


@pytest.mark.parametrize("packed", [False, True])
def test_patterns_choose_the_files_of_a_folder_and_of_an_archive(packed: bool, tmp_path: Path) -> None:
    files = {"model.onnx": b"1", "deep/b.md": b"2", "deep/a.json": b"3"}
    (tmp_path / "model.zip").write_bytes(wheel(files))
    for name, content in files.items():
        (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / name).write_bytes(content)
    path = tmp_path / ("model.zip" if packed else "model")
    selection = Selection(include=["*.onnx", "deep/"], exclude=["*.md"])
    fetched = fetch(f"file:{path}", tmp_path / "into", Silent(), Settings(), selection)
    assert contents(fetched.root) == {"model.onnx": b"1", "deep/a.json": b"3"}
    with pytest.raises(InvalidInput, match=r"matches '\*\.gguf'"):
        fetch(f"file:{path}", tmp_path / "none", Silent(), Settings(), Selection(include=["*.gguf"]))


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (tmp_path / "secret").write_text("s")
    (model / "weights").symlink_to(tmp_path / "secret")
    with pytest.raises(UnsafeContent, match="weights is a link out of"):
        fetch(f"file:{model}", tmp_path / "into", Silent(), Settings())


def test_a_link_inside_the_folder_becomes_a_file(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "blob").write_text("s")
    (model / "weights").symlink_to("blob")
    root = fetch(f"file:{model}", tmp_path / "into", Silent(), Settings()).root
    assert (root / "weights").read_text() == "s"
    assert not (root / "weights").is_symlink()


def test_it_works_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_OFFLINE", "1")
    (tmp_path / "a.csv").write_text("x")
    assert fetch(f"file:{tmp_path}/a.csv", tmp_path / "into", Silent(), Settings()).root.is_dir()


@pytest.mark.parametrize(("path", "error"), [("missing", NotFound), ("empty", InvalidInput), ("loop", NotFound)])
def test_what_is_not_there_is_said(path: str, error: type[ModelDeployError], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(error, match=path):
        fetch(f"file:{tmp_path / path}", tmp_path / "into", Silent(), Settings())
