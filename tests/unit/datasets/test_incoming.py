"""What comes in is one dataset, whatever it is spread over, and errors name the file that came in."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from labelled_data import brought, lines, picture, record
from pyarrow import ipc, parquet

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput

NAMES = {"_type": "ClassLabel", "names": ["bad", "good"]}


def arrow_table(rows: dict[str, list[Any]], **features: Any) -> pyarrow.Table:
    """A table as the library `datasets` writes it."""
    said = json.dumps({"info": {"features": features}})
    return pyarrow.table(rows).replace_schema_metadata({"huggingface": said})


def reviews(count: int, first: int = 0) -> dict[str, list[Any]]:
    return {"text": [f"film {first + n}" for n in range(count)], "label": [n % 2 for n in range(count)]}


def saved(folder: Path, table: pyarrow.Table) -> None:
    """A split of a folder that `save_to_disk` made."""
    folder.mkdir(parents=True)
    with ipc.new_stream(folder / "data-00000-of-00001.arrow", table.schema) as stream:
        stream.write_table(table)
    (folder / "state.json").write_text("{}")


def test_a_folder_saved_to_disk_gives_its_sides_and_the_names_of_its_classes(tmp_path: Path) -> None:
    for side, count, first in (("train", 8, 0), ("test", 4, 8)):
        saved(tmp_path / "films" / side, arrow_table(reviews(count, first), label=NAMES))
    found = brought(tmp_path / "films", tmp_path / "stored")
    assert (found.inspected.classes, found.inspected.format) == (["bad", "good"], "jsonl")
    assert found.inspected.splits == {"train": 8, "test": 4}


def test_the_parts_of_a_repository_are_joined(tmp_path: Path) -> None:
    data = tmp_path / "films" / "data"
    data.mkdir(parents=True)
    for number, name in enumerate(("train-00000-of-00002", "train-00001-of-00002", "validation-00000-of-00001")):
        parquet.write_table(arrow_table(reviews(4, 4 * number), label=NAMES), data / f"{name}.parquet")
    found = brought(tmp_path / "films", tmp_path / "stored").inspected
    assert (found.rows, found.splits) == (12, {"train": 8, "test": 4})


def test_numbers_of_tags_become_their_names(tmp_path: Path) -> None:
    tags = {"feature": {"_type": "ClassLabel", "names": ["O", "B-LOC"]}, "_type": "Sequence"}
    rows = {"tokens": [["in", f"Rome{n}"] for n in range(5)], "ner_tags": [[0, 1]] * 5}
    parquet.write_table(arrow_table(rows, ner_tags=tags), tmp_path / "rows.parquet")
    found = brought(tmp_path / "rows.parquet", tmp_path / "stored")
    assert (found.task, found.inspected.classes) == ("token-classification", ["O", "B-LOC"])


def test_images_in_a_table_become_files(tmp_path: Path) -> None:
    content = [picture(tmp_path / f"{n}.png", n).read_bytes() for n in range(6)]
    rows = {"image": [{"bytes": one, "path": None} for one in content], "label": [n % 2 for n in range(6)]}
    buffer = io.BytesIO()
    parquet.write_table(arrow_table(rows, label=NAMES), buffer)
    (tmp_path / "films.parquet").write_bytes(buffer.getvalue())
    found = brought(tmp_path / "films.parquet", tmp_path / "stored")
    assert (found.task, found.inspected.classes, found.inspected.rows) == ("image-classification", ["bad", "good"], 6)
    assert (tmp_path / "stored" / "bad" / "films-0000001.png").read_bytes() == content[0]


def test_a_class_without_a_name_is_missing(tmp_path: Path) -> None:
    rows = {"text": ["a", "b", "c"], "label": [0, 1, -1]}
    parquet.write_table(arrow_table(rows, label=NAMES), tmp_path / "rows.parquet")
    with pytest.raises(InvalidInput, match=r"Row 3 of rows\.parquet: the label is missing"):
        brought(tmp_path / "rows.parquet", tmp_path / "stored")


def test_an_error_in_one_of_several_tables_names_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "train.csv").write_text("text,label\na,x\n\nb,y\n")
    (tmp_path / "films" / "test.csv").write_text("text,label\nc,x\n,y\n")
    with pytest.raises(InvalidInput, match=r"Row 3 of test\.csv: the text is empty"):
        brought(tmp_path / "films", tmp_path / "stored")


def test_a_row_that_says_another_side_than_its_file_is_refused(tmp_path: Path) -> None:
    row = {"text": "a", "label": "x"}
    lines(tmp_path / "films" / "train.jsonl", [row, {**row, "split": "test"}])
    lines(tmp_path / "films" / "test.jsonl", [row])
    with pytest.raises(InvalidInput, match=r"Row 2 of train\.jsonl: the split is 'test', but the file is for train"):
        brought(tmp_path / "films", tmp_path / "stored")


def test_several_tables_that_are_no_sides_are_listed(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("text,label\na,x\n")
    with pytest.raises(InvalidInput, match=r"here are one\.csv, two\.csv"):
        brought(tmp_path, tmp_path.parent / "stored", task="text-classification")


def test_each_task_has_a_reader_and_the_record_carries_its_report(tmp_path: Path) -> None:
    from typing import get_args

    from jupyter_modeldeploy.records import DataTask

    assert set(plugins.available("datasets")) == set(get_args(DataTask))
    (tmp_path / "rows.csv").write_text("text,label\n" + "".join(f"t{n},{'xy'[n % 2]}\n" for n in range(40)) + "T1,y\n")
    kept = record(brought(tmp_path / "rows.csv", tmp_path / "stored"))
    assert kept.report is not None
    assert (kept.report.duplicates, kept.report.classes["train"]) == (1, {"x": 16, "y": 17})
    assert {example.labels[0] for example in kept.report.examples[:2]} == {"x", "y"}
    assert type(kept).model_validate_json(kept.model_dump_json()) == kept
