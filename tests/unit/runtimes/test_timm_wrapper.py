"""Checkpoints of timm: recognised, run as timm runs them, and kept from loading anything else."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from pictures import file
from PIL import Image
from tiny_timm import SIDE, make_timm

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes.transformers import TransformersRuntime
from jupyter_modeldeploy.sources import understanding
from jupyter_modeldeploy.sources.recognise import recognise
from jupyter_modeldeploy.tasks.image_classification import ImageClassification

NAMES = ["cat", "dog", "newt"]


def test_its_files_say_what_it_is(tmp_path: Path) -> None:
    model = make_timm(tmp_path / "base", NAMES)

    found = recognise(tmp_path / "base")

    assert (found.format, found.task, found.classes) == (Format.transformers, "image-classification", NAMES)
    assert (found.framework, found.architecture) == ("timm", "test_resnet")
    assert found.signature is not None
    assert found.signature.inputs[0].shape == [-1, 3, SIDE, SIDE]
    told = understanding.facts(tmp_path / "base", found)
    assert told.parameters == sum(tensor.numel() for tensor in model.state_dict().values())
    assert "jupyter_modeldeploy[timm]" in told.note


@pytest.mark.parametrize(("architecture", "more"), [("test_resnet", {}), ("test_vit", {"img_size": SIDE})])
def test_a_picture_is_answered_as_by_timm_itself(
    architecture: str, more: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_timm(tmp_path / "base", NAMES, architecture, **more)
    pretrained = json.loads((tmp_path / "base" / "config.json").read_text())["pretrained_cfg"]
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained, verbose=False))
    with torch.inference_mode():
        expected = model(transform(picture)[None]).softmax(-1)[0].tolist()
    monkeypatch.setattr(socket.socket, "connect", None)  # it asks nobody

    runtime = TransformersRuntime(tmp_path / "base", device="cpu")
    task = ImageClassification(tmp_path / "base", runtime.signature)
    [answer] = task.decode(runtime.run(task.encode(task.parse_files(file(picture)))))

    assert [answer["scores"][name] for name in NAMES] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "hf-hub:somebody/else"}, "has no network 'hf-hub:somebody/else'"),
        ({"architecture": "local-dir:/tmp"}, "has no network 'local-dir:/tmp'"),
        ({"model_args": {"checkpoint_path": "other.pth"}}, "model_args in config.json say checkpoint_path"),
        ({"model_args": {"pretrained": True}}, "model_args in config.json say pretrained"),
    ],
)
def test_what_would_load_something_else_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    make_timm(tmp_path / "base", NAMES)
    path = tmp_path / "base" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))

    with pytest.raises(InvalidInput, match=message):
        TransformersRuntime(tmp_path / "base", device="cpu")
