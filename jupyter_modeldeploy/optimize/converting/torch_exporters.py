"""To torch's own archives: a trace in TorchScript, and a program of `torch.export`. No Python of the model is needed
to run them."""

from __future__ import annotations

import inspect
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from jupyter_modeldeploy.optimize.converting.conversion import Exporter, Original
from jupyter_modeldeploy.runtimes.torch_module import named_outputs
from jupyter_modeldeploy.runtimes.torchscript import SIGNATURE_FILE
from jupyter_modeldeploy.signatures import Signature


def _torchscript(original: Original, folder: Path, opset: int | None) -> None:
    module = with_names(original.module, original.signature)
    with torch.no_grad():
        traced: Any = torch.jit.trace(module, tuple(original.example), strict=False, check_trace=False)  # type: ignore[no-untyped-call]
    traced.save(str(folder / "model.pt"))
    (folder / SIGNATURE_FILE).write_text(json.dumps(asdict(original.signature)))


def _exported(original: Original, folder: Path, opset: int | None) -> None:
    free = {
        spec.name: {axis: torch.export.Dim.DYNAMIC for axis, size in enumerate(spec.shape) if size < 0}
        for spec in original.signature.inputs
    }
    module = with_names(original.module, original.signature)
    with torch.no_grad():
        program = torch.export.export(module, tuple(original.example), dynamic_shapes=free)
    torch.export.save(program, folder / "model.pt2")


def with_names(module: torch.nn.Module, signature: Signature) -> torch.nn.Module:
    """The module with the signature's names for its arguments, which archives keep, and for what it answers."""
    names = [spec.name for spec in signature.outputs]

    def forward(self: torch.nn.Module, *tensors: torch.Tensor) -> dict[str, torch.Tensor]:
        answers: Any = named_outputs(self.module(*tensors))  # type: ignore[operator]
        return dict(zip(names, answers.values(), strict=True))

    arguments = ["self", *(spec.name for spec in signature.inputs)]
    forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in arguments]
    )
    made: torch.nn.Module = type("Named", (torch.nn.Module,), {"forward": forward})()
    made.module = module
    return made.eval()


TORCHSCRIPT = Exporter("torch.jit.trace", _torchscript)
EXPORTED = Exporter("torch.export", _exported)
