"""What is left of a real fine-tuning: its evaluation, its model card, and a program that does it again."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_bert import CLASSES, make_encoder, rows

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Version

OPTIONS: dict[str, Any] = {
    "max_steps": 30,
    "batch_size": 16,
    "learning_rate": 3e-3,
    "max_length": 32,
    "precision": "fp32",
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with a tiny encoder and sentences, each from a folder."""
    folder = tmp_path_factory.mktemp("finetuned")
    base = make_encoder(folder / "tiny")
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\nA tiny encoder.\n")
    with (folder / "sentences.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((text, CLASSES[label]) for text, label in rows(200))])
    opened = Workspace(folder / "root")
    opened.models.fetch(f"file:{base}", name="tiny").wait()
    opened.datasets.fetch(f"file:{folder / 'sentences.csv'}", name="sentences", test_share=0.3, seed=5).wait()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def tuned(workspace: Workspace) -> Version:
    return workspace.models.finetune("tiny", "sentences", "tuned", **OPTIONS).version(timeout_s=240)


def test_a_fine_tuned_version_keeps_its_evaluation(workspace: Workspace, tuned: Version) -> None:
    evaluation = workspace.models.evaluation(tuned.ref)

    assert evaluation is not None
    accuracy = evaluation.metrics[0]
    assert (accuracy.name, accuracy.value) == ("accuracy", tuned.metrics["accuracy"])
    assert accuracy.before == tuned.metrics["accuracy_before"]
    assert accuracy.interval is not None
    assert accuracy.interval.low < accuracy.value
    assert evaluation.rows == workspace.datasets.get("sentences").splits["test"]
    assert sum(one.support for one in evaluation.per_class) == evaluation.rows
    assert workspace.models.evaluation("tiny") is None


def test_its_model_card_says_what_it_was_made_of_and_how_good_it_is(workspace: Workspace, tuned: Version) -> None:
    card = workspace.models.card(tuned.ref)

    assert card is not None
    assert "| Licence of the base | Apache-2.0 |" in card
    assert f"| accuracy | {tuned.metrics['accuracy']:.4g} |" in card
    assert "sentences@1" in card
    assert "| max_steps | 30 |" in card
    assert "file:" not in card  # nobody is told where files are kept here
    assert "torch 2." in card
    assert tuned.facts is not None
    assert (tuned.facts.license, tuned.facts.card) == ("Apache-2.0", "README.md")
    assert tuned.facts.parameters


def test_the_program_comes_to_the_same_figures_in_an_empty_workspace(
    workspace: Workspace, tuned: Version, tmp_path: Path
) -> None:
    program = tmp_path / "finetune.py"
    program.write_text(workspace.models.code(tuned.ref))
    empty = {**os.environ, "JUPYTER_MODELDEPLOY_ROOT": str(tmp_path / "empty")}

    done = subprocess.run([sys.executable, str(program)], env=empty, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    again = Workspace(tmp_path / "empty")
    assert again.models.version("tuned").metrics == tuned.metrics
    assert again.models.evaluation("tuned") is not None
    again.close()


def test_the_program_uses_what_is_there_and_refuses_what_has_changed(
    workspace: Workspace, tuned: Version, tmp_path: Path
) -> None:
    code = workspace.models.code(tuned.ref)
    held = [file.sha256 for file in workspace.models.version("tiny").files]
    assert held[0] not in code  # one digest stands for all
    program = tmp_path / "finetune.py"
    program.write_text(code.split("# The training.")[0].replace('BASE = "', 'BASE = "0'))
    empty = {**os.environ, "JUPYTER_MODELDEPLOY_ROOT": str(tmp_path / "empty")}

    done = subprocess.run([sys.executable, str(program)], env=empty, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "its source has changed" in done.stderr


def test_what_was_not_trained_here_has_no_program(workspace: Workspace) -> None:
    with pytest.raises(InvalidInput, match="tiny@1 was fetched"):
        workspace.models.code("tiny")


def test_the_command_line_shows_the_evaluation_and_writes_the_program(
    workspace: Workspace, tuned: Version, tmp_path: Path
) -> None:
    modeldeploy = [sys.executable, "-m", "jupyter_modeldeploy.cli", "--root", str(workspace.store.settings.root)]

    def told(*arguments: str) -> str:
        return subprocess.run([*modeldeploy, *arguments], capture_output=True, text=True, check=True).stdout

    shown = told("models", "show", tuned.ref)
    assert "held-out rows of sentences@1" in shown
    assert "calibration error" in shown
    page = json.loads(told("models", "show", tuned.ref, "--json"))
    assert page["evaluation"]["metrics"][0]["value"] == tuned.metrics["accuracy"]
    assert told("models", "code", tuned.ref) == workspace.models.code(tuned.ref)
