"""The requests of profiles and comparisons: real rows, judged only where their labels are what the model answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny_onnx

from jupyter_modeldeploy.jobs.kinds.traffic import make_traffic
from jupyter_modeldeploy.records import Dataset, Format, Lineage, NewVersion, Step, Version
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime
from jupyter_modeldeploy.store import Store


@pytest.fixture
def dataset(store: Store) -> Dataset:
    with store.artifacts.staging() as staging:
        rows = "".join(f"{word} film {n},{label}\n" for n in range(10) for word, label in (("good", "a"), ("bad", "b")))
        (staging / "data.csv").write_text("text,label\n" + rows)
        known = {"format": "csv", "text_column": "text", "label_column": "label", "classes": ["a", "b"], "rows": 20}
        return store.datasets.add("films", staging, source="file:made", **known)


def added(store: Store, folder: Path, task: str, classes: list[str] | None = None) -> Version:
    new = NewVersion(
        model=task,
        format=Format.onnx,
        task=task,
        lineage=Lineage(step=Step.imported),
        signature=OnnxRuntime(folder).signature,
        classes=classes,
    )
    return store.versions.add(new, folder)


def test_a_classifiers_answers_are_judged_by_the_labels(store: Store, dataset: Dataset, tmp_path: Path) -> None:
    version = added(store, tiny_onnx.classifier(tmp_path / "m"), "text-classification", ["b", "a"])
    traffic = make_traffic(store, version, dataset, 100, pinned=True)
    assert traffic.path == "/predict/text-classification/versions/1"
    assert traffic.labels is not None
    assert len(traffic.labels) == len(traffic.bodies) == len(traffic.inputs) > 0


def test_answers_that_the_labels_cannot_judge_are_sent_without_them(
    store: Store, dataset: Dataset, tmp_path: Path
) -> None:
    embedder = added(store, tiny_onnx.encoder(tmp_path / "encoder"), "feature-extraction")
    other = added(store, tiny_onnx.classifier(tmp_path / "other"), "text-classification", ["spam", "ham"])
    for version in (embedder, other):
        traffic = make_traffic(store, version, dataset, 100, pinned=False)
        assert traffic.labels is None
        assert traffic.bodies


def test_a_version_without_data_is_asked_from_its_signature(store: Store, tmp_path: Path) -> None:
    traffic = make_traffic(store, added(store, tiny_onnx.add_one(tmp_path / "m"), "tensor"), None, 5, pinned=True)
    assert traffic.path == "/v2/models/tensor/versions/1/infer"
    assert traffic.inputs[0]["x"].shape == (1, 4)
