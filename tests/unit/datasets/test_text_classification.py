"""A table of labelled text is checked row by row, and its split is the same everywhere."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jupyter_modeldeploy.datasets.reader import Example, Inspected, Wanted
from jupyter_modeldeploy.datasets.table import only_file
from jupyter_modeldeploy.datasets.text_classification import inspect, read
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Dataset

SPLIT_OF_SEED_3 = ["text 3", "text 5", "text 8", "text 11"]


def table(tmp_path: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def dataset(found: Inspected, **more: Any) -> Dataset:
    columns = {"text_column": found.text_column, "label_column": found.label_column}
    facts = {"format": found.format, "classes": found.classes, "rows": found.rows, **columns}
    made = {"name": "rows", "number": 1, "files": [], "source": "file:rows", "created_at": datetime.now(UTC)}
    return Dataset(**{**facts, **made, **more})


def many(tmp_path: Path, count: int = 100) -> Path:
    rows = [f"text {number},{'yes' if number % 4 else 'no'}" for number in range(count)]
    return table(tmp_path, "\n".join(["text,label", *rows]))


@pytest.mark.parametrize(
    ("header", "text", "label"),
    [
        ("text,label", "text", "label"),
        ("id,Review,Sentiment", "Review", "Sentiment"),
        ("sentence;class", "sentence", "class"),
        ("words\tlabel", "words", "label"),
        ("text,mood", "text", "mood"),
    ],
)
def test_columns_are_guessed_by_their_usual_names(header: str, text: str, label: str, tmp_path: Path) -> None:
    separator = next(sign for sign in ",;\t" if sign in header)
    named = header.split(separator)
    rows = [separator.join(f"word {n % 2}" if name == label else f"word {n}" for name in named) for n in range(4)]
    found = inspect(table(tmp_path, "\n".join([header, *rows])))
    assert (found.text_column, found.label_column) == (text, label)


def test_columns_that_cannot_be_guessed_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="the columns are a, b, c"):
        inspect(table(tmp_path, "a,b,c\n1,2,3\n"))


def test_named_columns_are_taken_and_missing_ones_listed(tmp_path: Path) -> None:
    path = table(tmp_path, "a,b,c\nx,y,z\nu,v,w\nx,t,w\n")
    assert inspect(path, Wanted("b", "c")).classes == ["w", "z"]
    with pytest.raises(InvalidInput, match=r"no column 'd'. The columns are a, b, c"):
        inspect(path, Wanted("d", "c"))


def test_what_a_table_holds_is_told(tmp_path: Path) -> None:
    found = inspect(table(tmp_path, 'text,label\n"Good, film",pos\nbad,neg\ngood,  pos\nGood  ,neg\n'))
    assert (found.format, found.classes, found.rows) == ("csv", ["neg", "pos"], 4)
    assert (found.report.duplicates, found.splits) == (1, {"train": 2, "test": 2})


def test_jsonl_labels_of_any_type_become_names(tmp_path: Path) -> None:
    labels = [1, 0.0, True, 1.0]
    rows = [{"text": f"text {number}", "label": label} for number, label in enumerate(labels)]
    path = table(tmp_path, "\n".join(map(json.dumps, rows)), "rows.jsonl")
    assert inspect(path).classes == ["0", "1", "true"]


def test_a_byte_order_mark_and_quoted_line_breaks_are_understood(tmp_path: Path) -> None:
    path = table(tmp_path, b'\xef\xbb\xbftext,label\r\n"one\r\ntwo",a\r\nthree,b\r\nfour,b\r\n')
    split = read(path, dataset(inspect(path)))
    assert Example("one\r\ntwo", 0) in split.train


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty"),
        ("text,label\n", "no rows"),
        ("text,label\na,x\nb,x\n", "of one class, 'x'"),
        ("text,label\na,x\n,y\n", "Row 3: the text is empty"),
        ("text,label\na,x\nb,\n", "Row 3: the label is empty"),
        ("text,label\na,x\nnan,y\n", "Row 3: the text is 'nan'"),
        ("text,label\na,x\nb,NaN\n", "Row 3: the label is 'NaN'"),
        ("text,label\na,x\nb,c,y\n", "Row 3: 3 values for 2 columns"),
        ('text,label\na,x\n"b,y\n', "not csv"),
        (b"text,label\na,x\n\xe9t\xe9,y\n", "Line 3 is not UTF-8: byte 0xe9"),
        ("text,text\na,b\n", "a name of its own"),
        ("text,label\n" + "\n".join(f"t{n},{n}" for n in range(50)), "50 different values in 50 rows"),
        ("text,label,split\na,x,train\nb,y,tset\n", "Row 3: the split is 'tset'"),
        ("text,label,split\na,x,train\nb,y,train\n", "holds only train"),
    ],
)
def test_what_is_wrong_is_said_with_the_row(content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        inspect(table(tmp_path, content))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "b", "label": NaN}', "Row 2: the label is nan"),
        ('{"text": null, "label": "y"}', "Row 2: the text is missing"),
        ('{"label": "y"}', "Row 2: the text is missing"),
        ('{"text": 5, "label": "y"}', "Row 2: the text is 5"),
        ('{"text": "\\ud800", "label": "y"}', "Row 2: the text holds half"),
        ('["b", "y"]', "Row 2 is not a JSON object"),
        ("{text: b}", "Row 2 is not JSON"),
    ],
)
def test_what_is_wrong_in_jsonl_is_said_with_the_row(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        inspect(table(tmp_path, '{"text": "a", "label": "x"}\n' + line, "rows.jsonl"))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="neither csv nor jsonl"):
        inspect(table(tmp_path, "x", "rows.xlsx"))


def test_the_only_table_of_a_folder_is_found(tmp_path: Path) -> None:
    path = table(tmp_path, "x")
    table(tmp_path, "x", "README.md")
    assert only_file(tmp_path) == path
    table(tmp_path, "x", "more.jsonl")
    with pytest.raises(InvalidInput, match=r"more.jsonl, rows.csv"):
        only_file(tmp_path)


def test_the_split_is_stratified_and_complete(tmp_path: Path) -> None:
    path = many(tmp_path)
    split = read(path, dataset(inspect(path)))
    assert Counter(example.label for example in split.test) == {0: 5, 1: 15}
    assert Counter(example.label for example in split.train) == {0: 20, 1: 60}
    assert not {example.text for example in split.train} & {example.text for example in split.test}


def test_the_split_is_the_same_everywhere(tmp_path: Path) -> None:
    """These numbers were drawn once; another machine or Python version must draw them too."""
    path = many(tmp_path, 20)
    split = read(path, dataset(inspect(path), seed=3))
    assert [example.text for example in split.test] == SPLIT_OF_SEED_3


def test_another_seed_draws_another_split(tmp_path: Path) -> None:
    path = many(tmp_path)
    found = inspect(path)
    assert read(path, dataset(found, seed=1)).test != read(path, dataset(found, seed=2)).test


def test_the_split_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    path = many(tmp_path)
    found = dataset(inspect(path))
    before = set(read(path, found).test)
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *reversed(rows)]))
    assert set(read(path, found).test) == before


def test_equal_texts_stay_on_one_side(tmp_path: Path) -> None:
    rows = [f"{'Same' if number % 2 else 'same '} {number // 6},{number % 2}" for number in range(60)]
    path = table(tmp_path, "\n".join(["text,label", *rows]))
    split = read(path, dataset(inspect(path), test_share=0.5))
    sides = [{example.text.casefold().split()[-1] for example in side} for side in (split.train, split.test)]
    assert not sides[0] & sides[1]
    assert len(split.train) + len(split.test) == 60


def test_a_split_column_is_kept_to(tmp_path: Path) -> None:
    rows = "a,x,train\nb,y,train\nc,x,validation\nd,y,test\nB,y,train\nA,x,test\n"
    path = table(tmp_path, f"text,label,split\n{rows}")
    split = read(path, dataset(inspect(path)))
    assert split.test == [Example("d", 1), Example("A", 0)]
    assert split.train == [Example("b", 1), Example("B", 1)]  # "a" is held out as "A"


def test_a_validation_set_is_held_out_where_there_is_no_test_set(tmp_path: Path) -> None:
    path = table(tmp_path, "text,label,split\na,x,train\nb,y,train\nc,x,dev\n")
    assert read(path, dataset(inspect(path))).test == [Example("c", 0)]


def test_a_class_that_the_dataset_does_not_have_is_said(tmp_path: Path) -> None:
    path = many(tmp_path)
    with pytest.raises(InvalidInput, match="class 'yes' is not of rows@1"):
        read(path, dataset(inspect(path), classes=["no", "maybe"]))
