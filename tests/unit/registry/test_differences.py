"""What changes from one version to another, and what of it breaks callers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from registered_versions import evaluated, made

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Format, Lineage, Signature, Step, TensorSpec, Version
from jupyter_modeldeploy.registry import callers

IDS = TensorSpec("ids", "INT64", [-1, -1])
SCORES = TensorSpec("scores", "FP32", [-1, 2])


def test_files_figures_settings_and_lineage_are_beside_each_other(workspace: Workspace, tmp_path: Path) -> None:
    made(
        workspace,
        tmp_path,
        0.90,
        files={"model.onnx": "a", "vocab.txt": "words", "old.bin": "x"},
        parameters={"epochs": 1},
    )
    made(
        workspace,
        tmp_path,
        0.93,
        files={"model.onnx": "bb", "vocab.txt": "words", "new.bin": "y"},
        parent="m@1",
        parameters={"epochs": 3},
    )
    found = workspace.models.diff("m@1", "m@2")
    assert found.relation == "m@2 was made from m@1 in 1 step."
    assert [(one.path, one.change, one.before, one.after) for one in found.files] == [
        ("model.onnx", "changed", 1, 2),
        ("new.bin", "added", None, 1),
        ("old.bin", "removed", 1, None),
    ]
    assert (found.unchanged_files, found.size_before, found.size_after) == (1, 7, 8)
    [accuracy] = found.metrics
    assert accuracy.difference == pytest.approx(0.03)
    assert (accuracy.interval, accuracy.better) == (None, None)
    assert [(one.name, one.before, one.after, one.setting) for one in found.facts] == [
        ("parent", "", "m@1", False),
        ("epochs", "1", "3", True),
    ]
    assert "| accuracy | 0.9 | 0.93 | +0.03 |" in found._repr_markdown_()
    assert workspace.models.diff("m@1", "m@1").files == []


def test_a_difference_has_the_interval_of_an_evaluation_whichever_way_it_was_done(
    workspace: Workspace, tmp_path: Path
) -> None:
    for accuracy in (0.9, 0.93):
        made(workspace, tmp_path, accuracy)
    evaluated(workspace, "m@2", "m@1", (0.85, 0.82), (0.01, 0.05))
    forth, back = (workspace.models.diff(*refs).metrics[0] for refs in (("m@1", "m@2"), ("m@2", "m@1")))
    assert forth.interval is not None
    assert back.interval is not None
    assert (forth.before, forth.after, forth.interval.low, forth.better) == (0.82, 0.85, 0.01, True)
    assert (back.before, back.after, back.interval.low, back.better) == (0.85, 0.82, -0.05, False)
    assert forth.note == "both on the held-out rows of reviews@2"


def test_figures_of_other_data_have_no_difference(workspace: Workspace, tmp_path: Path) -> None:
    made(workspace, tmp_path, 0.9, "reviews@1")
    made(workspace, tmp_path, 0.93, "films@1")
    [accuracy] = workspace.models.diff("m@1", "m@2").metrics
    assert (accuracy.difference, accuracy.note) == (None, "not comparable: on reviews@1 and on films@1")


@pytest.mark.parametrize(
    ("inputs", "outputs", "breaking", "note"),
    [
        ([TensorSpec("ids", "INT32", [-1, -1])], [SCORES], True, "input ids is INT32 and no more INT64"),
        ([TensorSpec("ids", "INT64", [1, -1])], [SCORES], True, "input ids must be [1, any] now, it was [any, any]"),
        ([], [SCORES], True, "input ids is not taken any more"),
        ([IDS, TensorSpec("mask", "INT64", [-1])], [SCORES], True, "input mask is new and must be given"),
        ([IDS, TensorSpec("mask", "INT64", [-1], True)], [SCORES], False, "input mask is new and may be left out"),
        ([IDS], [], True, "output scores is not given any more"),
        ([IDS], [SCORES, TensorSpec("logits", "FP32", [-1])], False, "output logits is new"),
        ([IDS], [TensorSpec("scores", "FP32", [-1, 3])], True, "output scores may be [any, 3] now"),
        ([IDS], [TensorSpec("scores", "FP32", [1, 2])], False, "output scores is always [1, 2] now"),
    ],
)
def test_a_signature_breaks_callers_where_it_takes_less_or_gives_more_than_they_expect(
    inputs: list[TensorSpec], outputs: list[TensorSpec], breaking: bool, note: str
) -> None:
    [change] = callers.changes(version("tensor", [IDS], [SCORES]), version("tensor", inputs, outputs))
    assert change.breaking is breaking
    assert change.note.startswith(f"the {note}")


def test_tensors_behind_texts_break_nobody_who_sends_texts() -> None:
    before = version("text-classification", [IDS], [], ["bad", "good"])
    after = version("text-classification", [TensorSpec("x", "INT64", [-1])], [], ["good", "bad"])
    found = callers.changes(before, after)
    assert {one.callers for one in found} == {"tensors"}
    assert "scores stand in another order" in found[0].note
    [new] = callers.changes(before, version("text-classification", [IDS], [], ["bad", "good", "so-so"]))
    assert (new.callers, new.breaking) == ("all", True)


def version(
    task: str, inputs: list[TensorSpec], outputs: list[TensorSpec], classes: list[str] | None = None
) -> Version:
    return Version(
        model="m",
        number=1,
        format=Format.onnx,
        task=task,
        lineage=Lineage(step=Step.imported),
        signature=Signature(inputs, outputs),
        classes=classes,
        files=[],
        created_at=datetime.now(UTC),
    )
