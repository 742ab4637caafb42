"""Texts to go on with: plain files, and prompts with their completions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from labelled_data import brought, lines, record

from jupyter_modeldeploy.datasets.reader import Passage
from jupyter_modeldeploy.datasets.text_generation import read
from jupyter_modeldeploy.errors import InvalidInput


def test_the_paragraphs_of_a_text_file_are_its_passages(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("\n\n".join(f"One {number}.\nTwo {number}." for number in range(10)))
    found = brought(tmp_path / "book.txt", tmp_path / "stored")
    assert (found.task, found.inspected.classes) == ("text-generation", [])
    assert found.inspected.splits == {"train": 8, "test": 2}
    split = read(tmp_path / "stored", record(found))
    assert Passage("One 0.\nTwo 0.") in {*split.train, *split.test}


def test_without_empty_lines_each_line_is_a_passage(tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("".join(f"A line {number}\n" for number in range(5)))
    assert brought(tmp_path / "lines.txt", tmp_path / "stored").inspected.rows == 5


def test_prompts_stand_before_what_is_learned(tmp_path: Path) -> None:
    rows = [{"prompt": f"{number} + 1 =", "completion": str(number + 1)} for number in range(10)]
    found = brought(lines(tmp_path / "rows.jsonl", rows), tmp_path / "stored")
    assert (found.task, found.inspected.text_column, found.inspected.label_column) == (
        "text-generation",
        "prompt",
        "completion",
    )
    assert Passage("1", prompt="0 + 1 =") in [
        passage for side in vars(read(tmp_path / "stored", record(found))).values() for passage in side
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"prompt": "a", "completion": ""}, "Row 3: the completion is empty"),
        ({"prompt": None, "completion": "b"}, "Row 3: the prompt is missing"),
        ({"prompt": "a" * 1_000_001, "completion": "b"}, "Row 3: the prompt has 1,000,001 characters"),
    ],
)
def test_what_is_wrong_is_said_with_the_row(row: dict[str, Any], message: str, tmp_path: Path) -> None:
    good = [{"prompt": "a", "completion": "b"}, {"prompt": "c", "completion": "d"}]
    with pytest.raises(InvalidInput, match=message):
        brought(lines(tmp_path / "rows.jsonl", [*good, row]), tmp_path / "stored")


def test_the_same_text_over_and_over_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"All 9 rows of rows\.jsonl are equal"):
        brought(lines(tmp_path / "rows.jsonl", [{"text": "again"}] * 9), tmp_path / "stored")
