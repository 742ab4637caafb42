"""Tagged words, from lines of JSON, from CoNLL files and from hubs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labelled_data import brought, lines, record

from jupyter_modeldeploy.datasets.reader import TaggedWords
from jupyter_modeldeploy.datasets.token_classification import read
from jupyter_modeldeploy.errors import InvalidInput

ROW = {"tokens": ["Ada", "Lovelace", "wrote"], "tags": ["B-PER", "I-PER", "O"]}
CONLL = "-DOCSTART- -X- O\n\nAda NNP B-PER\nwrote VBD O\n\n"


def rows(count: int = 6) -> list[dict[str, Any]]:
    return [{**ROW, "tokens": [f"Ada{number}", *ROW["tokens"][1:]]} for number in range(count)]


def test_lists_of_words_and_tags_are_read(tmp_path: Path) -> None:
    found = brought(lines(tmp_path / "rows.jsonl", rows()), tmp_path / "stored")
    assert (found.task, found.inspected.classes) == ("token-classification", ["O", "B-PER", "I-PER"])
    assert found.inspected.report.classes["train"] == {"B-PER": 5, "I-PER": 5}
    split = read(tmp_path / "stored", record(found))
    assert TaggedWords(("Ada0", "Lovelace", "wrote"), (1, 2, 0)) in {*split.train, *split.test}
    assert (len(split.train), len(split.test)) == (5, 1)


def test_conll_files_for_each_side_become_one_table(tmp_path: Path) -> None:
    for side, count in (("train", 3), ("dev", 1), ("test", 2)):
        text = "\n".join(CONLL.replace("Ada", f"Ada{side}{number}") for number in range(count))
        (tmp_path / f"{side}.conll").write_text(text)
    found = brought(tmp_path, tmp_path / "stored")
    assert found.inspected.splits == {"train": 3, "validation": 1, "test": 2}
    assert read(tmp_path / "stored", record(found)).validation == [TaggedWords(("Adadev0", "wrote"), (1, 0))]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"tokens": ["a", "b"], "tags": ["O"]}, "Row 7: 2 words, but 1 tags"),
        ({"tokens": "a b", "tags": ["O", "O"]}, "Row 7: the words are 'a b', not a list"),
        ({"tokens": [], "tags": []}, "Row 7: the words are an empty list"),
        ({"tokens": ["a", " "], "tags": ["O", "O"]}, "Row 7: the word 2 is empty"),
        ({"tokens": ["a"], "tags": [None]}, "Row 7: the label is missing"),
    ],
)
def test_what_is_wrong_is_said_with_the_row(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=message):
        brought(lines(tmp_path / "rows.jsonl", [*rows(), row]), tmp_path / "stored")


def test_a_word_without_a_tag_is_said_with_its_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "rows.conll").write_text(CONLL + "Bob\n")
    with pytest.raises(InvalidInput, match=r"Row 6 of rows\.conll: 1 columns, where 3 were expected"):
        brought(tmp_path, tmp_path / "stored")


def test_tags_that_mark_nothing_are_refused(tmp_path: Path) -> None:
    unmarked = [{"tokens": [f"a{number}"], "tags": ["O"]} for number in range(5)]
    with pytest.raises(InvalidInput, match="All 5 words are of one class, 'O'"):
        brought(lines(tmp_path / "rows.jsonl", unmarked), tmp_path / "stored")


def test_an_entity_that_goes_on_without_a_beginning_is_told(tmp_path: Path) -> None:
    torn = [*rows(), {"tokens": ["of", "Paris"], "tags": ["O", "I-LOC"]}]
    report = brought(lines(tmp_path / "rows.jsonl", torn), tmp_path / "stored").inspected.report
    assert any("did not begin (B-): 1, first row 7" in warning for warning in report.warnings)
