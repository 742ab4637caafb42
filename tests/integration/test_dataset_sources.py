"""Datasets come from the same sources as models: one table of a repository, found or named, csv or Parquet."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pytest
from hub import Hub, serving
from labelled_data import image_folder
from pyarrow import parquet

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.datasets import image_classification
from jupyter_modeldeploy.errors import JobFailed

ROWS = [(f"film {number}", "good" if number % 2 else "bad") for number in range(40)]
CSV = "\n".join(["review,verdict", *(f"{text},{label}" for text, label in ROWS)]).encode()


@pytest.fixture
def table(tmp_path: Path) -> bytes:
    """The rows as Parquet, the label as a class number."""
    path = tmp_path / "rows.parquet"
    texts, labels = zip(*ROWS, strict=True)
    parquet.write_table(pyarrow.table({"text": texts, "label": [int(one == "good") for one in labels]}), path)
    return path.read_bytes()


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, table: bytes) -> Iterator[Hub]:
    with serving() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", "")
        running.repositories["datasets/films/one"].commit({"README.md": b"# Films", "data/rows.csv": CSV})
        running.repositories["datasets/films/two"].commit({"a.csv": CSV, "b.parquet": table, "big.bin": b"0" * 1000})
        yield running


@pytest.fixture
def workspace(root: Path) -> Iterator[Workspace]:
    opened = Workspace(root)
    yield opened
    opened.close()


def test_the_one_table_of_a_repository_is_found_and_nothing_else_downloaded(workspace: Workspace, hub: Hub) -> None:
    workspace.datasets.fetch("hf:datasets/films/one", text_column="review", label_column="verdict").wait(timeout_s=240)
    dataset = workspace.datasets.get("one")
    assert (dataset.rows, dataset.classes, dataset.format) == (40, ["bad", "good"], "csv")
    assert dataset.source.startswith("hf:datasets/films/one@")
    assert {one.path.rpartition("/")[2] for one in hub.contents()} == {"rows.csv"}


def test_parquet_is_kept_as_lines_of_json(workspace: Workspace, hub: Hub) -> None:
    workspace.datasets.fetch("hf:datasets/films/two#b.parquet", "films").wait(timeout_s=240)
    dataset = workspace.datasets.get("films")
    assert (dataset.rows, dataset.classes, dataset.format) == (40, ["0", "1"], "jsonl")
    first = json.loads(workspace.datasets.path("films").read_text().splitlines()[0])
    assert first == {"text": "film 0", "label": 0}


def test_of_several_tables_one_must_be_named(workspace: Workspace) -> None:
    with pytest.raises(JobFailed, match=r"a\.csv, b\.parquet.*#PATH"):
        workspace.datasets.fetch("hf:datasets/films/two").wait(timeout_s=240)


def test_the_images_of_a_repository_are_one_dataset_whose_files_can_be_verified(
    workspace: Workspace, hub: Hub, tmp_path: Path
) -> None:
    pets = image_folder(tmp_path / "pets")
    files = {path.relative_to(pets).as_posix(): path.read_bytes() for path in pets.rglob("*.png")}
    hub.repositories["datasets/films/pets"].commit({"README.md": b"# Pets", **files})
    workspace.datasets.fetch("hf:datasets/films/pets").wait(timeout_s=240)
    dataset = workspace.datasets.get("pets")
    assert (dataset.task, dataset.format, dataset.rows) == ("image-classification", "imagefolder", 12)
    assert [file.path for file in dataset.files] == ["SHA256SUMS"]
    folder = workspace.datasets.path("pets")
    listed = dict(line.split("  ")[::-1] for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert listed == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert len(image_classification.read(folder, dataset).train) == dataset.splits["train"] == 10


def test_a_damaged_parquet_file_is_told(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(JobFailed, match=r"broken\.parquet is not a Parquet file"):
        workspace.datasets.fetch(f"file:{tmp_path / 'broken.parquet'}").wait(timeout_s=240)


def test_the_command_line_names_the_columns_and_the_table(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "jupyter_modeldeploy.cli", "datasets", "fetch", "hf:datasets/films/two#a.csv"]
    ended = subprocess.run(
        [*command, "--name", "told", "--text-column", "review", "--label-column", "verdict"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert "Made told@1: 40 rows" in ended.stdout
    assert workspace.datasets.get("told").text_column == "review"
    shown = [*command[:4], "show", "told"]
    page = subprocess.run(shown, capture_output=True, text=True, check=True, env=os.environ).stdout
    assert "32 train, 8 test" in page
    assert "length of a text" in page
