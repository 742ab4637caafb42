"""Models of all runtimes answer from real services, images in their own words; one that crashes takes nobody along."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tiny_onnx
import tiny_torch
import torch
from pictures import BLUE, COLOURS, GREEN, RED, file, form, picture, text
from serving_service import client, spec
from waiting import until

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.serving.observation import observe
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

ROWS = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]


def add(store: Store, model: str, format: Format, folder: Path, task: str = "tensor") -> None:
    new = NewVersion(model=model, format=format, task=task, lineage=Lineage(step=Step.imported))
    store.versions.add(new, folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`exported` and `scripted`, the same module; `colours`, which names the colour of an image."""
    folder = tmp_path_factory.mktemp("runtimes")
    store = Store(Settings(folder / "root"))
    module = tiny_torch.Classifier()
    add(store, "exported", Format.exported, tiny_torch.exported(folder / "exported", module, torch.zeros(2, 4)))
    add(store, "scripted", Format.torchscript, tiny_torch.scripted(folder / "scripted", module))
    images = tiny_torch.exported(folder / "images", tiny_torch.Pictures(), torch.zeros(2, 3, 16, 16))
    (images / "config.json").write_text(json.dumps({"id2label": dict(enumerate(COLOURS))}))
    add(store, "colours", Format.exported, images, "image-classification")
    limits = {"max_image_pixels": 10_000}
    wanted = spec("runtimes", ("exported", [1]), ("scripted", [1]), ("colours", [1]), input_limits=limits)
    service = lifecycle.start(store, wanted, "tester")
    with client(store, service) as connected:
        yield connected
    lifecycle.stop(store, "runtimes")
    store.close()


def outputs(served: httpx.Client, model: str) -> list[float]:
    tensor = {"name": "x", "datatype": "FP32", "shape": [2, 4], "data": ROWS}
    answer = served.post(f"/v2/models/{model}/infer", json={"inputs": [tensor]})
    assert answer.status_code == 200, answer.text
    return answer.json()["outputs"][0]["data"]


def test_an_exported_program_and_torchscript_answer_alike(served: httpx.Client) -> None:
    expected = tiny_torch.Classifier()(torch.tensor(ROWS)).flatten().tolist()
    assert outputs(served, "exported") == pytest.approx(expected, abs=1e-5)
    assert outputs(served, "scripted") == pytest.approx(expected, abs=1e-5)


def test_a_wrong_shape_is_the_callers_fault_in_torch_too(served: httpx.Client) -> None:
    tensor = {"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}
    answer = served.post("/v2/models/exported/infer", json={"inputs": [tensor]})
    assert answer.status_code == 400
    assert "[1, 3]" in answer.json()["error"]


@pytest.mark.parametrize("kind", ["image/png", "text/plain", "application/json"])
def test_an_image_is_sent_as_it_is_whatever_its_type_is_called(served: httpx.Client, kind: str) -> None:
    answer = served.post("/predict/colours", content=file(picture(GREEN)), headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    assert answer.json()["predictions"][0]["label"] == "green"


def test_images_come_as_a_form_or_as_json(served: httpx.Client) -> None:
    several = [file(picture(colour)) for colour in (RED, BLUE)]
    for answer in (
        served.post("/predict/colours", content=form(*several)),
        served.post("/predict/colours", files=[("file", content) for content in several]),
        served.post("/predict/colours", json={"images": [text(content) for content in several]}),
    ):
        assert [one["label"] for one in answer.json()["predictions"]] == ["red", "blue"], answer.text


def test_an_image_larger_than_the_service_takes_is_told_so(served: httpx.Client) -> None:
    answer = served.post("/predict/colours", content=file(picture(RED, (101, 100))))
    assert answer.status_code == 413
    assert "10000 pixels" in answer.json()["error"]["hint"]


def test_an_address_is_never_fetched(served: httpx.Client) -> None:
    answer = served.post("/predict/colours", json={"image": "http://127.0.0.1:1/cat.png"})
    assert answer.status_code == 400
    assert "address" in answer.json()["error"]["message"]


CRASHING = """
    import os
    import numpy as np
    from jupyter_modeldeploy.records import Signature, TensorSpec

    class Crashing:
        def __init__(self, folder, threads=1, device="auto"):
            spec = TensorSpec(name="x", dtype="FP32", shape=[-1, 1])
            self.signature = Signature(inputs=[spec], outputs=[spec])

        def run(self, inputs):
            if (inputs["x"] == 666).any():
                os.abort()
            return dict(inputs)

        def close(self):
            pass
"""


def test_a_model_that_crashes_takes_only_its_own_server_process_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "site"
    (plugin / "crashing-1.dist-info").mkdir(parents=True)
    (plugin / "crashing.py").write_text(textwrap.dedent(CRASHING))
    (plugin / "crashing-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: crashing\nVersion: 1\n")
    (plugin / "crashing-1.dist-info" / "entry_points.txt").write_text(
        "[jupyter_modeldeploy.runtimes]\npaddle = crashing:Crashing\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(plugin))
    monkeypatch.syspath_prepend(plugin)
    plugins.available.cache_clear()
    store = Store(Settings(tmp_path / "root"))
    add(store, "crashing", Format.paddle, tiny_onnx.add_one(tmp_path / "model"))
    service = lifecycle.start(store, spec("crashing", ("crashing", [1]), replicas=2), "tester")
    with client(store, service) as connected:
        with pytest.raises(httpx.TransportError):
            connected.post("/predict", json=[[666.0]])
        for _ in range(20):
            assert connected.post("/predict", json=[[5.0]]).json()["predictions"] == [{"x": [5.0]}]
        until(lambda: "killed by SIGABRT" in lifecycle.log_tail(store, "crashing"))
        until(lambda: observe(store, store.services.get("crashing")).replicas_ready == 2)
    lifecycle.stop(store, "crashing")
    store.close()
    plugins.available.cache_clear()
