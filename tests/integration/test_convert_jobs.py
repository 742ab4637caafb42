"""Conversions as jobs: every target, graphs, and what is refused before there is a job."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from tiny_bert import make_classifier
from tiny_torch import Classifier, scripted

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import InvalidInput, JobFailed, UnsafeContent


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("converted")
    opened = Workspace(folder / "root")
    opened.models.fetch(f"file:{make_classifier(folder / 'bert')}", name="bert").wait(timeout_s=240)
    opened.models.fetch(f"file:{scripted(folder / 'rows', Classifier())}", name="rows").wait(timeout_s=240)
    yield opened
    opened.close()


def test_an_onnx_versions_graph_is_slimmed_and_measured(workspace: Workspace) -> None:
    onnx = workspace.models.convert("bert@1").version(timeout_s=240)
    job = workspace.models.convert(onnx.ref, graph="slim")
    slim = job.version(timeout_s=240)

    assert (slim.lineage.parent, slim.lineage.parameters) == (onnx.ref, {"target": "onnx", "graph": "slim"})
    assert slim.signature == onnx.signature
    assert slim.metrics["parity_max_difference"] < 1e-5
    told = job.result()["graph"]
    assert sum(told["operators_after"].values()) < sum(told["operators_before"].values())
    assert told["candidates"][0]["speed"] > 0
    again = workspace.models.convert(onnx.ref, graph="slim", reuse=True)
    assert again.version(timeout_s=240).ref == slim.ref


@pytest.mark.parametrize("target", ["torchscript", "exported"])
def test_a_checkpoint_becomes_an_archive_of_torch(workspace: Workspace, target: str) -> None:
    made = workspace.models.convert("bert@1", target=target).version(timeout_s=240)

    assert made.format == target
    assert made.signature == workspace.models.version("bert@1").signature


def test_torchscript_becomes_onnx(workspace: Workspace) -> None:
    job = workspace.models.convert("rows@1", opset=18)

    assert job.version(timeout_s=240).lineage.parameters == {"target": "onnx", "opset": 18}
    assert (job.result()["conversion"]["exporter"], job.result()["conversion"]["opset"]) == ("trace", 18)


def test_an_estimator_that_skops_saved_is_converted_and_a_pickle_is_not(workspace: Workspace, tmp_path: Path) -> None:
    rows, labels = load_iris(return_X_y=True)
    for kind in ("skops", "pickled"):
        (tmp_path / kind).mkdir()
    estimator = LogisticRegression(max_iter=1000).fit(rows, labels)
    skops.io.dump(estimator, tmp_path / "skops" / "flowers.skops")
    (tmp_path / "pickled" / "flowers.pkl").write_bytes(pickle.dumps(estimator))
    for kind in ("skops", "pickled"):
        workspace.models.fetch(f"file:{tmp_path / kind}", name=kind).wait(timeout_s=240)
        if workspace.models.version(f"{kind}@1").verdict.quarantined:
            workspace.models.trust(f"{kind}@1", reason="made a moment ago")

    made = workspace.models.convert("skops@1").version(timeout_s=240)

    assert [spec.name for spec in made.signature.outputs] == ["label", "probabilities"]
    with pytest.raises((UnsafeContent, JobFailed), match="pickle"):
        workspace.models.convert("pickled@1").version(timeout_s=240)


def test_what_cannot_be_converted_is_said_before_there_is_a_job(workspace: Workspace) -> None:
    onnx = workspace.models.convert("rows@1", reuse=True).version(timeout_s=240).ref
    jobs = len(workspace.jobs.list())
    with pytest.raises(InvalidInput, match="is ONNX already"):
        workspace.models.convert(onnx)
    with pytest.raises(InvalidInput, match=r"To torchscript are converted: transformers, ultralytics"):
        workspace.models.convert(onnx, target="torchscript")
    with pytest.raises(InvalidInput, match="are for ONNX, not for exported"):
        workspace.models.convert("bert@1", target="exported", graph="slim")
    with pytest.raises(InvalidInput, match="opset"):
        workspace.models.convert("bert@1", opset=5)
    assert len(workspace.jobs.list()) == jobs
