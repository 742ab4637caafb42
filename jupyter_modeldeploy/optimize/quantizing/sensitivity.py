"""How much a model's answers, or the values within it, lose by rounding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.optimize.quantizing.result import LayerError
from jupyter_modeldeploy.runtimes import Runtime, Tensors
from jupyter_modeldeploy.runtimes.onnx import session_options

LEVELS = 255
Ranges = Mapping[str, tuple[float, float]]


@dataclass
class NoiseToSignal:
    """Powers of noise and of signal by channel (the second dimension of a tensor, where it has more than one), summed
    over batches. A channel counts as one, however loud: a detector's scores, from 0 to 1, lie beside boxes of hundreds
    of pixels."""

    noise: np.ndarray = field(default_factory=lambda: np.zeros(0))
    signal: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def add(self, exact: np.ndarray, rounded: np.ndarray) -> None:
        """Where batches have different numbers of channels they are counted as one."""
        noise, signal = _powers(rounded.astype(np.float64) - exact), _powers(exact.astype(np.float64))
        if self.noise.size and self.noise.size != noise.size:
            self.noise, self.signal = self.noise.sum(keepdims=True), self.signal.sum(keepdims=True)
        if self.noise.size == 1 and noise.size != 1:
            noise, signal = noise.sum(keepdims=True), signal.sum(keepdims=True)
        self.noise = self.noise + noise if self.noise.size else noise
        self.signal = self.signal + signal if self.signal.size else signal

    @property
    def value(self) -> float:
        """The mean over the channels that carry a signal, each at most 1; 1 where something is not finite."""
        if not (np.isfinite(self.noise).all() and np.isfinite(self.signal).all()):
            return 1.0
        heard = self.signal > 0
        if not heard.any():
            return float(self.noise.sum() > 0)
        return float(np.minimum(1.0, self.noise[heard] / self.signal[heard]).mean())


def answers(runtime: Runtime, batches: Iterable[Tensors]) -> list[Tensors]:
    """The float outputs to each batch."""
    return [{name: value for name, value in runtime.run(batch).items() if value.dtype.kind == "f"} for batch in batches]


def output_errors(exact: Sequence[Tensors], rounded: Sequence[Tensors]) -> dict[str, float]:
    """Noise over signal of each output."""
    found: dict[str, NoiseToSignal] = {}
    for one, other in zip(exact, rounded, strict=True):
        for name, values in one.items():
            found.setdefault(name, NoiseToSignal()).add(values, other[name])
    return {name: error.value for name, error in found.items()}


def layer_errors(model: Path, ranges: Ranges, batches: Iterable[Tensors]) -> list[LayerError]:
    """What rounding each node's output to 8 bits over its calibrated range does to it, the worst first.

    `model` is the float model whose tensors `ranges` names; each batch is run with all of them as outputs."""
    graph = onnx.load(model, load_external_data=False).graph
    producers = {output: node for node in graph.node for output in node.output if output in ranges}
    found: dict[str, NoiseToSignal] = {name: NoiseToSignal() for name in producers}
    session = _showing(model, list(producers))
    names = [output.name for output in session.get_outputs()]
    for batch in batches:
        for name, values in zip(names, session.run(None, batch), strict=True):
            if name in found:
                found[name].add(values, _rounded(values, *ranges[name]))
    errors: dict[str, LayerError] = {}
    for name, error in found.items():
        node = producers[name]
        if node.name not in errors or errors[node.name].error < error.value:
            errors[node.name] = LayerError(node=node.name, operator=node.op_type, error=error.value)
    return sorted(errors.values(), key=lambda layer: -layer.error)


def _showing(path: Path, tensors: Sequence[str]) -> onnxruntime.InferenceSession:
    """A session whose model gives these tensors too, computed as they stand in the file."""
    model = onnx.load(path)
    known = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in tensors if name not in known)
    options = session_options(devices.usable_cores())
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _rounded(values: np.ndarray, low: float, high: float) -> np.ndarray:
    low, high = min(low, 0.0), max(high, 0.0)
    scale = (high - low) / LEVELS or 1.0
    zero = np.round(-low / scale)
    rounded: np.ndarray = (np.clip(np.round(values / scale) + zero, 0, LEVELS) - zero) * scale
    return rounded.astype(np.float32)


def _powers(values: np.ndarray) -> np.ndarray:
    squares: np.ndarray = np.square(values)
    channels = np.moveaxis(squares, 1, 0) if values.ndim > 1 else squares[np.newaxis]
    powers: np.ndarray = channels.reshape(len(channels), -1).sum(axis=1)
    return powers
