"""What is kept of a graph for its picture: what flows where, and no weights."""

from __future__ import annotations

from pathlib import Path

import onnx
import profiled_models as tiny
from onnx import helper

from jupyter_modeldeploy.profiling.operators.onnx_drawing import LONGEST, model_graph, named
from jupyter_modeldeploy.records.graphs import GraphNode, ModelGraph


def drawn(folder: Path) -> ModelGraph:
    return model_graph(onnx.load(folder / "model.onnx").graph, lambda name: f"layer.{name}")


def flows(graph: ModelGraph) -> set[tuple[str, str]]:
    return {(graph.nodes[start].name, graph.nodes[end].name) for start, end, _ in graph.edges}


def test_values_flow_from_the_inputs_through_the_operators_to_the_outputs(tmp_path: Path) -> None:
    graph = drawn(tiny.dense(tmp_path))
    assert [(node.kind, node.name, node.layer) for node in graph.nodes] == [
        ("input", "x", ""),
        ("operator", "heavy", "layer.heavy"),
        ("operator", "light", "layer.light"),
        ("output", "y", ""),
    ]
    assert graph.edges == [(0, 1, "float32[n, 256]"), (1, 2, ""), (2, 3, "float32[n, 256]")]


def test_no_weight_is_kept(tmp_path: Path) -> None:
    folder = tiny.dense(tmp_path)
    assert (folder / "model.onnx").stat().st_size > 200_000
    assert len(drawn(folder).model_dump_json()) < 1000


def test_what_a_loop_runs_is_drawn_within_what_flows_through_it(tmp_path: Path) -> None:
    graph = drawn(tiny.loop(tmp_path))
    assert {("x", "inner"), ("inner", "outer"), ("x", "outer"), ("outer", "y")} <= flows(graph)


def test_attributes_are_told_in_a_line_whatever_is_in_them(tmp_path: Path) -> None:
    node = helper.make_node("Conv", ["x"], ["y"], name="conv", pads=list(range(500)), mode=b"\xff" * 10_000, alpha=0.5)
    value = helper.make_tensor("value", onnx.TensorProto.FLOAT, [100, 100], [0.0] * 10_000)
    node.attribute.append(helper.make_attribute("value", value))
    graph = model_graph(helper.make_graph([node], "g", [], []), lambda name: "")
    attributes = graph.nodes[0].attributes
    assert attributes["pads"].startswith("[0, 1, 2")
    assert attributes["alpha"] == "0.5"
    assert attributes["value"] == "float32[100, 100]"
    assert all(len(told) <= LONGEST for told in attributes.values())


def test_nodes_without_a_name_get_the_one_that_the_runtime_gives_them() -> None:
    nodes = [
        GraphNode(name=name, type=kind) for name, kind in (("", "Add"), ("Add_2", "Add"), ("", "Add"), ("", "Mul"))
    ]
    told = [("Add_10", "Add"), ("Add_9", "Add"), ("Add_2", "Add"), ("Mul_x", "Mul")]
    found = named(ModelGraph(nodes=nodes, edges=[]), told)
    assert [node.name for node in found.nodes] == ["Add_9", "Add_2", "Add_10", ""]
