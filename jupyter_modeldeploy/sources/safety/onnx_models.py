"""ONNX files: weights that lie outside their folder, and operators that only a library of somebody's could run."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modeldeploy.records import Finding

if TYPE_CHECKING:
    import onnx

MAX_BYTES = 2 << 30
KNOWN_DOMAINS = frozenset(
    (
        *("", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training"),
        *(
            "com.microsoft",
            "com.microsoft.nchwc",
            "com.ms.internal.nhwc",
            "org.pytorch.aten",
            "pkg.onnxscript.torch_lib",
        ),
    )
)
"""Those of ONNX, and those that ONNX Runtime brings."""


def look(path: Path, name: str) -> Iterator[Finding]:
    """Findings in an `.onnx` file; none in any other."""
    import onnx
    from google.protobuf.message import DecodeError

    if path.suffix.lower() != ".onnx":
        return
    if path.stat().st_size > MAX_BYTES:
        yield Finding(file=name, kind="header", dangerous=False, message="is longer than the 2 GiB of an ONNX file")
        return
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        yield Finding(file=name, kind="header", dangerous=False, message=f"cannot be looked through: {error}")
        return
    nodes = list(_nodes([*model.graph.node, *(node for one in model.functions for node in one.node)]))
    yield from _outside(model, nodes, path, name)
    own = {function.domain for function in model.functions}
    for domain in sorted({node.domain for node in nodes} - own - KNOWN_DOMAINS):
        message = f"needs operators of {domain[:100]!r}, which only a library of somebody's could run"
        yield Finding(file=name, kind="custom-code", dangerous=False, message=message)


def _outside(model: onnx.ModelProto, nodes: Iterable[onnx.NodeProto], path: Path, name: str) -> Iterator[Finding]:
    """External data must be a plain file of the model's own folder."""
    folder = path.parent.resolve()
    for location in sorted(set(_locations(model, nodes))):
        place = Path(os.path.normpath(folder / location)) if "\0" not in location else folder
        if not location or place == folder or not place.is_relative_to(folder) or place.is_symlink():
            message = f"reads its weights from {location[:200]!r}, outside its folder"
            yield Finding(file=name, kind="external-data", dangerous=True, message=message)


def _locations(model: onnx.ModelProto, nodes: Iterable[onnx.NodeProto]) -> Iterator[str]:
    import onnx

    graphs = [model.graph, *(graph for node in nodes for graph in _graphs(node))]
    tensors = [tensor for graph in graphs for tensor in _initializers(graph)]
    tensors += [
        tensor for node in nodes for attribute in node.attribute for tensor in (attribute.t, *attribute.tensors)
    ]
    for tensor in tensors:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield next((entry.value for entry in tensor.external_data if entry.key == "location"), "")


def _initializers(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    yield from (part for sparse in graph.sparse_initializer for part in (sparse.values, sparse.indices))


def _nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    """The nodes and those of the graphs within them."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(inner for graph in _graphs(node) for inner in graph.node)


def _graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        yield from attribute.graphs
        if attribute.HasField("g"):
            yield attribute.g
