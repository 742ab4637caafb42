"""What a pickle would do, read off its operations without doing any of them.

A pickle is a program for a small machine with a stack and a memo (Python's `pickletools`). It is run here with marks in
place of values: strings stay strings, since names are made of them, an import stays that import, and all else is
unknown. So an import is seen however its name comes to the stack."""

from __future__ import annotations

import pickletools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, NamedTuple

MAX_BYTES = 256 << 20
MAX_OPERATIONS = 4_000_000
MAX_LINE = 1 << 16
CHUNK = 1 << 20
STRINGS = frozenset(
    ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "BINSTRING", "SHORT_BINSTRING")
)
PUTS, GETS = frozenset(("PUT", "BINPUT", "LONG_BINPUT")), frozenset(("GET", "BINGET", "LONG_BINGET"))
INTO = frozenset(("SETITEM", "SETITEMS", "APPEND", "APPENDS", "ADDITEMS", "BUILD"))
EXTENSIONS = frozenset(("EXT1", "EXT2", "EXT4"))


class Import(NamedTuple):
    """`module.name`, which the pickle looks up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class _Mark:
    """Where a group of values on the stack begins."""


Value = Import | str | _Mark | None
MARK = _Mark()


@dataclass
class Program:
    """What one pickle does. `broken` says why it could not be read to its end; `hidden` what it does that cannot be
    told. Of its `imports`, `called` are called as functions and `changed` are written into."""

    imports: set[Import] = field(default_factory=set)
    called: set[Import] = field(default_factory=set)
    changed: set[Import] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    operations: int = 0
    broken: str | None = None
    content: bytes = b""
    """Its bytes, as far as they were read."""


def read(stream: IO[bytes]) -> Program:
    """The program that begins where `stream` is, which is left behind its end. It raises nothing for what is read."""
    source = _Source(stream)
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(source):  # type: ignore[arg-type]
            machine.step(opcode, argument)
            if machine.program.operations > MAX_OPERATIONS:
                raise ValueError(f"it has more than {MAX_OPERATIONS} operations")
    except Exception as error:  # noqa: BLE001  # whatever a broken pickle leads the reader to
        machine.program.broken = str(error) or type(error).__name__
    machine.program.content = source.content()
    return machine.program


class _Source:
    """Reads for `pickletools`, whose lengths may lie, and keeps what was read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._parts, self._size = stream, list[bytes](), 0

    def read(self, count: int) -> bytes:
        parts = []
        while count > 0 and (part := self._stream.read(min(count, CHUNK))):
            parts.append(self._keep(part))
            count -= len(part)
        return b"".join(parts)

    def readline(self) -> bytes:
        return self._keep(self._stream.readline(MAX_LINE))

    def content(self) -> bytes:
        return b"".join(self._parts)

    def _keep(self, part: bytes) -> bytes:
        self._size += len(part)
        if self._size > MAX_BYTES:
            raise ValueError(f"it is longer than {MAX_BYTES >> 20} MB")
        self._parts.append(part)
        return part


class _Machine:
    def __init__(self) -> None:
        self.program = Program()
        self._stack: list[Value] = []
        self._memo: dict[int, Value] = {}

    def step(self, opcode: pickletools.OpcodeInfo, argument: object) -> None:
        self.program.operations += 1
        name = opcode.name
        if name in STRINGS:
            self._stack.append(argument if isinstance(argument, str) else None)
        elif name in PUTS or name == "MEMOIZE":
            self._memo[len(self._memo) if name == "MEMOIZE" else int(str(argument))] = self._top()
        elif name in GETS:
            self._stack.append(self._memo.get(int(str(argument))))
        elif name == "DUP":
            self._stack.append(self._top())
        elif name == "MARK":
            self._stack.append(MARK)
        elif name in ("GLOBAL", "INST"):
            self._find(name, str(argument))
        elif name == "STACK_GLOBAL":
            self._find_by_stack()
        else:
            self._other(opcode)

    def _find(self, operation: str, argument: str) -> None:
        if operation == "INST":
            self._pop_to_mark()
        module, _, name = argument.partition(" ")
        self._import(module, name)
        if operation == "INST":
            self.program.called.add(Import(module, name))

    def _find_by_stack(self) -> None:
        name, module = self._pop(), self._pop()
        if isinstance(name, str) and isinstance(module, str):
            self._import(module, name)
        else:
            self.program.hidden.add("a name that is put together while it is loaded")
            self._stack.append(None)

    def _import(self, module: str, name: str) -> None:
        found = Import(module, name)
        self.program.imports.add(found)
        self._stack.append(found)

    def _other(self, opcode: pickletools.OpcodeInfo) -> None:
        """Take from the stack and give to it as many values as the operation's description says."""
        if opcode.name in EXTENSIONS:
            self.program.hidden.add("an extension code, which stands for any import")
        taken = self._take(opcode.stack_before)
        if opcode.name in ("REDUCE", "OBJ") and taken and isinstance(taken[0], Import):
            self.program.called.add(taken[0])
        if opcode.name in INTO and taken and isinstance(taken[0], Import):
            self.program.changed.add(taken[0])
        keeps = taken[:1] if opcode.name in INTO else [None] * len(opcode.stack_after)
        self._stack.extend(keeps)

    def _take(self, before: Sequence[pickletools.StackObject]) -> list[Value]:
        if pickletools.markobject not in before:
            return [self._pop() for _ in before][::-1]
        group = self._pop_to_mark()
        below = [self._pop() for _ in before[: list(before).index(pickletools.markobject)]][::-1]
        return below + group

    def _pop_to_mark(self) -> list[Value]:
        group: list[Value] = []
        while self._stack and not isinstance(value := self._stack.pop(), _Mark):
            group.append(value)
        return group[::-1]

    def _pop(self) -> Value:
        return self._stack.pop() if self._stack else None

    def _top(self) -> Value:
        return self._stack[-1] if self._stack else None
