"""torch's two ways to an ONNX file: `dynamo` follows the module's code, `trace`, the older one, a run of it.

dynamo keeps free dimensions free and is the better graph; some modules it cannot follow, which a trace can."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch

from jupyter_modeldeploy.errors import ConversionFailed
from jupyter_modeldeploy.optimize.converting import opset as opsets
from jupyter_modeldeploy.optimize.converting.conversion import Exporter, Original
from jupyter_modeldeploy.optimize.folders import PROTOBUF_LIMIT
from jupyter_modeldeploy.signatures import TensorSpec

MODEL = "model.onnx"
TRACED_OPSET = 20
"""The newest that the tracing exporter writes."""
MODULE_NOTE = "pkg.torch.onnx.name_scopes"


def _dynamo(original: Original, folder: Path, opset: int | None) -> None:
    dynamic = tuple(dict.fromkeys(_free(spec), torch.export.Dim.DYNAMIC) for spec in original.signature.inputs)
    with torch.no_grad():
        program = torch.onnx.export(
            original.module,
            tuple(original.example),
            input_names=[spec.name for spec in original.signature.inputs],
            output_names=[spec.name for spec in original.signature.outputs],
            dynamic_shapes=None if isinstance(original.module, torch.export.ExportedProgram) else dynamic,
            opset_version=opsets.chosen(opset),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # it is for dynamo=True without a file
    program.save(folder / MODEL, external_data=_bytes(original.module) > PROTOBUF_LIMIT)
    _tidy(folder / MODEL)


def _trace(original: Original, folder: Path, opset: int | None) -> None:
    if _bytes(original.module) > PROTOBUF_LIMIT:
        raise ConversionFailed("The weights are over 2 GiB.", "The tracing exporter writes one file.")
    specs = [*original.signature.inputs, *original.signature.outputs]
    with torch.no_grad():
        torch.onnx.export(
            original.module,
            tuple(original.example),
            str(folder / MODEL),
            input_names=[spec.name for spec in original.signature.inputs],
            output_names=[spec.name for spec in original.signature.outputs],
            dynamic_axes={spec.name: {axis: f"{spec.name}_{axis}" for axis in _free(spec)} for spec in specs},
            opset_version=min(opsets.chosen(opset), TRACED_OPSET),
            dynamo=False,
        )
    _tidy(folder / MODEL)


def _free(spec: TensorSpec) -> list[int]:
    return [axis for axis, size in enumerate(spec.shape) if size < 0]


def _bytes(module: torch.nn.Module | torch.export.ExportedProgram) -> int:
    weights = module.state_dict if isinstance(module, torch.export.ExportedProgram) else module.state_dict()
    return sum(weight.numel() * weight.element_size() for weight in weights.values())


def _tidy(path: Path) -> None:
    """Drop what the exporter notes: the shapes of inner values, which contradict those that quantization infers, and of
    each node the code that it comes from, paths and all. The module that it belongs to stays."""
    model = onnx.load(path, load_external_data=False)
    del model.graph.value_info[:]
    for node in model.graph.node:
        kept = [note for note in node.metadata_props if note.key == MODULE_NOTE]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    onnx.save(model, path)


DYNAMO = Exporter("dynamo", _dynamo)
TRACE = Exporter("trace", _trace)
EXPORTERS = (DYNAMO, TRACE)
