"""The supervisor stays small, and decides well how many replicas there are and what a change needs."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_modeldeploy.serving.supervision import differences, documents, listening, rolling, scaling
from jupyter_modeldeploy.serving.supervision.member import Member
from jupyter_modeldeploy.serving.supervision.ports import Ports
from jupyter_modeldeploy.serving.supervision.scaling import Autoscaler, Load

HEAVY = (
    *("pydantic", "sqlalchemy", "psutil", "numpy", "asyncio", "ssl", "uvicorn", "uvloop", "onnxruntime", "torch"),
    *("shutil", "importlib.metadata"),  # of the standard library, with much behind them
)


def spec(replicas: int = 1, **more: Any) -> dict[str, Any]:
    given = {"min_replicas": 1, "max_replicas": 4, "target_rps": None, "target_queue_ms": 50.0}
    given |= {"target_utilization": 0.8, "down_after_s": 60.0, "idle_s": 300.0}
    return {"replicas": replicas, "scaling": {**given, **more}}


def plan(**fields: Any) -> dict[str, Any]:
    versions = [{"number": 1, "weight": 1.0, "folder": "/1"}, {"number": 2, "weight": 0.0, "folder": "/2"}]
    base = {"name": "one", "max_queue": 10, "auth": "token", "instances": 0, "models": [], "replicas": 1}
    return {"spec": {**base, **fields}, "models": [{"name": "m", "versions": versions}]}


def test_the_supervisor_needs_the_standard_library_alone() -> None:
    code = (
        "import sys; import jupyter_modeldeploy.serving.supervision.supervisor\n"
        "print(*{name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names)\n"
        f"print(*set({HEAVY!r}) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    others, heavy = done.stdout.splitlines()
    assert [name for name in others.split() if not name.startswith(("_", "sitecustomize"))] == ["jupyter_modeldeploy"]
    assert heavy == ""


@pytest.mark.parametrize(
    ("load", "wanted"),
    [
        (Load(), 2),  # less to do: not at once
        (Load(utilization=0.8), 2),
        (Load(utilization=0.85), 2),  # within the tolerance
        (Load(utilization=1.0), 3),
        (Load(queue_ms=60.0), 3),
        (Load(queue_ms=1e6), 4),  # a queue doubles them at most
        (Load(rps=500.0), 4),
    ],
)
def test_replicas_grow_at_once_by_the_measure_that_wants_most(load: Load, wanted: int) -> None:
    scaler = Autoscaler(0.0)
    assert scaler.wanted(spec(2, target_rps=100.0), 2, 2, load, 1.0) == wanted


def test_replicas_shrink_one_at_a_time_after_a_while_of_less_to_do() -> None:
    scaler, calm, current = Autoscaler(0.0), Load(rps=1.0, utilization=0.05), 3
    seen = []
    for second in range(1, 181):
        current = scaler.wanted(spec(3), current, current, calm, float(second))
        seen.append(current)
    assert seen.index(2) == 59
    assert seen.index(1) == 119
    assert seen[-1] == 1


def test_a_moment_of_load_begins_the_wait_anew() -> None:
    scaler = Autoscaler(0.0)
    assert scaler.wanted(spec(2), 2, 2, Load(utilization=0.8), 59.0) == 2
    assert scaler.wanted(spec(2), 2, 2, Load(), 61.0) == 2
    assert scaler.wanted(spec(2), 2, 2, Load(), 119.0) == 1


def test_only_an_idle_service_that_may_goes_to_zero() -> None:
    assert Autoscaler(0.0).wanted(spec(min_replicas=0, idle_s=5.0), 1, 1, Load(), 5.0) == 0
    assert Autoscaler(0.0).wanted(spec(min_replicas=0, idle_s=5.0), 1, 1, Load(busy=True), 5.0) == 1
    assert Autoscaler(0.0).wanted(spec(min_replicas=1, idle_s=5.0), 1, 1, Load(), 5.0) == 1


def test_without_scaling_the_spec_decides() -> None:
    fixed = spec(3, max_replicas=None)
    assert scaling.initial(fixed) == 3
    assert Autoscaler(0.0).wanted(fixed, 3, 3, Load(utilization=1.0), 1e6) == 3
    assert scaling.initial(spec(1, min_replicas=2)) == 2
    assert scaling.initial(spec(9)) == 4


@pytest.mark.parametrize(
    ("fields", "needed"),
    [({"max_queue": 5}, False), ({"replicas": 3}, False), ({"auth": "none"}, True), ({"instances": 2}, True)],
)
def test_what_running_replicas_take_over_needs_no_new_ones(fields: dict[str, Any], needed: bool) -> None:
    assert differences.needs_new_processes(plan(), plan(**fields)) is needed


def test_weights_need_no_new_replicas_and_versions_do() -> None:
    weighed, other = plan(), plan()
    weighed["models"][0]["versions"][1]["weight"] = 1.0
    other["models"][0]["versions"][1]["number"] = 3
    assert not differences.needs_new_processes(plan(), weighed)
    assert differences.needs_new_processes(plan(), other)


def test_a_document_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    assert documents.read(tmp_path, documents.PLAN) is None
    documents.write(tmp_path, documents.PLAN, {"revision": 1})
    with pytest.raises(TypeError):
        documents.write(tmp_path, documents.PLAN, {"revision": object()})
    assert documents.read(tmp_path, documents.PLAN) == {"revision": 1}
    assert [path.name for path in tmp_path.iterdir()] == [documents.PLAN]
    assert (tmp_path / documents.PLAN).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("field", "opening"), [("port", listening.listen), ("grpc_port", listening.reserve)])
def test_a_port_that_was_found_is_kept_and_never_shared(
    tmp_path: Path, field: str, opening: Callable[[str, int], socket.socket]
) -> None:
    def bound(folder: Path, port: int = 0) -> tuple[int, Ports]:
        ports = Ports(folder)
        held.append(opened := ports.bind({"host": "127.0.0.1", field: port}, field, opening))
        return opened.getsockname()[1], ports

    held: list[socket.socket] = []
    (other := tmp_path / "other").mkdir()
    first, _ = bound(tmp_path)
    shutil.copy(tmp_path / documents.PORTS, other)
    second, ports = bound(other)  # of another workspace, while the first one runs
    assert (second != first, ports.moved) == (True, {field: first})
    with pytest.raises(OSError, match="in use"):
        bound(other, first)
    for one in held:
        one.close()
    again, ports = bound(other)
    assert (again, ports.moved) == (second, {})
    assert bound(tmp_path)[0] == first
    for nonsense in ("", "[]", '{"port": -1, "grpc_port": "1"}'):
        (other / documents.PORTS).write_text(nonsense)
        assert bound(other)[1].moved == {}
    for one in held:
        one.close()


def replicas(states: str) -> list[Member]:
    """Of `states` by index: r(eady) or s(tarting) of generation 2, R or S of generation 1, d(raining)."""
    members = []
    for index, state in enumerate(states):
        members.append(member := Member(index, 1 if state.isupper() else 2))
        member.ready, member.draining = state in "rRd", state == "d"
    return members


@pytest.mark.parametrize(
    ("states", "wanted", "terminate", "drain", "start", "asleep"),
    [
        ("", 2, "", None, 2, False),
        ("rr", 2, "", None, 0, False),
        ("rrr", 2, "", 2, 0, False),
        ("rsr", 2, "", None, 0, False),  # one too many, of which two are ready: they stay until the third is
        ("RR", 2, "", None, 1, False),  # a roll: one new one first
        ("RRs", 2, "", None, 0, False),
        ("RRr", 2, "", 0, 0, False),
        ("dRr", 2, "", None, 0, False),
        ("Rr", 2, "", None, 1, False),
        ("SSr", 2, "01", None, 1, False),
        ("r", 0, "", 0, 0, False),
        ("s", 0, "", None, 0, False),  # it is drained as soon as it is ready
        ("d", 0, "", None, 0, True),
        ("", 0, "", None, 0, True),
    ],
)
def test_replicas_come_and_go_one_after_the_other(
    states: str, wanted: int, terminate: str, drain: int | None, start: int, asleep: bool
) -> None:
    moves = rolling.moves(replicas(states), 2, wanted)
    assert [member.index for member in moves.terminate] == [int(index) for index in terminate]
    assert (moves.start, moves.asleep) == (start, asleep)
    assert (None if moves.drain is None else moves.drain.index) == drain
