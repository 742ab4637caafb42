"""A Python function is a model: what it takes is read from its source, and it is called with nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_modeldeploy import functions, runtimes, tasks
from jupyter_modeldeploy.errors import Conflict, InvalidInput, ModelDeployError, Unavailable, UnsafeContent
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace import Workspace

SOURCE = """
import math
from dataclasses import dataclass
from jupyter_modeldeploy.errors import InvalidInput

@dataclass
class Point:
    x: float

def _inner(x):
    return math.sqrt(x)

def root_of(x: float, digits: int = 2, *, more: list = ()):
    if x < 0:
        raise InvalidInput("x is negative")
    if x == 98:
        raise ValueError("lost")
    if x == 99:
        raise KeyError("lost")
    return {"root": round(_inner(Point(x).x), digits), "more": [*more]}
"""


def asked(tmp_path: Path, source: str, body: Any) -> list[Any]:
    """The answers to a request, by the way that a server process goes."""
    functions.read(source).write(tmp_path, source)
    runtime = runtimes.load(Format.python, tmp_path)
    task = tasks.load("function", tmp_path, runtime.signature)
    answers = task.decode(runtime.run(task.encode(task.parse(body))))
    runtime.close()
    return answers


def test_parameters_are_read_without_running_the_source() -> None:
    function = functions.read(SOURCE + "raise SystemExit")
    assert str(function) == "root_of(x: float, digits: int = …, more = …)"
    assert [(one.name, one.dtype, one.optional) for one in function.signature.inputs] == [
        ("x", "FP64", False),
        ("digits", "BYTES", True),
        ("more", "BYTES", True),
    ]


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        ({"x": 2.0}, [{"root": 1.41, "more": []}]),
        ({"x": 4, "digits": 0, "more": [None]}, [{"root": 2.0, "more": [None]}]),
        ([{"x": 4}, {"x": 9}], [{"root": 2.0, "more": []}, {"root": 3.0, "more": []}]),
        (16, [{"root": 4.0, "more": []}]),
    ],
)
def test_json_in_and_json_out(tmp_path: Path, body: Any, answers: list[Any]) -> None:
    assert asked(tmp_path, SOURCE, body) == answers


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"y": 1}, "no parameter 'y'"),
        ({}, "needs 'x'"),
        ({"x": "2"}, "'x' must be float; the request has '2'"),
        ({"x": True}, "must be float"),
        ({"x": 2, "digits": 1.5}, "'digits' must be int"),
        ({"x": -1}, "x is negative"),
        ([], "was expected"),
        ([1, 2], "was expected"),
    ],
)
def test_a_wrong_call_is_refused_with_the_reason(tmp_path: Path, body: Any, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        asked(tmp_path, SOURCE, body)


@pytest.mark.parametrize(("x", "told"), [(98, "ValueError: lost"), (99, "KeyError: 'lost'")])
def test_what_a_function_raises_else_is_its_own_failure(tmp_path: Path, x: int, told: str) -> None:
    with pytest.raises(ModelDeployError, match=f"root_of failed: {told}") as raised:
        asked(tmp_path, SOURCE, {"x": x})
    assert raised.value.status == 500


@pytest.mark.parametrize(
    ("source", "body", "answers"),
    [
        ("def f(t: str) -> str: return t[::-1]", {"texts": ["ab", "é"]}, ["ba", "é"]),
        ("def f(t: str) -> str: return t", "--", ["--"]),
        ("def f(text: str): return [text]", {"text": "a"}, [["a"]]),
        ("def f(n: int) -> bool: return n > 1", [{"n": 1}, {"n": 2}], [False, True]),
        ("def f(n: int) -> float: return n", {"n": 3}, [3.0]),
        ("import numpy\ndef f(v): return numpy.array(v) * 2", {"v": [1, 2]}, [[2, 4]]),
        ("def f(v): return v", {"v": ""}, [""]),
    ],
)
def test_plain_values_and_texts(tmp_path: Path, source: str, body: Any, answers: list[Any]) -> None:
    assert asked(tmp_path, source, body) == answers


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(x): return object()", "returned what is no JSON"),
        ("def f(x) -> int: return 'a'", "says that it returns int, and returned 'a'"),
        ("def f(x) -> int: return 2**63", "beyond 64 bits"),
    ],
)
def test_an_answer_of_another_kind_is_told(tmp_path: Path, source: str, told: str) -> None:
    with pytest.raises(ModelDeployError, match=told):
        asked(tmp_path, source, 1)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("x = 1", "defines no function"),
        ("def f(x): return y", "needs y, which"),
        ("def f(x): return g(x)\nif True:\n    h = model", "needs g, model"),
        ("def f(*x): return x", r"takes \*"),
        ("def f(): return 1", "takes no parameters"),
        ("async def f(x): return x", "is asynchronous"),
        ("%time\ndef f(x): return x", "Line 1"),
    ],
)
def test_a_source_that_cannot_be_served_is_refused(source: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        functions.read(source)


def test_tensors_are_a_value_a_row_and_what_is_optional_may_be_missing(tmp_path: Path) -> None:
    functions.read(SOURCE).write(tmp_path, SOURCE)
    runtime = runtimes.load(Format.python, tmp_path)
    answers = runtime.run({"x": np.array([4.0, 9.0])})["output"]
    assert [bytes(one) for one in answers] == [b'{"root":2.0,"more":[]}', b'{"root":3.0,"more":[]}']
    with pytest.raises(InvalidInput, match="'digits' is no JSON"):
        runtime.run({"x": np.array([4.0]), "digits": np.array([b"{"], object)})


def test_a_source_that_does_not_run_here_says_why(tmp_path: Path) -> None:
    source = "import no_such_module\ndef f(x): return x"
    functions.read(source).write(tmp_path, source)
    with pytest.raises(Unavailable, match="No module named 'no_such_module'"):
        runtimes.load(Format.python, tmp_path)


def test_a_definition_is_a_version_with_its_source(store: Store) -> None:
    workspace = Workspace()
    version = workspace.models.define("roots", SOURCE)
    assert (version.format, version.task, version.lineage.step) == ("python", "function", "defined")
    assert (workspace.models.path("roots") / "function.py").read_text("utf-8") == SOURCE
    assert workspace.models.define("roots", SOURCE) == version
    assert workspace.models.define("roots", "def f(x): return x").ref == "roots@2"
    workspace.close()


def test_its_loader_gives_the_function(store: Store) -> None:
    workspace = Workspace()
    workspace.models.define("roots", SOURCE)
    loader = workspace.models.loader("roots") + "print(function(16))"
    workspace.close()
    ran = subprocess.run([sys.executable, "-c", loader], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == [
        "root_of (x: float, digits: int = 2, *, more: list = ())",
        "{'root': 4.0, 'more': []}",
    ]


def test_a_function_from_elsewhere_is_kept_apart_and_is_never_one_to_serve(tmp_path: Path) -> None:
    functions.read(SOURCE).write(tmp_path, SOURCE)
    workspace = Workspace()
    workspace.models.fetch(f"file:{tmp_path}", "roots").wait()
    version = workspace.models.version("roots")
    assert version.verdict is not None
    assert version.verdict.quarantined
    assert version.format is Format.unknown
    with pytest.raises(UnsafeContent, match="asks to be served"):
        workspace.models.path("roots")
    workspace.models.trust("roots", "to see")
    with pytest.raises(Unavailable, match="there is no 'unknown' among the runtimes"):
        workspace.services.start(workspace.services.spec("roots", ["roots"]))
    with pytest.raises(Conflict, match="no function"):
        workspace.models.define("roots", SOURCE)
    workspace.close()
