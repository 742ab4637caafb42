"""Texts with several classes, or none: as lists, separated words, or columns of 0 and 1."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled_data import brought, lines, record

from jupyter_modeldeploy.datasets.reader import MultiLabelExample, Wanted
from jupyter_modeldeploy.datasets.text_classification import read
from jupyter_modeldeploy.errors import InvalidInput

LABELS = [["fun", "sad"], ["fun"], [], ["sad"], ["fun", "sad"], ["fun"], ["sad"], []]


def table(tmp_path: Path, rows: list[str]) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(rows))
    return path


def as_lists(tmp_path: Path) -> Path:
    return lines(tmp_path / "rows.jsonl", [{"text": f"t{n}", "labels": each} for n, each in enumerate(LABELS)])


def as_words(tmp_path: Path) -> Path:
    return table(tmp_path, ["text,labels", *(f"t{n},{' | '.join(each)}" for n, each in enumerate(LABELS))])


def as_flags(tmp_path: Path) -> Path:
    rows = [f"{n},t{n},{int('fun' in each)},{int('sad' in each)}" for n, each in enumerate(LABELS)]
    return table(tmp_path, ["id,text,fun,sad", *rows])


@pytest.mark.parametrize("made", [as_lists, as_words, as_flags])
def test_several_classes_are_found_however_they_are_written(made: object, tmp_path: Path) -> None:
    found = brought(made(tmp_path), tmp_path / "stored")  # type: ignore[operator]
    assert (found.task, found.inspected.multi_label) == ("text-classification", True)
    assert (found.inspected.classes, found.inspected.rows) == (["fun", "sad"], 8)
    split = read(tmp_path / "stored", record(found))
    numbered = {"fun": 0, "sad": 1}
    everything = {MultiLabelExample(f"t{n}", tuple(numbered[one] for one in each)) for n, each in enumerate(LABELS)}
    assert {*split.train, *split.test} == everything
    assert found.inspected.splits == {"train": len(split.train), "test": len(split.test)}


def test_a_separator_in_single_labels_is_no_sign_of_several(tmp_path: Path) -> None:
    rows = ["text,label", "a,R&B|Soul", "b,Rock|Pop", "c,R&B|Soul", "d,Rock|Pop"]
    found = brought(table(tmp_path, rows), tmp_path / "stored").inspected
    assert (found.multi_label, found.classes) == (False, ["R&B|Soul", "Rock|Pop"])
    assert any("say multi_label" in warning for warning in found.report.warnings)
    found = brought(tmp_path / "stored" / "rows.csv", tmp_path / "again", Wanted(multi_label=True)).inspected
    assert found.classes == ["Pop", "R&B", "Rock", "Soul"]


def test_a_flag_that_is_none_is_said_with_its_row_and_column(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Row 3: the column 'sad' is '2'"):
        brought(table(tmp_path, ["text,fun,sad", "a,0,1", "b,1,2", "c,1,1"]), tmp_path / "stored")
