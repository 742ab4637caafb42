"""What a pickle would do is told without doing it: names are found however they come to the stack."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections import OrderedDict
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_modeldeploy.sources.safety import pickle_program
from jupyter_modeldeploy.sources.safety.pickle_program import Import, Program


def read(content: bytes) -> Program:
    return pickle_program.read(io.BytesIO(content))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_imports_and_calls_are_told_in_every_protocol(protocol: int) -> None:
    program = read(pickle.dumps([OrderedDict(a=1), PurePosixPath("x")], protocol))
    assert {Import("collections", "OrderedDict"), Import("pathlib", "PurePosixPath")} <= program.imports
    assert Import("pathlib", "PurePosixPath") in program.called
    assert (program.broken, program.hidden) == (None, set())


def test_a_length_that_lies_asks_for_no_memory() -> None:
    program = read(b"\x80\x04\x8e" + (1 << 62).to_bytes(8, "little") + b"abc")
    assert program.broken
    assert len(program.content) == 14


def test_a_program_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_program, "MAX_OPERATIONS", 1000)
    assert "1000 operations" in str(read(b"\x80\x04" + b"N0" * 1000 + b".").broken)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner)
    | st.dictionaries(st.text(), inner)
    | st.tuples(inner, inner)
    | st.frozensets(st.text()),
    max_leaves=20,
)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_data_is_read_to_its_end_and_imports_next_to_nothing(value: object, protocol: int) -> None:
    content = pickle.dumps(value, protocol)
    program = read(content + b"more")
    assert program.broken is None
    assert program.content == content
    assert {one.module for one in program.imports} <= {"builtins", "__builtin__", "_codecs"}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_nothing_is_raised_for_any_bytes(content: bytes) -> None:
    read(content)
    read(pickletools.optimize(pickle.dumps([OrderedDict()])) + content)
