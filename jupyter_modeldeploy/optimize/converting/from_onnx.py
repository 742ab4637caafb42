"""From ONNX to OpenVINO's own format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.errors import ConversionFailed
from jupyter_modeldeploy.optimize.converting import samples
from jupyter_modeldeploy.optimize.converting.conversion import Conversion, Exporter, Original, convert
from jupyter_modeldeploy.optimize.folders import copy_side_files
from jupyter_modeldeploy.optimize.quantizing.graph import MODEL
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import openvino
from jupyter_modeldeploy.runtimes.onnx import OnnxRuntime

TOLERANCE = 1e-3


def onnx_to_openvino(
    folder: Path,
    out: Path,
    reporter: Reporter,
    texts: Sequence[str] | None = None,
    opset: int | None = None,
    tolerance: float = TOLERANCE,
) -> Conversion:
    """Write the ONNX model of `folder` as `out`/model.xml with its weights in `out`/model.bin; a quantized one stays
    quantized.

    The answers of both are compared on random inputs of several shapes. Raises Unavailable without OpenVINO,
    ConversionFailed for a graph with operators that it does not have (ONNX Runtime's own among them), ParityFailed;
    then `out` is not written."""
    openvino.module()
    runtime = OnnxRuntime(folder, device="cpu")
    signature = runtime.signature
    runtime.close()
    original = Original(
        module=folder / MODEL,
        signature=signature,
        example=[],
        load=lambda: OnnxRuntime(folder, threads=devices.usable_cores(), device="cpu"),
        batches=samples.beside(folder, signature),
        tolerance=tolerance,
        write_beside=lambda partial: copy_side_files(folder, partial),
    )
    return convert(original, out, Format.openvino, [Exporter("openvino", _write)], reporter)


def _write(original: Original, folder: Path, opset: int | None) -> None:
    package = openvino.module()
    try:
        package.save_model(package.Core().read_model(original.module), folder / "model.xml", compress_to_fp16=False)
    except RuntimeError as error:
        raise ConversionFailed(
            f"OpenVINO cannot read this graph: {openvino.reason(error)}", "Serve it as ONNX, or convert it as exported."
        ) from error
