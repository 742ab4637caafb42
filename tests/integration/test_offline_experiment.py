"""Two versions on the same labelled rows, in a job of its own and without a service."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_onnx

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.workspace import Workspace


def test_two_versions_are_compared_without_a_service(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    forms = [tiny_onnx.classifier(tmp_path / f"form-{number}") for number in (1, 2)]
    (forms[1] / "notes.txt").write_text("the same, and a note" * 100)
    base, candidate = (workspace.models.fetch(f"file:{form}", "sentiment").version(timeout_s=240).ref for form in forms)
    with pytest.raises(NotFound, match="made without a dataset"):
        workspace.experiments.compare_offline(base, candidate)
    lines = [f"text {number},{('negative', 'positive')[number % 2]}" for number in range(100)]
    (tmp_path / "reviews.csv").write_text("\n".join(["text,label", *lines]))
    workspace.datasets.fetch(f"file:{tmp_path / 'reviews.csv'}", "reviews").wait(timeout_s=240)
    workspace.experiments.compare_offline(base, candidate, "reviews").wait(timeout_s=240)
    (experiment,) = workspace.experiments.list()
    assert (experiment.kind, experiment.service, experiment.unit) == ("offline", None, "row")
    assert [metric.metric for metric in experiment.metrics] == ["latency_ms", "accuracy", "f1_macro", "size_bytes"]
    assert [metric.p_value is not None for metric in experiment.metrics] == [True, True, True, False]
    accuracy = experiment.metrics[1]
    assert (accuracy.verdict, accuracy.base_samples) == ("undecided", experiment.units[0])
    assert experiment.verdict.startswith(f"{candidate} ")
    workspace.close()
