"""Requests run at once while an instance is idle, share a run when none is, and never fail by each other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import tiny_onnx
from onnx import TensorProto

from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, Overloaded, TimedOut
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.serving.access import guard
from jupyter_modeldeploy.serving.endpoint import Endpoint, ModelRoute
from jupyter_modeldeploy.serving.execution.instances import Instances, Work
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http.replies import Reply
from jupyter_modeldeploy.serving.metrics import Metrics, VersionMetrics
from jupyter_modeldeploy.serving.plan import PlannedVersion

BUSY_TURNS = 200.0  # thousands of turns of the slow model's loop: some tenths of a second


def served(folder: Path, task: str = "tensor") -> ServedVersion:
    planned = PlannedVersion(number=1, weight=1, format=Format.onnx, task=task, folder=folder)
    version = ServedVersion("model", planned, VersionMetrics("model", "1"))
    version.warm_up()
    version.configure(max_batch_rows=64)  # whatever the warm-up measured on a busy machine
    return version


def run(scenario: Callable[[Instances], Awaitable[Any]], **limits: Any) -> Any:
    async def main() -> Any:
        options = {"count": 1, "max_queue": 8, "timeout_s": 3600.0, **limits}
        instances = Instances(**options, loop=asyncio.get_running_loop())
        try:
            return await scenario(instances)
        finally:
            instances.close()

    return asyncio.run(main())


def submit(instances: Instances, version: ServedVersion, rows: list[list[float]]) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    payload = {"x": np.array(rows, np.float32)}
    instances.submit(Work(version, "tensors", payload, len(rows), future.set_result))
    return future


def test_a_fast_model_is_answered_at_once(tmp_path: Path) -> None:
    version = served(tiny_onnx.add_one(tmp_path / "adder"))
    body = orjson.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]})
    replies: list[Reply] = []

    async def scenario(instances: Instances) -> None:
        models = [ModelRoute("service", "model", [version], [1.0])]
        endpoint = Endpoint("service", models, guard(None), instances, Metrics(tmp_path, 0), 1024)
        assert endpoint.infer(endpoint.routes[b"/v2/models/model/infer"], "anybody", {}, body, replies.append) is None

    run(scenario)
    assert orjson.loads(replies[0].body)["outputs"][0]["data"] == [2, 3, 4, 5]
    assert sum(run.count for run in version.metrics.runs.values()) == 1


def test_requests_that_wait_share_a_run_and_get_their_own_rows(tmp_path: Path) -> None:
    version = served(tiny_onnx.slow(tmp_path / "slow"))

    async def scenario(instances: Instances) -> list[Any]:
        busy = submit(instances, version, [[BUSY_TURNS, 0]])
        waiting = [submit(instances, version, [[n, n + 1]] * (n + 1)) for n in range(3)]
        assert instances.depth == 3
        await busy
        return list(await asyncio.gather(*waiting))

    outcomes = run(scenario)
    assert [outcome["y"].tolist() for outcome in outcomes] == [[[n, n + 1]] * (n + 1) for n in range(3)]
    assert sum(run.count for run in version.metrics.runs.values()) == 2


def test_only_equal_shapes_share_a_run(tmp_path: Path) -> None:
    version = served(tiny_onnx.slow(tmp_path / "slow"))

    async def scenario(instances: Instances) -> list[Any]:
        busy = submit(instances, version, [[BUSY_TURNS]])
        waiting = [submit(instances, version, rows) for rows in ([[1, 2]], [[1, 2, 3]], [[4, 5]])]
        await busy
        return list(await asyncio.gather(*waiting))

    assert [outcome["y"].shape for outcome in run(scenario)] == [(1, 2), (1, 3), (1, 2)]
    assert sum(run.count for run in version.metrics.runs.values()) == 3


def test_rows_that_touch_each_other_never_share_a_run(tmp_path: Path) -> None:
    version = served(tiny_onnx.over_rows(tmp_path / "over"))
    assert not version.independent
    assert served(tiny_onnx.add_one(tmp_path / "adder")).independent
    big = np.repeat(np.array([[-1.0], [1.0]], np.float32), [200_000, 200_000], axis=0).repeat(2, axis=1)
    assert np.array_equal(version.run_tensors([{"x": big}])[0]["y"], big)


def test_requests_that_broadcast_are_never_joined(tmp_path: Path) -> None:
    folder = tiny_onnx.save(
        tmp_path / "sum",
        [tiny_onnx.helper.make_node("Add", ["a", "b"], ["y"])],
        [tiny_onnx.value(name, TensorProto.FLOAT, ["batch", 1]) for name in "ab"],
        [tiny_onnx.value("y", TensorProto.FLOAT, ["batch", 1])],
        {},
    )
    version = served(folder)
    wide, tall = np.array([[1], [2]], np.float32), np.array([[10]], np.float32)
    assert version.independent
    assert version.key("tensors", {"a": wide, "b": wide}) is not None
    assert version.key("tensors", {"a": wide, "b": tall}) is None
    version.configure(1)
    assert version.run_tensors([{"a": wide, "b": tall}])[0]["y"].tolist() == [[11], [12]]


def test_a_large_request_is_run_in_chunks_with_the_same_answer(tmp_path: Path) -> None:
    version = served(tiny_onnx.add_one(tmp_path / "adder"))
    big = {"x": np.arange(4 * (version.chunk_rows * 2 + 3), dtype=np.float32).reshape(-1, 4)}
    assert np.array_equal(version.run_tensors([big])[0]["y"], big["x"] + 1)


def test_a_request_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    version = served(tiny_onnx.encoder(tmp_path / "encoder"), "feature-extraction")

    def ids(token: int) -> dict[str, np.ndarray]:
        return {"input_ids": np.array([[token]], np.int64), "attention_mask": np.ones((1, 1), np.int64)}

    async def scenario(instances: Instances) -> list[Any]:
        futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
        for future, token in zip(futures, (1, 99, 2), strict=True):
            instances.submit(Work(version, "tensors", ids(token), 1, future.set_result))
        return list(await asyncio.gather(*futures))

    first, second, third = run(scenario)
    assert isinstance(second, InvalidInput)
    assert first["last_hidden_state"].shape == third["last_hidden_state"].shape == (1, 1, tiny_onnx.HIDDEN)


def test_a_full_queue_refuses(tmp_path: Path) -> None:
    version = served(tiny_onnx.slow(tmp_path / "slow"))

    async def scenario(instances: Instances) -> None:
        kept = [submit(instances, version, [[BUSY_TURNS]]) for _ in range(3)]
        with pytest.raises(Overloaded, match="2 requests are waiting"):
            submit(instances, version, [[1.0]])
        await asyncio.gather(*kept)

    run(scenario, max_queue=2)


def test_waiting_and_running_too_long_are_told_apart(tmp_path: Path) -> None:
    version = served(tiny_onnx.slow(tmp_path / "slow"))

    async def scenario(instances: Instances) -> list[ModelDeployError]:
        return list(await asyncio.gather(*(submit(instances, version, [[BUSY_TURNS * 3]]) for _ in range(2))))

    running, waiting = run(scenario, timeout_s=0.05)
    assert (type(running), running.status) == (TimedOut, 504)
    assert (type(waiting), waiting.status) == (Overloaded, 503)


def test_the_urgent_are_run_first_and_take_the_place_of_the_others(tmp_path: Path) -> None:
    version = served(tiny_onnx.over_rows(tmp_path / "one_by_one"))

    async def scenario(instances: Instances) -> tuple[list[str], dict[str, Any]]:
        order: list[str] = []
        outcomes: dict[str, Any] = {}
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        expected = 5

        def ask(name: str, priority: int, turns: float = 1.0) -> None:
            def finish(outcome: Any) -> None:
                order.append(name)
                outcomes[name] = outcome
                if len(order) == expected:
                    done.set_result(None)

            payload = {"x": np.full((1, 2), turns, np.float32)}
            instances.submit(Work(version, "tensors", payload, 1, finish, priority=priority))

        for name, priority in (("running", 5), ("low", 9), ("middle", 5), ("lowest", 9)):
            ask(name, priority)
        ask("high", 1)
        with pytest.raises(Overloaded):
            ask("too late", 9)
        await done
        return order, outcomes

    order, outcomes = run(scenario, max_queue=3)
    assert order == ["lowest", "running", "high", "middle", "low"]
    assert isinstance(outcomes["lowest"], Overloaded)


async def timed(answer: Awaitable[Any]) -> float:
    """How many seconds it takes to come."""
    begun = time.perf_counter()
    await answer
    return time.perf_counter() - begun


def test_a_deadline_that_cannot_be_kept_is_refused_at_once(tmp_path: Path) -> None:
    version = served(tiny_onnx.slow(tmp_path / "slow"))

    async def scenario(instances: Instances) -> None:
        await submit(instances, version, [[BUSY_TURNS]])
        run_s = min([await timed(submit(instances, version, [[BUSY_TURNS]])) for _ in range(3)])  # without a pause
        running = submit(instances, version, [[BUSY_TURNS]])
        work = Work(version, "tensors", {"x": np.ones((1, 1), np.float32)}, 1, pytest.fail, timeout_s=run_s / 10)
        with pytest.raises(Overloaded, match="It would be answered in") as refused:
            instances.submit(work)
        assert 0 < refused.value.retry_after_s < 10 * run_s
        await running

    run(scenario)


def test_a_request_that_has_too_little_time_is_refused_at_once(tmp_path: Path) -> None:
    version = served(tiny_onnx.slow(tmp_path / "slow"))
    version.typical_ms = 50.0  # as its warm-up might have told

    async def scenario(instances: Instances) -> None:
        busy = submit(instances, version, [[BUSY_TURNS]])
        with pytest.raises(Overloaded):
            instances.submit(
                Work(version, "tensors", {"x": np.ones((1, 1), np.float32)}, 1, pytest.fail, timeout_s=0.04)
            )
        await busy

    run(scenario)


def test_no_request_is_run_that_would_be_late(tmp_path: Path) -> None:
    version = served(tiny_onnx.slow(tmp_path / "slow"))
    version.typical_ms = 0.0  # nothing is known of it: else it would be refused at once

    async def scenario(instances: Instances) -> list[Any]:
        futures = [submit(instances, version, [[BUSY_TURNS]])]
        outcomes: list[Any] = []
        work = Work(version, "tensors", {"x": np.ones((1, 1), np.float32)}, 1, outcomes.append, timeout_s=0.001)
        instances.submit(work)
        await asyncio.gather(*futures)
        assert version.metrics.runs[1].count == 1
        return outcomes

    [outcome] = run(scenario)
    assert (type(outcome), outcome.status) == (Overloaded, 503)


def test_work_that_nobody_wants_is_not_started(tmp_path: Path) -> None:
    version = served(tiny_onnx.slow(tmp_path / "slow"))

    async def scenario(instances: Instances) -> None:
        busy = submit(instances, version, [[BUSY_TURNS]])
        work = Work(version, "tensors", {"x": np.ones((1, 3), np.float32)}, 1, pytest.fail)
        instances.submit(work)
        instances.cancel(work)
        assert instances.depth == 0
        await busy

    run(scenario)


def test_a_model_whose_values_make_it_slow_leaves_the_event_loop(tmp_path: Path) -> None:
    version = served(tiny_onnx.add_one(tmp_path / "adder"))
    version.ran_inline_slowly()
    assert version.inline("tensors", 1)
    for _ in range(2):
        version.ran_inline_slowly()
    assert not version.inline("tensors", 1)


def test_a_model_that_takes_no_made_up_input_is_served_all_the_same(tmp_path: Path) -> None:
    folder = tiny_onnx.save(
        tmp_path / "picky",
        [tiny_onnx.helper.make_node("Reshape", ["x", "shape"], ["y"])],
        [tiny_onnx.value("x", TensorProto.FLOAT, ["n"])],
        [tiny_onnx.value("y", TensorProto.FLOAT, [2, 3])],
        {"shape": np.array([2, 3])},
    )
    version = served(folder)
    assert not version.independent
    assert version.run_tensors([{"x": np.arange(6, dtype=np.float32)}])[0]["y"].shape == (2, 3)
