"""Programs of `torch.export`, run by torch: `*.pt2`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, TensorArgument
from torch.export.passes import move_to_device_pass
from torch.utils import _pytree as pytree

from jupyter_modeldeploy.errors import InvalidInput, TooLarge
from jupyter_modeldeploy.runtimes import Tensors, exported_archive, torch_module
from jupyter_modeldeploy.runtimes.model_file import only_file
from jupyter_modeldeploy.signatures import Signature

UNBOUNDED = 2**62


class ExportedRuntime:
    """The folder's only `*.pt2`, a program that `torch.export.save` wrote. See `runtimes.Runtime`.

    Inputs have the names of the exported `forward`; outputs the keys of the dict that it returns, else `output` or
    `output_0`, `output_1` …. A dynamic dimension is -1. Raises NotFound without such a file, UnsafeContent for an
    archive that would run code, InvalidInput for one that does not load or takes anything but tensors."""

    def __init__(self, folder: Path, threads: int = 1, device: str = "auto") -> None:
        path = only_file(folder, (".pt2",))
        place = torch_module.choose_device(device)
        self.on_gpu = place.type != "cpu"
        program = exported_archive.load(path)
        if any(value.device.type != place.type for value in program.state_dict.values()) or place.type != "cpu":
            program = move_to_device_pass(program, place)
        nodes = {node.name: node.meta.get("val") for node in program.graph.nodes}
        signature = Signature(inputs=_inputs(program, nodes), outputs=_outputs(program, nodes))
        self._bounds = _bounds(program, nodes)
        self.max_rows = min((most for _, axis, _, most in self._bounds if axis == 0), default=None)
        self._module = torch_module.TorchModule(_function(program), signature, threads, place)
        self.signature = signature

    def run(self, inputs: Tensors) -> Tensors:
        """All outputs by name. Raises InvalidInput for a wrong dtype, shape or size, TooLarge beyond the exported
        range of a dimension, OutOfMemory."""
        for name, axis, least, most in self._bounds:
            values = inputs.get(name)
            if values is not None and values.ndim > axis and not least <= values.shape[axis] <= most:
                kind = TooLarge if values.shape[axis] > most else InvalidInput
                raise kind(
                    f"Dimension {axis} of {name!r} has the size {values.shape[axis]}.",
                    f"The program was exported for {least} to {most}.",
                )
        return self._module.run(inputs)

    def close(self) -> None:
        del self._module


def _function(program: ExportedProgram) -> torch_module.Flat:
    """The program as a function from its tensors, in the order of the inputs, to its tensors."""
    module = program.module()
    in_spec = program.call_spec.in_spec
    slots: list[Any] = [
        None if isinstance(one.arg, TensorArgument) else (getattr(one.arg, "value", None),)
        for one in program.graph_signature.input_specs
        if one.kind == InputKind.USER_INPUT
    ]

    def run(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        rest = iter(tensors)
        args, kwargs = pytree.tree_unflatten([next(rest) if slot is None else slot[0] for slot in slots], in_spec)
        return pytree.tree_leaves(module(*args, **kwargs))

    return run


def _inputs(program: ExportedProgram, nodes: dict[str, Any]) -> list[Any]:
    specs = []
    for one in program.graph_signature.input_specs:
        if one.kind != InputKind.USER_INPUT or isinstance(one.arg, ConstantArgument):
            continue
        if not isinstance(nodes.get(one.arg.name), torch.Tensor):
            raise InvalidInput(f"The program's input {one.arg.name!r} is no tensor.", "Export it with tensors only.")
        specs.append(_spec(one.arg.name, nodes[one.arg.name]))
    return specs


def _outputs(program: ExportedProgram, nodes: dict[str, Any]) -> list[Any]:
    given = [one.arg for one in program.graph_signature.output_specs if one.kind == OutputKind.USER_OUTPUT]
    if not all(isinstance(arg, TensorArgument) for arg in given):
        raise InvalidInput("The program answers with something that is no tensor.", "Return tensors only.")
    spec = program.call_spec.out_spec
    keyed = spec is not None and spec.type is dict and all(child.is_leaf() for child in spec.children())
    names = [str(key) for key in spec.context] if keyed and spec else torch_module.output_names(len(given))
    return [_spec(name, nodes[arg.name]) for name, arg in zip(names, given, strict=True)]


def _spec(name: str, value: torch.Tensor) -> Any:
    return torch_module.spec(name, value.dtype, [size if isinstance(size, int) else -1 for size in value.shape])


def _bounds(program: ExportedProgram, nodes: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    """Name, axis, least and most size of each dynamic dimension that was exported for a part of the sizes only."""
    found = []
    for spec in _inputs(program, nodes):
        for axis, size in enumerate(nodes[spec.name].shape):
            ranges = None if isinstance(size, int) else program.range_constraints.get(size.node.expr)
            if ranges is None:
                continue
            least = int(ranges.lower) if ranges.lower > 2 else 0  # exporting itself assumes 2, and 1 works
            most = int(ranges.upper) if ranges.upper.is_Integer and ranges.upper < UNBOUNDED else 0
            if least or most:
                found.append((spec.name, axis, least, most or UNBOUNDED))
    return found
