"""From a torch module that lives in this process to ONNX, TorchScript or a program of `torch.export`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.optimize.converting import samples
from jupyter_modeldeploy.optimize.converting.conversion import Conversion, Exporter, Original, convert
from jupyter_modeldeploy.optimize.converting.onnx_exporters import EXPORTERS
from jupyter_modeldeploy.optimize.converting.torch_exporters import EXPORTED, TORCHSCRIPT, with_names
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format, Signature
from jupyter_modeldeploy.runtimes import Tensors, torch_module
from jupyter_modeldeploy.signatures import TensorSpec

TOLERANCE = 1e-3
TARGETS: dict[Format, Sequence[Exporter]] = {
    Format.onnx: EXPORTERS,
    Format.torchscript: [TORCHSCRIPT],
    Format.exported: [EXPORTED],
}


def convert_module(
    module: torch.nn.Module,
    inputs: Sequence[TensorSpec],
    out: Path,
    target: Format,
    reporter: Reporter,
    opset: int | None = None,
    tolerance: float = TOLERANCE,
) -> Conversion:
    """Write the module, called with tensors as `inputs` say in this order, to `out`. Free dimensions (-1) stay free.

    It is converted as it answers in evaluation mode, and left in the mode that it is in. The answers of both forms are
    compared on random inputs of several shapes. Raises InvalidInput where it does not take such inputs or answers with
    anything but tensors, ConversionFailed and ParityFailed; then `out` is not written."""
    with _evaluating(module):
        signature = Signature(inputs=list(inputs), outputs=_outputs(module, inputs))
        original = Original(
            module=with_names(module, signature),
            signature=signature,
            example=example(inputs),
            load=lambda: _Living(module, signature),
            batches=samples.plain(signature),
            tolerance=tolerance,
        )
        return convert(original, out, target, TARGETS[target], reporter, opset)


def example(inputs: Sequence[TensorSpec], rows: int = 2, size: int = 8) -> list[torch.Tensor]:
    """Zeros for each input; free dimensions are larger than 1."""
    return [torch.zeros(samples.shape_of(spec, rows, size), dtype=torch_module.TORCH[spec.dtype]) for spec in inputs]


class _Living:
    """The module as a `runtimes.Runtime`."""

    def __init__(self, module: torch.nn.Module, signature: Signature) -> None:
        self.signature = signature

        def flat(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
            return list(torch_module.named_outputs(module(*tensors)).values())

        self._run = torch_module.TorchModule(flat, signature, devices.usable_cores(), torch.device("cpu")).run

    def run(self, inputs: Tensors) -> Tensors:
        return self._run(inputs)

    def close(self) -> None:
        del self._run


@contextmanager
def _evaluating(module: torch.nn.Module) -> Iterator[None]:
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)


def _outputs(module: torch.nn.Module, inputs: Sequence[TensorSpec]) -> list[TensorSpec]:
    """What the module answers with; dimensions in which the answers to inputs of two sizes differ are free."""
    try:
        with torch.inference_mode():
            one, other = (
                torch_module.named_outputs(module(*example(inputs, rows, size))) for rows, size in ((2, 8), (3, 12))
            )
    except torch_module.RUN_ERRORS as error:
        raise InvalidInput(
            f"The module does not take inputs of these shapes: {torch_module.reason(error)}",
            "input_shape has to be what its forward takes; None is a free dimension.",
        ) from error
    sizes = {name: zip(one[name].shape, other[name].shape, strict=True) for name in one}
    shapes = {name: [size if size == again else -1 for size, again in sizes[name]] for name in one}
    return [torch_module.spec(name, one[name].dtype, shapes[name]) for name in one]
