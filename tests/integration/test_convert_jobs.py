"""Conversions as jobs: every target, graphs, and what is refused before there is a job."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tiny_bert import make_classifier
from tiny_torch import Classifier, scripted

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import InvalidInput


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("converted")
    opened = Workspace(folder / "root")
    opened.models.fetch(f"file:{make_classifier(folder / 'bert')}", name="bert").wait(timeout_s=60)
    opened.models.fetch(f"file:{scripted(folder / 'rows', Classifier())}", name="rows").wait(timeout_s=60)
    yield opened
    opened.close()


def test_an_onnx_versions_graph_is_slimmed_and_measured(workspace: Workspace) -> None:
    onnx = workspace.models.convert("bert@1").version(timeout_s=120)
    job = workspace.models.convert(onnx.ref, graph="slim")
    slim = job.version(timeout_s=120)

    assert (slim.lineage.parent, slim.lineage.parameters) == (onnx.ref, {"target": "onnx", "graph": "slim"})
    assert slim.signature == onnx.signature
    assert slim.metrics["parity_max_difference"] < 1e-5
    told = job.result()["graph"]
    assert sum(told["operators_after"].values()) < sum(told["operators_before"].values())
    assert told["candidates"][0]["speed"] > 0
    again = workspace.models.convert(onnx.ref, graph="slim", reuse=True)
    assert again.version(timeout_s=60).ref == slim.ref


@pytest.mark.parametrize("target", ["torchscript", "exported"])
def test_a_checkpoint_becomes_an_archive_of_torch(workspace: Workspace, target: str) -> None:
    made = workspace.models.convert("bert@1", target=target).version(timeout_s=120)

    assert made.format == target
    assert made.signature == workspace.models.version("bert@1").signature


def test_torchscript_becomes_onnx(workspace: Workspace) -> None:
    job = workspace.models.convert("rows@1", opset=18)

    assert job.version(timeout_s=60).lineage.parameters == {"target": "onnx", "opset": 18}
    assert (job.result()["conversion"]["exporter"], job.result()["conversion"]["opset"]) == ("trace", 18)


def test_what_cannot_be_converted_is_said_before_there_is_a_job(workspace: Workspace) -> None:
    onnx = workspace.models.convert("rows@1", reuse=True).version(timeout_s=60).ref
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
