"""Versions: immutable, numbered, found again by what made them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound, UnsafeContent
from jupyter_modeldeploy.records import Dataset, Format, Lineage, NewVersion, Step
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.store.database import Database


def new(model: str = "m", **lineage: object) -> NewVersion:
    made = Lineage.model_validate({"step": Step.fetched, "source": "file:x", **lineage})
    return NewVersion(model=model, format=Format.onnx, task="tensor", lineage=made)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "files"
    (path / "sub").mkdir(parents=True)
    (path / "model.onnx").write_bytes(b"weights")
    (path / "sub" / "config.json").write_text("{}")
    return path


def test_a_version_keeps_its_files_with_their_hashes(store: Store, folder: Path) -> None:
    version = store.versions.add(new(), folder)
    assert version.ref == "m@1"
    assert {file.path: file.sha256 for file in version.files} == {
        "model.onnx": hashlib.sha256(b"weights").hexdigest(),
        "sub/config.json": hashlib.sha256(b"{}").hexdigest(),
    }
    assert (store.versions.path(version) / "sub" / "config.json").read_text() == "{}"
    assert folder.exists(), "the caller's own folder is copied, not taken"


def test_files_cannot_be_changed_by_accident(store: Store, folder: Path) -> None:
    version = store.versions.add(new(), folder)
    assert (store.versions.path(version) / "model.onnx").stat().st_mode & 0o777 == 0o400


def test_numbers_count_up_also_when_two_threads_add_at_once(store: Store, folder: Path) -> None:
    threads = [threading.Thread(target=store.versions.add, args=(new(), folder)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [version.number for version in store.versions.list("m")] == [1, 2, 3, 4, 5, 6]
    assert store.models.get("m").latest == 6


def test_references_by_number_alias_and_name(store: Store, folder: Path) -> None:
    store.versions.add(new(), folder)
    store.versions.add(new(), folder)
    store.aliases.move("m", "production", 1, by="me")
    assert store.versions.get("m").number == 2
    assert store.versions.get("m@1").number == 1
    assert store.versions.get("m@production").number == 1


@pytest.mark.parametrize("ref", ["m@9", "m@nosuch", "other", "m@99999999999999999999"])
def test_an_unknown_reference_says_what_there_is(store: Store, folder: Path, ref: str) -> None:
    store.versions.add(new(), folder)
    with pytest.raises(NotFound) as raised:
        store.versions.get(ref)
    assert raised.value.hint


@pytest.mark.parametrize("ref", ["", "../m", "m@", "m@1@2", "a b", "@1", "m/1"])
def test_a_malformed_reference_is_refused(store: Store, ref: str) -> None:
    with pytest.raises(InvalidInput):
        store.versions.get(ref)


def test_an_alias_cannot_shadow_a_number(store: Store, folder: Path) -> None:
    store.versions.add(new(), folder)
    with pytest.raises(Conflict):
        store.aliases.move("m", "1", 1, by="me")


def test_an_alias_needs_an_existing_version(store: Store, folder: Path) -> None:
    store.versions.add(new(), folder)
    with pytest.raises(NotFound):
        store.aliases.move("m", "production", 7, by="me")


def test_the_same_making_is_found_again_whatever_the_job(store: Store, folder: Path) -> None:
    version = store.versions.add(new(job="aaa"), folder)
    assert store.versions.find("m", new(job="bbb").lineage) == version
    assert store.versions.find("m", new(source="file:y").lineage) is None
    assert store.versions.find("other", new().lineage) is None


def test_links_are_refused_and_leave_nothing(store: Store, folder: Path) -> None:
    os.symlink("/etc/passwd", folder / "link")
    with pytest.raises(UnsafeContent):
        store.versions.add(new(), folder)
    assert store.versions.list() == []
    assert list(store.artifacts.incoming.iterdir()) == []


def test_an_empty_folder_is_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput):
        store.versions.add(new(), tmp_path / "empty")
    assert store.models.list() == []


def test_what_a_killed_writer_left_is_swept(store: Store) -> None:
    code = (
        "import os, signal\n"
        "from jupyter_modeldeploy.store import Store\n"
        "with Store().artifacts.staging() as staging:\n"
        "    (staging / 'half').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    [left] = store.artifacts.incoming.iterdir()
    with store.artifacts.staging() as mine:
        store.artifacts.sweep()
        assert mine.exists()
    assert not left.exists()


def test_what_another_process_stages_is_not_swept(store: Store) -> None:
    code = (
        "from jupyter_modeldeploy.store import Store\n"
        "with Store().artifacts.staging() as staging:\n"
        "    print(staging, flush=True)\n"
        "    input()\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    staged = Path(other.stdout.readline().strip())
    store.artifacts.sweep()
    assert staged.exists()
    other.communicate("\n")
    assert not staged.exists()


def test_what_somebody_else_put_beside_the_staged_folders_is_no_obstacle(store: Store) -> None:
    (store.artifacts.incoming / ".DS_Store").write_text("x")
    (store.artifacts.incoming / "lost+found").mkdir()
    Workspace(store.root).close()


def test_a_cancel_when_the_row_is_just_written_takes_no_files_from_it(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cancelled(BaseException):
        pass

    write = Database.write

    @contextmanager
    def cancelled_after_commit(self: Database) -> Iterator[Connection]:
        with write(self) as connection:
            yield connection
        raise Cancelled

    monkeypatch.setattr(Database, "write", cancelled_after_commit)
    with pytest.raises(Cancelled):
        store.versions.add(new(), folder)
    [version] = store.versions.list()
    assert (store.versions.path(version) / "model.onnx").exists()


def test_a_folder_that_a_crash_left_without_a_row_does_not_stand_in_the_way(store: Store, folder: Path) -> None:
    orphan = store.artifacts.model("m", 1)
    orphan.mkdir(parents=True)
    (orphan / "half").write_text("x")
    version = store.versions.add(new(), folder)
    assert version.number == 1
    assert not (store.versions.path(version) / "half").exists()


def test_a_name_that_differs_only_in_case_is_refused_before_and_at_the_end(store: Store, folder: Path) -> None:
    store.versions.add(new("Sentiment"), folder)
    store.models.check_name("Sentiment")
    with pytest.raises(Conflict, match="only in case"):
        store.models.check_name("sentiment")
    with pytest.raises(Conflict, match="only in case"):
        store.versions.add(new("sentiment"), folder)
    assert [model.name for model in store.models.list()] == ["Sentiment"]


def test_a_dataset_that_was_added_before_there_were_other_tasks_is_still_read() -> None:
    old = {
        **{"name": "d", "number": 1, "format": "csv", "text_column": "text", "label_column": "label"},
        **{"classes": ["a", "b"], "rows": 2, "test_share": 0.2, "seed": 0, "files": [], "source": "file:d.csv"},
        "created_at": "2026-01-01T00:00:00Z",
    }
    dataset = Dataset.model_validate(old)
    assert (dataset.task, dataset.multi_label, dataset.report) == ("text-classification", False, None)


@pytest.mark.parametrize("number", ["99999999999999999999", "one"])
def test_a_dataset_has_numbers_only(store: Store, number: str) -> None:
    with pytest.raises(InvalidInput):
        store.datasets.get(f"d@{number}")
