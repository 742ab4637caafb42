"""Detectors of ultralytics, run by torch as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from jupyter_modeldeploy.runtimes import Tensors, torch_module, yolo_network
from jupyter_modeldeploy.signatures import Signature, TensorSpec


class UltralyticsRuntime:
    """A YOLO detector run by torch, without gradients: `images` float32[batch, 3, size, size] of 0…1 to `output0`
    float32[batch, 4 + classes, anchors], as its ONNX form. See `runtimes.Runtime`."""

    def __init__(self, folder: Path, threads: int = 1, device: str = "auto") -> None:
        place = torch_module.choose_device(device)
        self.on_gpu = place.type != "cpu"
        network = yolo_network.load(folder)
        self._model = network.model.to(place)
        self.signature = signature(network)
        self._module = torch_module.TorchModule(self._boxes, self.signature, threads, place)

    def run(self, inputs: Tensors) -> Tensors:
        return self._module.run(inputs)

    def close(self) -> None:
        del self._module, self._model

    def _boxes(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        answer: Any = self._model(tensors[0])
        return [answer[0]]


def signature(network: yolo_network.Network) -> Signature:
    """The tensors of a network, at the size that it was trained with."""
    size, classes = network.image_size, len(network.names)
    anchors = sum((size // int(stride)) ** 2 for stride in network.model.stride)
    return Signature(
        inputs=[TensorSpec("images", "FP32", [-1, 3, size, size])],
        outputs=[TensorSpec("output0", "FP32", [-1, 4 + classes, anchors])],
    )
