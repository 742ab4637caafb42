"""From torch's own archives to ONNX: TorchScript (`*.pt`) and programs of `torch.export` (`*.pt2`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.optimize.converting import samples
from jupyter_modeldeploy.optimize.converting.conversion import Conversion, Original, convert
from jupyter_modeldeploy.optimize.converting.from_module import example
from jupyter_modeldeploy.optimize.converting.onnx_exporters import DYNAMO, TRACE
from jupyter_modeldeploy.optimize.folders import copy_side_files
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.runtimes import Runtime, exported_archive, torchscript_archive
from jupyter_modeldeploy.runtimes.exported import ExportedRuntime
from jupyter_modeldeploy.runtimes.model_file import only_file
from jupyter_modeldeploy.runtimes.torchscript import SIGNATURE_FILE, SUFFIXES, TorchScriptRuntime

TOLERANCE = 1e-3


def torchscript_to_onnx(
    folder: Path,
    out: Path,
    reporter: Reporter,
    texts: Sequence[str] | None = None,
    opset: int | None = None,
    tolerance: float = TOLERANCE,
) -> Conversion:
    """Write the folder's TorchScript module as `out`/model.onnx; the dimensions that are free when it is served stay
    free, and inputs and outputs keep their names.

    The answers of both forms are compared on random inputs of several shapes. Raises UnsafeContent for an archive that
    reaches beyond itself, InvalidInput where it does not load, ConversionFailed and ParityFailed; then `out` is not
    written."""
    module = torchscript_archive.load(only_file(folder, SUFFIXES), torch.device("cpu"))
    return convert(_original(folder, module, TorchScriptRuntime, tolerance), out, Format.onnx, [TRACE], reporter, opset)


def exported_to_onnx(
    folder: Path,
    out: Path,
    reporter: Reporter,
    texts: Sequence[str] | None = None,
    opset: int | None = None,
    tolerance: float = TOLERANCE,
) -> Conversion:
    """As `torchscript_to_onnx`, of the folder's program of `torch.export`."""
    program = exported_archive.load(only_file(folder, (".pt2",)))
    return convert(_original(folder, program, ExportedRuntime, tolerance), out, Format.onnx, [DYNAMO], reporter, opset)


def _original(folder: Path, module: Any, runtime: type[Runtime], tolerance: float) -> Original:
    served = runtime(folder, device="cpu")
    signature = served.signature
    served.close()
    return Original(
        module=module,
        signature=signature,
        example=example(signature.inputs),
        load=lambda: runtime(folder, threads=devices.usable_cores(), device="cpu"),
        batches=samples.plain(signature),
        tolerance=tolerance,
        write_beside=lambda out: _copy_beside(folder, out),
    )


def _copy_beside(folder: Path, out: Path) -> None:
    copy_side_files(folder, out)
    (out / SIGNATURE_FILE).unlink(missing_ok=True)  # an ONNX file knows its own
