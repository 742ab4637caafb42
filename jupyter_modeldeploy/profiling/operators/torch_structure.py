"""What a run of a torch model consists of: each call's module, shapes and memory, in the order of the calls.

To record this takes many times as long as the run, so that its times say nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import torch
from torch.fx import GraphModule
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils._python_dispatch import TorchDispatchMode

from jupyter_modeldeploy.profiling.operators import torch_layers, work
from jupyter_modeldeploy.profiling.operators.events import Event, nest
from jupyter_modeldeploy.profiling.operators.torch_layers import Step

MODULE, PROGRAM = "modeldeploy module ", "modeldeploy program "
MEMORY = "[memory]"
OPERATOR, ANNOTATION, INSTANT = "cpu_op", "user_annotation", "cpu_instant_event"

Outputs = list[work.Tensor]


def structure(run: Callable[[], object]) -> list[Event]:
    """The calls of one run, outer ones before those within, each with its layer, shapes and memory."""
    outputs = _outputs(run)
    with tempfile.TemporaryDirectory(prefix="modeldeploy-profile-") as scratch:
        path = Path(scratch) / "trace.json"
        recorder = profile(
            activities=[ProfilerActivity.CPU], record_shapes=True, profile_memory=True, with_modules=True
        )
        with recorder as profiler, _modules_recorded() as steps, record_function(MODULE):
            run()
        profiler.export_chrome_trace(str(path))
        told = orjson.loads(path.read_bytes())["traceEvents"]
    return _described(told, outputs, steps)


class _Outputs(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the tensors that each outermost call gives."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[tuple[str, Outputs]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = result if isinstance(result, (tuple, list)) else [result]
        tensors = [
            work.Tensor(str(each.dtype).removeprefix("torch."), tuple(each.shape))
            for each in given
            if isinstance(each, torch.Tensor)
        ]
        self.found.append((str(func._schema.name), tensors))
        return result


def _outputs(run: Callable[[], object]) -> list[tuple[str, Outputs]]:
    noted = _Outputs()
    with noted:
        run()
    return noted.found


@contextmanager
def _modules_recorded() -> Iterator[list[Step]]:
    """Each module's forward as an annotation with its path within the outermost module; what programs of torch.export
    call, as they are entered."""
    names: dict[int, str] = {}
    entered: list[record_function] = []
    steps: list[Step] = []

    def before(module: torch.nn.Module, args: Any) -> None:
        if not entered:
            names.update((id(each), name) for name, each in module.named_modules())
        kind = MODULE
        if isinstance(module, GraphModule):
            kind = PROGRAM
            steps.extend(torch_layers.steps(module))
        scope = record_function(kind + names.get(id(module), ""))
        scope.__enter__()  # type: ignore[no-untyped-call]
        entered.append(scope)

    def after(module: torch.nn.Module, args: Any, result: Any) -> None:
        entered.pop().__exit__(None, None, None)

    with ExitStack() as hooks:
        for handle in (
            register_module_forward_pre_hook(before),
            register_module_forward_hook(after, always_call=True),
        ):
            hooks.callback(handle.remove)
        yield steps


def _described(told: list[dict[str, Any]], outputs: list[tuple[str, Outputs]], steps: list[Step]) -> list[Event]:
    raw = [each for each in told if each.get("cat") in (OPERATOR, ANNOTATION) and each.get("ph") == "X"]
    main = next(each["tid"] for each in raw if each["name"] == MODULE)
    pairs = [(_event(each), each.get("args", {})) for each in raw if each["tid"] == main]
    args = {id(event): given for event, given in pairs}
    ordered = nest([event for event, _ in pairs])
    parents = _parents(ordered)
    _add_layers(ordered, parents, _layers(ordered, parents, args, steps))
    _add_memory(ordered, [each for each in told if each["name"] == MEMORY and each.get("tid") == main])
    calls = [event for event in ordered if event.type != ANNOTATION]
    _add_work(calls, parents, args, outputs)
    return calls


def _event(told: dict[str, Any]) -> Event:
    kind = ANNOTATION if told["cat"] == ANNOTATION else told["name"]
    return Event(name=told["name"], type=kind, start=float(told["ts"]), duration=float(told["dur"]))


def _parents(ordered: list[Event]) -> dict[int, Event | None]:
    """By the id of an event, the one that it lies directly within."""
    around: list[Event] = []
    found: dict[int, Event | None] = {}
    for event in ordered:
        del around[event.depth :]
        found[id(event)] = around[-1] if around else None
        around.append(event)
    return found


def _layers(
    ordered: list[Event], parents: dict[int, Event | None], args: dict[int, dict[str, Any]], steps: list[Step]
) -> dict[int, str]:
    """The modules of calls by their ids, as far as no annotation around them tells it."""
    told = {id(event): torch_layers.in_script(args[id(event)].get(torch_layers.HIERARCHY) or "") for event in ordered}
    within = [event for event in ordered if (parent := parents[id(event)]) and parent.name.startswith(PROGRAM)]
    return {place: layer for place, layer in told.items() if layer} | torch_layers.of_steps(within, steps)


def _add_layers(ordered: list[Event], parents: dict[int, Event | None], known: dict[int, str]) -> None:
    for event in ordered:
        parent = parents[id(event)]
        if id(event) in known:
            event.layer = known[id(event)]
        elif event.type == ANNOTATION and event.name.startswith((MODULE, PROGRAM)):
            name = event.name.removeprefix(MODULE).removeprefix(PROGRAM)
            event.layer = name or (parent.layer if parent else "")
        elif parent is not None:
            event.layer = parent.layer


def _add_memory(ordered: list[Event], allocations: list[dict[str, Any]]) -> None:
    """What was allocated goes to the innermost call of that moment."""
    for told in allocations:
        taken = int(told.get("args", {}).get("Bytes", 0))
        moment = float(told["ts"])
        holders = [each for each in ordered if each.start <= moment <= each.start + each.duration]
        if taken > 0 and holders:
            holder = max(holders, key=lambda each: each.depth)
            holder.memory_bytes = (holder.memory_bytes or 0) + taken


def _add_work(
    calls: list[Event],
    parents: dict[int, Event | None],
    args: dict[int, dict[str, Any]],
    outputs: list[tuple[str, Outputs]],
) -> None:
    """A call within a known one gives what that one gives; operations are counted at the innermost that has them."""
    known: dict[int, Outputs] = {}
    waiting = iter([*outputs, ("", [])])
    name, given = next(waiting)
    for event in calls:
        parent = parents[id(event)]
        if event.name == name:
            known[id(event)] = given
            name, given = next(waiting)
        elif parent is not None and id(parent) in known:
            known[id(event)] = known[id(parent)]
    complete = not name
    counted: set[int] = set()
    for event in reversed(calls):
        inputs = _inputs(args[id(event)])
        made = known.get(id(event), []) if complete else []
        event.dtype, event.shapes = work.dtype_of(inputs), work.shown(inputs, made)
        event.operations = None if id(event) in counted else work.operations(event.type, inputs, made)
        if event.operations is not None or not event.children:
            event.bytes = work.moved(inputs, made) if not _is_view(event) else None
        if event.operations is not None or id(event) in counted:
            parent = parents[id(event)]
            if parent is not None:
                counted.add(id(parent))


def _inputs(args: dict[str, Any]) -> list[work.Tensor]:
    shapes, kinds = args.get("Input Dims", []), args.get("Input type", [])
    return [
        work.Tensor(kind, tuple(shape))
        for shape, kind in zip(shapes, kinds, strict=False)
        if kind in work.SIZES and all(isinstance(side, int) for side in shape)
    ]


def _is_view(event: Event) -> bool:
    """Whether the call makes no data of its own."""
    return event.memory_bytes is None and event.operations is None
