"""ResNet-50 (He et al. 2015, version 1.5: the stride is in the 3 × 3 convolution) with random weights, as ONNX.

Batch normalization is folded into the convolutions, as every exporter does for inference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STAGES = ((3, 64), (4, 128), (6, 256), (3, 512))
EXPANSION = 4
CLASSES = 1000


def make(folder: Path) -> None:
    """`logits` float32[batch, 1000] of `pixels` float32[batch, 3, 224, 224]."""
    folder.mkdir(parents=True)
    network = _Network()
    network.build()
    given = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3, 224, 224])
    answer = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", CLASSES])
    graph = helper.make_graph(network.nodes, "resnet50", [given], [answer], network.weights)
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), folder / "model.onnx")


class _Network:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._generator = np.random.default_rng(0)

    def build(self) -> None:
        values = self._relu(self._convolution("pixels", 3, 64, 7, 2))
        values = self._add("MaxPool", [values], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        channels = 64
        for stage, (blocks, width) in enumerate(STAGES):
            for block in range(blocks):
                values = self._bottleneck(values, channels, width, 2 if stage and not block else 1)
                channels = width * EXPANSION
        values = self._add("Flatten", [self._add("GlobalAveragePool", [values])])
        matrix = self._weight((channels, CLASSES), channels)
        self.nodes.append(helper.make_node("Gemm", [values, matrix, self._zeros(CLASSES)], ["logits"]))

    def _bottleneck(self, values: str, channels: int, width: int, stride: int) -> str:
        inner = self._relu(self._convolution(values, channels, width, 1, 1))
        inner = self._relu(self._convolution(inner, width, width, 3, stride))
        inner = self._convolution(inner, width, width * EXPANSION, 1, 1)
        if channels != width * EXPANSION:
            values = self._convolution(values, channels, width * EXPANSION, 1, stride)
        return self._relu(self._add("Add", [inner, values]))

    def _convolution(self, values: str, channels: int, filters: int, size: int, stride: int) -> str:
        weight = self._weight((filters, channels, size, size), channels * size * size)
        return self._add(
            "Conv",
            [values, weight, self._zeros(filters)],
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[size // 2] * 4,
        )

    def _relu(self, values: str) -> str:
        return self._add("Relu", [values])

    def _add(self, operator: str, inputs: list[str], **attributes: list[int]) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def _weight(self, shape: tuple[int, ...], fan_in: int) -> str:
        """So small that the values neither vanish nor grow from block to block."""
        values = self._generator.standard_normal(shape, dtype=np.float32) / np.float32(fan_in**0.5)
        return self._keep(values)

    def _zeros(self, size: int) -> str:
        return self._keep(np.zeros(size, np.float32))

    def _keep(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name
