"""What a person has before they begin: an empty workspace, a browser's window, some files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import digit_images
import numpy as np
import pytest
import tiny_onnx
from onnx import TensorProto, helper
from playwright.sync_api import Browser, Page
from sklearn.linear_model import LogisticRegression
from ui.journeys.whole_way import Files
from ui.lab import PANEL, START_S, Lab

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.demo import write_sentences

ROWS = 400
BEGUN = "document.querySelector('.jp-Launcher')?.contains(document.activeElement)"
"""JupyterLab gives the focus to its launcher last of all."""
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture(scope="module")
def belongings(folder: Path, workspace: Workspace) -> Files:
    """Sentences with their labels, a model that reads digits, and an image of a seven."""
    with write_sentences(workspace, folder / "all.csv").open() as rows:
        (folder / "sentences.csv").write_text("".join(islice(rows, 1 + ROWS)))
    seven, _ = digit_images.digits(each=1, classes=[7])[0]
    seven.save(folder / "seven.png")
    return Files(folder / "sentences.csv", digit_reader(folder / "digits"), folder / "seven.png")


@pytest.fixture
def window(lab: Lab, browser: Browser) -> Iterator[Page]:
    """JupyterLab as it begins. Nothing of ours may fail in it, and it may not be loaded again."""
    wrong: list[str] = []
    loads: list[str] = []
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    context.on("weberror", lambda failed: wrong.append(str(failed.error)))
    page = context.new_page()
    page.on("load", lambda: loads.append(page.url))
    page.on("console", lambda said: wrong.append(f"{said.text} {said.location}") if said.type == "error" else None)
    page.goto(f"{lab.url}lab?token={lab.token}")
    page.get_by_role("tab", name=PANEL).wait_for(timeout=START_S * 1000)
    page.wait_for_function(BEGUN)
    yield page
    context.close()
    assert [said for said in wrong if "modeldeploy" in said] == []
    assert len(loads) == 1


def digit_reader(folder: Path) -> Path:
    """Logits FP32[batch, 10] of `pixel_values` FP32[batch, 1, 8, 8]: a logistic regression, learnt in a second."""
    images, labels = zip(*digit_images.digits(), strict=True)
    pixels = np.stack([np.asarray(image).ravel() / 255 for image in images])
    learnt = LogisticRegression(max_iter=500).fit(pixels, labels)
    tiny_onnx.save(
        folder,
        [
            helper.make_node("Flatten", ["pixel_values"], ["pixels"]),
            helper.make_node("Gemm", ["pixels", "weights", "bias"], ["logits"]),
        ],
        [tiny_onnx.value("pixel_values", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [tiny_onnx.value("logits", TensorProto.FLOAT, ["batch", 10])],
        {"weights": learnt.coef_.T.astype(np.float32), "bias": learnt.intercept_.astype(np.float32)},
    )
    config = {"architectures": ["ResNetForImageClassification"], "id2label": dict(enumerate(NAMES))}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"do_normalize": False, "size": {"height": 8, "width": 8}})
    )
    return folder
