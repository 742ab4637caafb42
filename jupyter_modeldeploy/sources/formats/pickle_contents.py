"""What a pickle would build, told from its opcodes: nothing is imported, called or unpickled.

Follows the stack machine of the format (https://docs.python.org/3/library/pickletools.html) with stand-ins for
whatever would be an import or a call."""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

MAX_OPCODES = 4_000_000  # some seconds; a checkpoint of 10,000 tensors has a tenth of it


@dataclass(frozen=True, eq=False)
class Global:
    """A name that would be imported."""

    module: str
    name: str


@dataclass(eq=False)
class Made:
    """What a call of `by` with `arguments` would give; `state` and `items` are what it would be filled with."""

    by: object
    arguments: object = ()
    state: object = None
    items: list[object] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Persistent:
    """Something kept beside the pickle, as the data of a tensor."""

    id: object


@dataclass
class Program:
    """What one pickle would build: `value` is None where the opcodes end too early or make no sense, `globals` are
    those up to there, in their order."""

    value: object = None
    globals: list[Global] = field(default_factory=list)


def read(stream: io.BytesIO) -> Program:
    """Follow one pickle from the stream's position to behind its end. Never raises for what the pickle says."""
    program = Program()
    machine = _Machine(program)
    try:
        for steps, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if steps > MAX_OPCODES:
                return program
            if opcode.name == "STOP":
                program.value = machine.stack.pop()
            else:
                machine.step(opcode.name, argument)
    except (ValueError, IndexError, KeyError, TypeError, OverflowError):
        return program  # not a pickle, or a damaged one: what was seen up to here is what can be told
    return program


def parts(value: object) -> Iterator[object]:
    """`value` and everything in it, each once."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        match one:
            case dict():
                waiting.extend(one.values())
            case list() | tuple():
                waiting.extend(one)
            case Made():
                waiting.extend((one.by, one.arguments, one.state, *one.items))


class _Machine:
    def __init__(self, program: Program) -> None:
        self.stack: list[Any] = []
        self._below: list[list[Any]] = []  # what lay on the stack at each mark
        self._memo: dict[int, Any] = {}
        self._globals = program.globals
        self._fixed: dict[str, Callable[[], object]] = {
            "NONE": lambda: None,
            "NEWTRUE": lambda: True,
            "NEWFALSE": lambda: False,
            "EMPTY_LIST": list,
            "EMPTY_DICT": dict,
            "EMPTY_TUPLE": tuple,
            "EMPTY_SET": lambda: Made(Global("builtins", "set")),
            "NEXT_BUFFER": lambda: Made(None),
        }

    def step(self, name: str, argument: Any) -> None:
        if name in self._fixed:
            self.stack.append(self._fixed[name]())
        elif (act := getattr(self, f"_{name.lower()}", None)) is not None:
            act(argument)
        elif name in ("PROTO", "FRAME", "READONLY_BUFFER"):
            return
        elif argument is not None:
            self.stack.append(argument)  # numbers, text, bytes
        else:
            raise ValueError(name)

    def _mark(self, _: Any) -> None:
        self._below.append(self.stack)
        self.stack = []

    def _to_mark(self) -> list[Any]:
        taken, self.stack = self.stack, self._below.pop()
        return taken

    def _tuple(self, _: Any) -> None:
        content = tuple(self._to_mark())
        self.stack.append(content)

    def _last(self, count: int) -> None:
        taken = tuple(self.stack[-count:])
        if len(taken) < count:
            raise IndexError
        self.stack[-count:] = [taken]

    def _tuple1(self, _: Any) -> None:
        self._last(1)

    def _tuple2(self, _: Any) -> None:
        self._last(2)

    def _tuple3(self, _: Any) -> None:
        self._last(3)

    def _list(self, _: Any) -> None:
        content = self._to_mark()
        self.stack.append(content)

    def _dict(self, _: Any) -> None:
        content = self._to_mark()
        self.stack.append({})
        self._fill(content)

    def _frozenset(self, _: Any) -> None:
        content = tuple(self._to_mark())
        self.stack.append(Made(Global("builtins", "frozenset"), content))

    def _append(self, _: Any) -> None:
        self._extend([self.stack.pop()])

    def _appends(self, _: Any) -> None:
        self._extend(self._to_mark())

    _additems = _appends

    def _extend(self, values: list[Any]) -> None:
        into = self.stack[-1]
        if isinstance(into, list):
            into.extend(values)
        elif isinstance(into, Made):
            into.items.extend(values)

    def _setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._fill([key, value])

    def _setitems(self, _: Any) -> None:
        self._fill(self._to_mark())

    def _fill(self, content: list[Any]) -> None:
        """Keys that are neither text nor numbers are not asked for, and hashing nested ones could take for ever."""
        pairs = {
            key if isinstance(key, (str, int)) else object(): value
            for key, value in zip(content[::2], content[1::2], strict=True)
        }
        into = self.stack[-1]
        if isinstance(into, dict):
            into.update(pairs)
        elif isinstance(into, Made):
            into.items.append(pairs)

    def _pop(self, _: Any) -> None:
        self.stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._to_mark()

    def _dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def _put(self, number: Any) -> None:
        self._memo[int(number)] = self.stack[-1]

    _binput = _long_binput = _put

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self.stack[-1]

    def _get(self, number: Any) -> None:
        self.stack.append(self._memo[int(number)])

    _binget = _long_binget = _get

    def _global(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        self._named(module, name)

    def _stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._named(str(module) if isinstance(module, str) else "", str(name) if isinstance(name, str) else "")

    def _named(self, module: str, name: str) -> None:
        self._globals.append(Global(module, name))
        self.stack.append(self._globals[-1])

    def _reduce(self, _: Any) -> None:
        arguments, by = self.stack.pop(), self.stack.pop()
        self.stack.append(Made(by, arguments))

    _newobj = _reduce

    def _newobj_ex(self, _: Any) -> None:
        named, arguments, by = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(Made(by, (arguments, named)))

    def _inst(self, argument: Any) -> None:
        arguments = tuple(self._to_mark())
        self._global(argument)
        self.stack.append(Made(self.stack.pop(), arguments))

    def _obj(self, _: Any) -> None:
        by, *arguments = self._to_mark()
        self.stack.append(Made(by, tuple(arguments)))

    def _ext1(self, _: Any) -> None:
        self.stack.append(Made(None))

    _ext2 = _ext4 = _ext1

    def _build(self, _: Any) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def _persid(self, argument: Any) -> None:
        self.stack.append(Persistent(argument))

    def _binpersid(self, _: Any) -> None:
        self.stack.append(Persistent(self.stack.pop()))
