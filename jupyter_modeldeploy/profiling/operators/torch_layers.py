"""To which module a call belongs in models that are no Python: TorchScript, and programs of torch.export."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch.fx import GraphModule

from jupyter_modeldeploy.profiling.operators.events import Event, paired

HIERARCHY = "Module Hierarchy"
"""What torch's profiler calls the modules around a call of TorchScript (`with_modules`)."""
SUBMODULE = re.compile(r"\.([^.()]+)\(")

Step = tuple[str, str]


def in_script(hierarchy: str) -> str:
    """`block.0.query` of `TOP(Net)::forward.block(Sequential)::forward.0(Block)::forward.query(Linear)::forward.`."""
    return ".".join(SUBMODULE.findall(hierarchy))


def steps(program: GraphModule) -> list[Step]:
    """The operators that a program calls, in their order, each with the module that it was exported from."""
    calls: list[Any] = [node for node in program.graph.nodes if isinstance(node.target, torch._ops.OpOverload)]
    return [(str(node.target._schema.name), _module(node)) for node in calls]


def of_steps(calls: Sequence[Event], known: Sequence[Step]) -> dict[int, str]:
    """The modules by the ids of the calls, which a program made in the order of its steps; none where it did not."""
    named = {name for name, _ in known}
    made = [call for call in calls if call.name in named]
    pairs = paired(tuple(call.name for call in made), tuple(name for name, _ in known))
    return {id(made[place]): known[step][1] for place, step in pairs}


def _module(node: Any) -> str:
    stack: dict[str, tuple[str, Any]] = node.meta.get("nn_module_stack") or {}
    return next((path for path, _ in reversed(stack.values())), "")
