"""Integer weights and activations whose ranges are known beforehand, from calibration data."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantType, quantize_static
from onnxruntime.quantization.calibrate import CalibrationDataReader, load_tensors_data
from onnxruntime.quantization.shape_inference import quant_pre_process

from jupyter_modeldeploy import devices, runtimes
from jupyter_modeldeploy.errors import InvalidInput, ParityFailed
from jupyter_modeldeploy.optimize.quantizing.graph import MODEL, Rewriting, rewriting
from jupyter_modeldeploy.optimize.quantizing.options import Calibration
from jupyter_modeldeploy.optimize.quantizing.result import LayerError, Quantization
from jupyter_modeldeploy.optimize.quantizing.sensitivity import answers, layer_errors, output_errors
from jupyter_modeldeploy.optimize.quiet import quiet
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import Tensors

log = logging.getLogger(__name__)
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
MEASURED = 8
"""Batches of the calibration data on which errors are measured."""
SHOWN = 50
"""Layers that the result tells."""
MOST_OUTPUT_ERROR = 0.05
"""Noise over signal of an output beyond which a model is worth nothing."""


def static_int8(
    folder: Path,
    out: Path,
    reporter: Reporter,
    calibration: Sequence[Tensors],
    method: Calibration = "minmax",
    per_channel: bool = True,
    symmetric: bool = False,
    exclude: Sequence[str] = (),
) -> Quantization:
    """Write the ONNX model of `folder` to `out` with INT8 weights and 8-bit activations.

    `calibration` are batches of inputs, whose values set the ranges. Nodes that lose too much by it stay as they are:
    first those of `exclude`, then as few as needed of those whose outputs suffer most from rounding, until the noise of
    every output of the model is small against its signal.

    Raises InvalidInput without calibration data or for a node that is not there, ParityFailed when the model loses too
    much however many nodes are left out; then `out` is not written."""
    if not calibration:
        raise InvalidInput("Static quantization needs data to calibrate with.", "Name a dataset: --dataset NAME.")
    with rewriting(folder, out) as model, TemporaryDirectory(prefix="modeldeploy-quantize-") as scratch:
        work = _Work(model, Path(scratch), calibration, method, per_channel, symmetric)
        reporter.progress(0, 3, "parts", "preparing the graph")
        work.prepare()
        _check_known(work.nodes, exclude)
        reporter.progress(1, 3, "parts", "calibrating")
        work.calibrate()
        layers = layer_errors(work.prepared, work.ranges, work.measured)
        reporter.progress(2, 3, "parts", "quantizing")
        excluded = work.fewest_excluded(list(exclude), [layer.node for layer in layers])
        result = model.result()
    reporter.progress(3, 3, "parts", "quantized")
    told = [layer.model_copy(update={"excluded": layer.node in excluded}) for layer in layers]
    return result.model_copy(update={"output_error": work.errors, "layers": _worth_telling(told)})


def _check_known(nodes: Sequence[str], exclude: Sequence[str]) -> None:
    if unknown := sorted(set(exclude) - set(nodes)):
        raise InvalidInput(f"There is no node {', '.join(unknown)}.", "Take names of the graph's nodes.")


def _worth_telling(layers: list[LayerError]) -> list[LayerError]:
    return layers[:SHOWN] + [layer for layer in layers[SHOWN:] if layer.excluded]


class _Batches(CalibrationDataReader):  # type: ignore[misc]
    """The batches as ONNX Runtime's calibrators ask for them."""

    def __init__(self, batches: Sequence[Tensors]) -> None:
        self._batches: Iterator[Tensors] = iter(batches)

    def get_next(self) -> Tensors | None:
        return next(self._batches, None)


class _Work:
    """One model on its way: prepared, calibrated once, quantized as often as exclusions are tried."""

    def __init__(
        self,
        model: Rewriting,
        scratch: Path,
        calibration: Sequence[Tensors],
        method: Calibration,
        per_channel: bool,
        symmetric: bool,
    ) -> None:
        self.model = model
        self.prepared = scratch / MODEL
        self.calibration = calibration
        self.measured = calibration[:MEASURED]
        self.nodes: list[str] = []
        self.ranges: dict[str, tuple[float, float]] = {}
        self.errors: dict[str, float] = {}
        self._tried: list[str] | None = None
        self._cache = scratch / "ranges.json"
        self._method, self._per_channel, self._symmetric = method, per_channel, symmetric

    def prepare(self) -> None:
        """Fold and fuse what will be, and give each node a name."""
        with quiet():
            quant_pre_process(self.model.source, self.prepared, skip_symbolic_shape=True)
        graph = onnx.load(self.prepared)
        for number, node in enumerate(graph.graph.node):
            node.name = node.name or f"{node.op_type}_{number}"
        onnx.save(graph, self.prepared)
        self.nodes = [node.name for node in graph.graph.node]
        exact = runtimes.load(Format.onnx, self.prepared.parent, threads=devices.usable_cores())
        try:
            self._exact = answers(exact, self.measured)
        finally:
            exact.close()

    def calibrate(self) -> None:
        self.quantize([])
        for name, values in load_tensors_data(self._cache).items():
            low, high = values.range_value
            self.ranges[name] = float(np.min(low)), float(np.max(high))

    def quantize(self, excluded: Sequence[str]) -> None:
        """With all nodes but these. The ranges are found once."""
        kind = QuantType.QInt8 if self._symmetric else QuantType.QUInt8
        with quiet():
            quantize_static(
                self.prepared,
                self.model.path,
                _Batches(self.calibration),
                per_channel=self._per_channel,
                activation_type=kind,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=list(excluded),
                calibrate_method=METHODS[self._method],
                calibration_cache_path=self._cache,
                extra_options={
                    "ActivationSymmetric": self._symmetric,
                    "QuantizeBias": False,  # ONNX Runtime does it as it loads; in the file it is larger than floats
                },
                use_external_data_format=self.model.external,
            )

    def fewest_excluded(self, always: list[str], suspects: list[str]) -> list[str]:
        """Quantize all but `always` and as few of the suspects as it takes, found by doubling their number and then
        halving the step; what was left out."""
        few, many = -1, 0
        while self._fails(always + suspects[:many]):
            if many >= len(suspects):
                raise ParityFailed(
                    "The model loses too much by static quantization, whatever is left out of it.",
                    "Nothing was kept. Choose dynamic quantization or 16 bits.",
                )
            few, many = many, min(len(suspects), max(1, 2 * many))
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (middle, many) if self._fails(always + suspects[:middle]) else (few, middle)
        chosen = always + suspects[:many]
        if self._tried != chosen:
            self._fails(chosen)
        log.info("%d of %d nodes stay in float.", len(chosen), len(self.nodes))
        return chosen

    def _fails(self, excluded: list[str]) -> bool:
        self.quantize(excluded)
        self._tried = excluded
        rounded = runtimes.load(Format.onnx, self.model.path.parent, threads=devices.usable_cores())
        try:
            self.errors = output_errors(self._exact, answers(rounded, self.measured))
            return max(self.errors.values(), default=0.0) > MOST_OUTPUT_ERROR
        finally:
            rounded.close()
