"""What an ONNX graph tells of its nodes that the profiler does not: the module of each, and its constant inputs."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.profiling.operators.onnx_drawing import model_graph
from jupyter_modeldeploy.profiling.operators.work import Tensor

SCOPES = "pkg.torch.onnx.name_scopes"
SCOPE_IN_NAME = re.compile(r"^/(?P<scope>[\w.]+(?:/[\w.]+)*)/[\w.]+")


class Graph:
    """The model as it is in its file, and as ONNX Runtime made it faster (None: as in its file)."""

    def __init__(self, model: Path, optimized: Path | None = None) -> None:
        import onnx

        graph = onnx.load(model, load_external_data=False).graph
        self.nodes = len(graph.node)
        self._layers: dict[str, str] = {}
        for node in graph.node:
            layer = _layer(node)
            self._layers[node.name] = layer
            self._layers.update((f"→{output}", layer) for output in node.output)
        if optimized is not None and optimized.exists():
            graph = onnx.load(optimized, load_external_data=False).graph
        constants = {one.name: Tensor(_dtype(one.data_type), tuple(one.dims)) for one in graph.initializer}
        self._made = {node.name: list(node.output) for node in graph.node}
        self._constants = {
            node.name: [constants[name] for name in node.input if name in constants] for node in graph.node
        }
        self.drawing = model_graph(graph, self.layer)

    def layer(self, node: str) -> str:
        """`encoder.layer.0.attention.self.query`, as the exporter wrote it down: with the node, or in its name. A node
        that was made of several belongs where its output was made; empty where nothing tells."""
        known = (self._layers.get(key, "") for key in (node, *(f"→{made}" for made in self._made.get(node, []))))
        return next((layer for layer in known if layer), in_name(node))

    def constants(self, node: str) -> Sequence[Tensor]:
        """Its inputs that are weights."""
        return self._constants.get(node, [])


def in_name(name: str) -> str:
    """`/encoder/layer.0/attention/MatMul` says it itself, as older exporters write names."""
    found = SCOPE_IN_NAME.match(name)
    if found is None:
        return ""
    return _without_repeats(found["scope"].split("/"))


def _layer(node: Any) -> str:
    scope = next((_deepest(each.value) for each in node.metadata_props if each.key == SCOPES), "")
    return scope or in_name(node.name)


def _deepest(scopes: str) -> str:
    """The last of a list of paths before the operator's own name; empty where it is none."""
    try:
        paths = ast.literal_eval(scopes)
    except (ValueError, SyntaxError):
        return ""
    return str(paths[-2]) if isinstance(paths, list) and len(paths) > 1 else ""


def _without_repeats(parts: Sequence[str]) -> str:
    """A list's items are written as `layer/layer.0`."""
    kept = [part for part, after in zip(parts, [*parts[1:], ""], strict=True) if not after.startswith(f"{part}.")]
    return ".".join(kept)


def _dtype(number: int) -> str:
    from onnx import TensorProto

    return str(TensorProto.DataType.Name(number)).lower()
