"""ONNX models small enough to be made by each test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 256


def dense(folder: Path) -> Path:
    """`float32[n, 256] → float32[n, 256]`: a large MatMul named "heavy", then a Relu named "light"."""
    weights = numpy_helper.from_array(np.eye(WIDTH, dtype=np.float32), "weights")
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["hidden"], name="heavy"),
        helper.make_node("Relu", ["hidden"], ["y"], name="light"),
    ]
    return save(folder, nodes, [tensor("x", ["n", WIDTH])], [tensor("y", ["n", WIDTH])], [weights])


def loop(folder: Path, turns: int = 50) -> Path:
    """`float32[n, 256] → float32[n, 256]`: a Loop named "outer" that runs a MatMul named "inner" `turns` times."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "weights"], ["next"], name="inner"),
            helper.make_node("Identity", ["more"], ["again"], name="same"),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("more", TensorProto.BOOL, []),
            tensor("state", None),
        ],
        [helper.make_tensor_value_info("again", TensorProto.BOOL, []), tensor("next", None)],
    )
    constants = [
        numpy_helper.from_array(np.eye(WIDTH, dtype=np.float32), "weights"),
        numpy_helper.from_array(np.array(turns, dtype=np.int64), "turns"),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    nodes = [helper.make_node("Loop", ["turns", "yes", "x"], ["y"], name="outer", body=body)]
    return save(folder, nodes, [tensor("x", ["n", WIDTH])], [tensor("y", None)], constants)


def text_echo(folder: Path) -> Path:
    """`BYTES[n] → BYTES[n]`."""
    texts = [helper.make_tensor_value_info(name, TensorProto.STRING, ["n"]) for name in ("text", "same")]
    return save(folder, [helper.make_node("Identity", ["text"], ["same"])], texts[:1], texts[1:], [])


def tensor(name: str, shape: list[str | int] | None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def save(
    folder: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
) -> Path:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    folder.mkdir(parents=True, exist_ok=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    return folder


def rows(count: int) -> dict[str, np.ndarray]:
    return {"x": np.ones((count, WIDTH), dtype=np.float32)}
