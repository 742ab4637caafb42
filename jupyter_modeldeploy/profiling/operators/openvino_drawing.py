"""The graph that OpenVINO runs, as it is drawn: of what it made of the weights when it loaded nothing is in it."""

from __future__ import annotations

from typing import Any, Literal

from jupyter_modeldeploy.profiling.operators.onnx_graph import in_name
from jupyter_modeldeploy.records.graphs import GraphNode, ModelGraph

Kind = Literal["operator", "input", "output"]
KINDS: dict[str, Kind] = {"Input": "input", "Output": "output"}


def model_graph(model: Any) -> ModelGraph:
    """The operators of `CompiledModel.get_runtime_model()`, by the names that its counters tell."""
    nodes: list[GraphNode] = []
    edges: dict[tuple[int, int], str] = {}
    places: dict[str, int] = {}
    for operator in model.get_ordered_ops():
        name, type = operator.get_friendly_name(), operator.get_rt_info()["layerType"].astype(str)
        sources = [port.get_source_output() for port in operator.inputs()]
        known = [(places.get(source.get_node().get_friendly_name()), source) for source in sources]
        if type != "Input" and all(place is None for place, _ in known):
            continue  # made of weights alone
        places[name] = len(nodes)
        edges.update({(place, len(nodes)): _flows(source) for place, source in known if place is not None})
        nodes.append(_node(operator, name, type))
    return ModelGraph(nodes=nodes, edges=[(*pair, flows) for pair, flows in edges.items()])


def _node(operator: Any, name: str, type: str) -> GraphNode:
    kind = KINDS.get(type, "operator")
    if kind == "operator":
        return GraphNode(name=name, type=type, layer=in_name(name))
    return GraphNode(kind=kind, name=name, type=_flows(operator.output(0)))


def _flows(port: Any) -> str:
    """`f32[?,128]`"""
    return f"{port.get_element_type().to_string()}{port.get_partial_shape().to_string()}"
