"""TorchScript modules, run by torch: `*.pt` or `*.ts`.

An archive knows the names of its inputs but neither their datatypes nor their shapes. Those are taken from a
`signature.json` beside it, else from the inputs that it was traced with, else from its first weights; a trial run
tells the outputs, and which dimensions are free."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter, ValidationError

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.runtimes import Tensors, torch_module, torchscript_archive
from jupyter_modeldeploy.runtimes.model_file import only_file
from jupyter_modeldeploy.signatures import Signature, TensorSpec

SIGNATURE_FILE = "signature.json"
SUFFIXES = (".pt", ".ts", ".pth", ".torchscript")
IMAGE_SIDES = (64, 96)
TOKENS = (8, 12)
TELL = (
    f'Put a {SIGNATURE_FILE} beside the model: {{"inputs": [{{"name": "x", "dtype": "FP32", "shape": [-1, 4]}}], '
    '"outputs": []}; -1 is a dimension of any size, and outputs may stay empty.'
)

Samples = list[torch.Tensor]


class TorchScriptRuntime:
    """The folder's TorchScript module, in evaluation mode. See `runtimes.Runtime`.

    Inputs are named as the arguments of `forward`; outputs by the keys of the dict that it returns, else `output` or
    `output_0`, `output_1` …. Raises NotFound without a module, UnsafeContent for one that reaches beyond itself,
    InvalidInput where it does not load or its signature cannot be found out."""

    def __init__(self, folder: Path, threads: int = 1, device: str = "auto") -> None:
        path = only_file(folder, SUFFIXES)
        place = torch_module.choose_device(device)
        self.on_gpu = place.type != "cpu"
        module = torchscript_archive.load(path, place)
        self.signature = _signature(module, path, place)
        names = [spec.name for spec in self.signature.outputs]

        def flat(tensors: Samples) -> Samples:
            named = torch_module.named_outputs(module(*tensors))
            return [named[name] for name in names]

        self._module = torch_module.TorchModule(flat, self.signature, threads, place)

    def run(self, inputs: Tensors) -> Tensors:
        """All outputs by name. Raises InvalidInput for what the module cannot take, OutOfMemory."""
        return self._module.run(inputs)

    def close(self) -> None:
        del self._module


def _signature(module: torch.jit.ScriptModule, path: Path, place: torch.device) -> Signature:
    names = _names(module)
    told = path.parent / SIGNATURE_FILE
    if told.is_file():
        return _told(told, module, names, place)
    traced = torchscript_archive.traced_inputs(path)
    if traced is not None and len(traced) == len(names):
        joined = [torch.cat([one, one, one]) if one.ndim else one for one in traced]
        tries = [[one.to(place) for one in samples] for samples in (traced, joined)]
    else:
        tries = _guessed(module, names)
    return _tried(module, names, tries)


def _names(module: torch.jit.ScriptModule) -> list[str]:
    """The names of the inputs that `forward` must be given. Raises InvalidInput where one is no tensor."""
    schema: Any = module.forward.schema  # type: ignore[attr-defined]  # a ScriptMethod, which torch does not declare
    needed = [argument for argument in schema.arguments[1:] if not argument.has_default_value()]
    for argument in needed:
        if str(argument.type) not in ("Tensor", "Optional[Tensor]"):
            raise InvalidInput(f"The module's input {argument.name!r} is {argument.type}.", "Use tensors only.")
    if not needed:
        raise InvalidInput("The module's forward takes no tensor.", "Export one that does.")
    return [argument.name for argument in needed]


def _told(path: Path, module: torch.jit.ScriptModule, names: list[str], place: torch.device) -> Signature:
    try:
        signature = TypeAdapter(Signature).validate_json(path.read_bytes())
    except ValidationError as error:
        raise InvalidInput(f"{SIGNATURE_FILE} is no signature: {error.errors()[0]['msg']}.", TELL) from error
    if [spec.name for spec in signature.inputs] != names:
        raise InvalidInput(f"{SIGNATURE_FILE} must name the inputs {', '.join(names)}, in this order.", TELL)
    unknown = [spec.dtype for spec in signature.inputs if spec.dtype not in torch_module.TORCH]
    if unknown:
        raise InvalidInput(f"{SIGNATURE_FILE} names the datatype {unknown[0]}, which torch does not have.", TELL)
    if signature.outputs:
        return signature
    tries = [[_zeros(spec, size).to(place) for spec in signature.inputs] for size in (2, 3)]
    found = _tried(module, names, tries)
    return Signature(inputs=signature.inputs, outputs=found.outputs)


def _zeros(spec: TensorSpec, size: int) -> torch.Tensor:
    return torch.zeros([size if side < 0 else side for side in spec.shape], dtype=torch_module.TORCH[spec.dtype])


def _guessed(module: torch.jit.ScriptModule, names: list[str]) -> list[Samples]:
    """Two inputs of different sizes that the module's first weights suggest."""
    weights = next((one for one in module.parameters() if one.ndim > 1), None)
    if len(names) != 1 or weights is None:
        raise InvalidInput(f"The shapes of the inputs {', '.join(names)} are not known.", TELL)
    if weights.ndim == 4:
        shapes = [[rows, weights.shape[1], side, side] for rows, side in zip((1, 3), IMAGE_SIDES, strict=True)]
        return [[weights.new_zeros(shape)] for shape in shapes]
    linear = [[weights.new_zeros([rows, weights.shape[1]])] for rows in (1, 3)]
    if weights.ndim == 2 and _runs(module, linear[0]):
        return linear
    sizes = zip((1, 3), TOKENS, strict=True)
    return [[torch.zeros(size, dtype=torch.int64, device=weights.device)] for size in sizes]


def _runs(module: torch.jit.ScriptModule, samples: Samples) -> bool:
    try:
        _run(module, samples)
    except InvalidInput:
        return False
    return True


def _run(module: torch.jit.ScriptModule, samples: Samples) -> dict[str, torch.Tensor]:
    try:
        with torch.inference_mode():
            return torch_module.named_outputs(module(*samples))
    except torch_module.RUN_ERRORS as error:
        raise InvalidInput(f"The module does not run on a trial input: {torch_module.reason(error)}", TELL) from error


def _tried(module: torch.jit.ScriptModule, names: list[str], tries: list[Samples]) -> Signature:
    """The signature that a run of the first try gives; dimensions in which a second one that runs differs are free."""
    first = _run(module, tries[0])
    given, second = tries[0], first
    if _runs(module, tries[1]):
        other = _run(module, tries[1])
        if [(name, one.ndim) for name, one in first.items()] == [(name, one.ndim) for name, one in other.items()]:
            given, second = tries[1], other
    return Signature(
        inputs=[_spec(name, one, again) for name, one, again in zip(names, tries[0], given, strict=True)],
        outputs=[_spec(name, first[name], second[name]) for name in first],
    )


def _spec(name: str, one: torch.Tensor, other: torch.Tensor) -> TensorSpec:
    return torch_module.spec(name, one.dtype, _free(one.shape, other.shape))


def _free(shape: Sequence[int], other: Sequence[int]) -> list[int]:
    return [size if size == again else -1 for size, again in zip(shape, other, strict=True)]
