"""An ONNX graph as it is drawn, of which no weight is kept."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jupyter_modeldeploy.records.graphs import GraphNode, ModelGraph

NUMBERED = re.compile(r"_\d+")
MOST_ITEMS, LONGEST = 16, 200
"""Of an attribute's list that are told, and characters of an attribute."""


def model_graph(graph: Any, layer: Callable[[str], str]) -> ModelGraph:
    """The nodes of an ONNX GraphProto and of the graphs within it, whose results flow into the node that runs them;
    `layer` tells the module of a node by its name."""
    drawing = _Drawing(layer)
    constants = {each.name for each in graph.initializer}
    given = [each for each in graph.input if each.name not in constants]
    made = {each.name: drawing.node(kind="input", name=each.name, type=_shape(each)) for each in given}
    made = drawing.add(graph, made)
    for each in graph.output:
        place = drawing.node(kind="output", name=each.name, type=_shape(each))
        drawing.connect(made, each.name, place, _shape(each))
    return ModelGraph(nodes=drawing.nodes, edges=[(*pair, flows) for pair, flows in drawing.edges.items()])


def named(graph: ModelGraph, told: Iterable[tuple[str, str]]) -> ModelGraph:
    """The same with the names of nodes that have none in the file, from the names and types that were told of a run:
    ONNX Runtime calls such a node by its type and a number. Those of a type are taken in the order of their numbers."""
    known = {node.name for node in graph.nodes}
    waiting: dict[str, list[str]] = defaultdict(list)
    for name, kind in sorted({*told}, key=lambda pair: (len(pair[0]), pair[0]), reverse=True):
        if name not in known and NUMBERED.fullmatch(name.removeprefix(kind)):
            waiting[kind].append(name)
    nodes = [
        node.model_copy(update={"name": waiting[node.type].pop()}) if not node.name and waiting[node.type] else node
        for node in graph.nodes
    ]
    return graph.model_copy(update={"nodes": nodes})


class _Drawing:
    def __init__(self, layer: Callable[[str], str]) -> None:
        self._layer = layer
        self.nodes: list[GraphNode] = []
        self.edges: dict[tuple[int, int], str] = {}

    def node(self, **fields: Any) -> int:
        """The place of a new node."""
        self.nodes.append(GraphNode(**fields))
        return len(self.nodes) - 1

    def connect(self, made: Mapping[str, int], value: str, place: int, flows: str) -> None:
        """What is a weight comes from no node."""
        if value in made:
            self.edges.setdefault((made[value], place), flows)

    def add(self, graph: Any, made: Mapping[str, int]) -> dict[str, int]:
        """Add the graph's nodes; by value the place of the node that makes it, of those around the graph too."""
        found = dict(made)
        shapes = {each.name: _shape(each) for each in (*graph.value_info, *graph.input, *graph.output)}
        for node in graph.node:
            place = self.node(
                name=node.name, type=node.op_type, layer=self._layer(node.name), attributes=_attributes(node.attribute)
            )
            for inner in _graphs(node.attribute):
                self._add_inner(node, inner, place, found)
            for value in node.input:
                self.connect(found, value, place, shapes.get(value, ""))
            found.update((value, place) for value in node.output if value)
        return found

    def _add_inner(self, node: Any, inner: Any, place: int, found: Mapping[str, int]) -> None:
        """Loop and Scan hand their inputs to the graph within them in their order (ONNX, "Operators": Loop, Scan)."""
        handed = zip(inner.input, node.input, strict=False)
        known = {**found, **{taken.name: found[value] for taken, value in handed if value in found}}
        made = self.add(inner, known)
        for each in inner.output:
            self.connect(made, each.name, place, _shape(each))


def _graphs(attributes: Iterable[Any]) -> list[Any]:
    return [graph for each in attributes for graph in ([each.g] if each.HasField("g") else each.graphs)]


def _attributes(attributes: Iterable[Any]) -> dict[str, str]:
    told = ((each.name, _told(each)) for each in attributes)
    return {name: value for name, value in told if value}


def _told(attribute: Any) -> str:
    """Empty for a graph, whose nodes are drawn."""
    kind = attribute.AttributeType.Name(attribute.type).lower()
    if kind == "tensor":
        return _typed(attribute.t.data_type, attribute.t.dims)
    if kind in ("int", "float", "string"):
        return _text(getattr(attribute, kind[0]))
    if kind in ("ints", "floats", "strings"):
        values = getattr(attribute, kind)
        told = ", ".join(_text(value) for value in values[:MOST_ITEMS])
        return f"[{told}{', …' if len(values) > MOST_ITEMS else ''}]"[:LONGEST]
    return ""


def _text(value: int | float | bytes) -> str:
    if isinstance(value, bytes):
        return value[:LONGEST].decode("utf-8", "replace")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _shape(value: Any) -> str:
    """`float32[batch, 128]`; empty for what is no tensor, and of an unknown datatype."""
    tensor = value.type.tensor_type
    if not tensor.elem_type:
        return ""
    if not tensor.HasField("shape"):
        return _typed(tensor.elem_type, None)
    return _typed(tensor.elem_type, [side.dim_param or side.dim_value for side in tensor.shape.dim])


def _typed(number: int, sides: Iterable[int | str] | None) -> str:
    from onnx import TensorProto

    name = "float32" if number == TensorProto.FLOAT else TensorProto.DataType.Name(number).lower()
    return name if sides is None else f"{name}[{', '.join(str(side) for side in sides)}]"[:LONGEST]
