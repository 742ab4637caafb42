"""What becomes of a request by the service's spec: limits, caches, failing versions, deadlines, records."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import tiny_onnx
from redis_process import running

from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound
from jupyter_modeldeploy.records import Format, ServiceSpec
from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.serving.access import guard
from jupyter_modeldeploy.serving.control.breaker import State
from jupyter_modeldeploy.serving.control.journal import REQUEST_LOG, REVIEW_LOG, SHADOW_LOG
from jupyter_modeldeploy.serving.control.shadows import compare
from jupyter_modeldeploy.serving.endpoint import Endpoint, ModelRoute
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http.replies import Reply
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.plan import PlannedVersion
from jupyter_modeldeploy.serving.protocols.infer import Infer
from jupyter_modeldeploy.serving.shadow_figures import shadow_figures

BUSY_TURNS = 200.0  # thousands of turns of the slow model's loop: some tenths of a second
ROUTE = b"/v2/models/model/infer"


class Fragile:
    """A runtime that breaks where it is told to, as a plugin's may."""

    def __init__(self, runtime: Runtime) -> None:
        self.signature = runtime.signature
        self.broken = False
        self.runs = 0
        self._runtime = runtime

    def run(self, inputs: Tensors) -> Tensors:
        self.runs += 1
        if self.broken:
            raise RuntimeError("broken")
        return self._runtime.run(inputs)

    def close(self) -> None:
        self._runtime.close()


class Service:
    """An endpoint of `model`, whose versions 1 and 2 add 1 and 2, and of `slow`, with one instance."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.metrics = Metrics(folder, 0)
        self.instances = Instances(1, 8, 3600.0, asyncio.get_running_loop())
        versions = [self._version("model", n, tiny_onnx.add_one(folder / f"adder{n}", n)) for n in (1, 2)]
        self.fragile = Fragile(versions[0]._runtime)
        versions[0].use(self.fragile, 1)
        slow = self._version("slow", 1, tiny_onnx.slow(folder / "slow"))
        models = [ModelRoute("s", "model", versions, [1, 0]), ModelRoute("s", "slow", [slow], [1])]
        self.endpoint = Endpoint("s", models, guard(None), self.instances, self.metrics, 2**20, folder)
        self.version = versions[0]
        self.configure()

    def configure(self, fallback: int | None = None, routing: dict[str, Any] | None = None, **fields: Any) -> None:
        models = [
            {"model": "model", "arms": [{"version": 1}], "fallback": fallback, **(routing or {})},
            {"model": "slow", "arms": [{"version": 1}]},
        ]
        self.endpoint.configure(ServiceSpec.model_validate({"name": "s", "models": models, **fields}))

    async def ask(
        self,
        value: float = 1.0,
        route: bytes = ROUTE,
        caller: str = "alice",
        headers: dict[bytes, bytes] | None = None,
        **parameters: Any,
    ) -> Reply:
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        content = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [value] * 4}]}
        body = orjson.dumps({**content, **({"parameters": parameters} if parameters else {})})
        self.endpoint.infer(self.endpoint.routes[route], caller, headers or {}, body, reply.set_result)
        return await reply

    def lines(self, name: str) -> list[dict[str, Any]]:
        self.endpoint.policy._flush_at = 0.0
        self.endpoint.tick()
        path = self.folder / name
        return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def count(self, name: str) -> float:
        """The sum of a counter over its labels."""
        lines = self.metrics.render().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"modeldeploy_{name}{{"))

    def _version(self, model: str, number: int, folder: Path) -> ServedVersion:
        planned = PlannedVersion(number=number, weight=1, format=Format.onnx, task="tensor", folder=folder)
        version = ServedVersion(model, planned, self.metrics.version(model, str(number)))
        version.warm_up()
        return version


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[[Service], Awaitable[Any]]], Any]:
    async def main(scenario: Callable[[Service], Awaitable[Any]]) -> Any:
        service = Service(tmp_path)
        try:
            async with asyncio.timeout(120):
                return await scenario(service)
        finally:
            service.instances.close()
            service.endpoint.close()
            await asyncio.sleep(0)

    return lambda scenario: asyncio.run(main(scenario))


def first(reply: Reply) -> float:
    value: float = orjson.loads(reply.body)["outputs"][0]["data"][0]
    return value


def header(reply: Reply, name: bytes) -> bytes | None:
    return dict((*reply.headers, *reply.extra_headers)).get(name)


def test_a_caller_that_asks_too_often_is_told_when_to_come_back(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(rate_limit={"rate": 0.25, "burst": 2})
        assert [(await service.ask()).status for _ in range(3)] == [200, 200, 429]
        refused = await service.ask()
        assert header(refused, b"retry-after") in (b"4", b"3")
        assert "may ask 0.25 times a second" in orjson.loads(refused.body)["error"]
        assert (await service.ask(caller="bob")).status == 200
        service.configure()
        assert (await service.ask()).status == 200
        assert service.count("rate_limited_total") == 0  # it has no labels
        assert b"modeldeploy_rate_limited_total 2" in service.metrics.render()

    run(scenario)


def test_an_answer_is_cached_by_version_and_input_whatever_the_encoding(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(cache={"cache_bytes": 10_000_000})
        asked = [await service.ask(value) for value in (1.0, 1.0, 2.0)]
        asked.append(await service.ask(1.0, binary_data_output=True))
        asked.append(await service.ask(1.0, b"/v2/models/model/versions/2/infer"))
        assert [header(reply, b"x-cache") for reply in asked] == [b"miss", b"hit", b"miss", b"hit", b"miss"]
        assert [first(reply) for reply in asked[:3]] == [2, 2, 3]
        assert asked[3].body.endswith(np.full(4, 2, np.float32).tobytes())
        assert first(asked[4]) == 3
        assert service.fragile.runs - 2 == 0
        assert (service.count("cache_hits_total"), service.count("cache_misses_total")) == (2, 3)
        service.configure()
        assert header(await service.ask(1.0), b"x-cache") is None

    def warm_up_aside(service: Service) -> Awaitable[None]:
        service.fragile.runs = 0
        return scenario(service)

    run(warm_up_aside)


def test_those_who_ask_the_same_at_once_share_a_run(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(cache={"cache_bytes": 10_000_000})
        replies = await asyncio.gather(*(service.ask(BUSY_TURNS, b"/v2/models/slow/infer") for _ in range(5)))
        assert [reply.status for reply in replies] == [200] * 5
        assert [header(reply, b"x-cache") for reply in replies] == [b"miss"] + [b"collapsed"] * 4
        assert service.metrics.totals("slow", "1").executions == 1

    run(scenario)


def test_where_the_first_of_them_is_gone_the_next_one_runs(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(cache={"cache_bytes": 10_000_000})
        busy = asyncio.create_task(service.ask(BUSY_TURNS, b"/v2/models/slow/infer"))
        await asyncio.sleep(0)
        target, loop = service.endpoint.routes[b"/v2/models/slow/infer"], asyncio.get_running_loop()
        body = b'{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}]}'
        leader = service.endpoint.infer(target, "alice", {}, body, pytest.fail)
        follower: asyncio.Future[Reply] = loop.create_future()
        service.endpoint.infer(target, "bob", {}, body, follower.set_result)
        assert leader is not None
        service.endpoint.cancel(leader)
        assert (await follower).status == 200
        assert (await busy).status == 200

    run(scenario)


def test_a_redis_that_is_gone_hurts_nobody(run: Any, tmp_path: Path) -> None:
    folder = tmp_path / "redis"
    folder.mkdir()

    async def scenario(service: Service) -> None:
        with running(folder) as redis:
            service.configure(cache={"cache_url": redis.url})
            assert header(await service.ask(), b"x-cache") == b"miss"
            await asyncio.gather(*service.endpoint.policy.cache._redis._tasks)
            assert header(await service.ask(), b"x-cache") == b"hit"
        assert [(await service.ask()).status for _ in range(10)] == [200] * 10
        assert b"modeldeploy_redis_errors_total 1\n" in service.metrics.render()

    run(scenario)


def test_a_version_that_fails_is_answered_by_its_fallback(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(fallback=2, breaker={"breaker_requests": 3}, log_sample=1)
        service.fragile.broken = True
        runs = service.fragile.runs
        replies = [await service.ask() for _ in range(6)]
        assert [(reply.status, first(reply)) for reply in replies] == [(200, 3.0)] * 6
        assert {header(reply, b"x-fallback") for reply in replies} == {b"version"}
        assert {header(reply, b"x-model-version") for reply in replies} == {b"model@2"}
        assert service.fragile.runs - runs == 3  # then it is left alone
        assert service.endpoint.policy.breakers[service.version].state is State.open
        assert b'breaker_state{model="model",version="1",replica="0"} 2' in service.metrics.render()
        assert not service.lines(REVIEW_LOG)
        assert {(line["asked"], line["version"]) for line in service.lines(REQUEST_LOG)} == {(1, 2)}

    run(scenario)


def test_a_version_that_works_again_is_found_out_by_one_request(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(fallback=2, breaker={"breaker_requests": 1, "breaker_open_s": 0.05})
        service.fragile.broken = True
        await service.ask()
        service.fragile.broken = False
        while header(await service.ask(), b"x-fallback"):
            await asyncio.sleep(0.01)
        assert first(await service.ask()) == 2
        assert not service.endpoint.policy.attended

    run(scenario)


def test_who_asks_for_a_version_by_its_number_gets_no_other(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(fallback=2)
        service.fragile.broken = True
        assert (await service.ask(route=b"/v2/models/model/versions/1/infer")).status == 503

    run(scenario)


def test_where_a_version_fails_an_old_answer_is_better_than_none(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(cache={"cache_bytes": 10_000_000, "cache_ttl_s": 0.001}, stale_answers=True)
        assert first(await service.ask()) == 2
        await asyncio.sleep(0.002)
        service.fragile.broken = True
        reply = await service.ask()
        assert (reply.status, first(reply), header(reply, b"x-fallback")) == (200, 2.0, b"stale")
        refused = await service.ask(5.0)
        assert (refused.status, header(refused, b"retry-after")) == (503, b"1")

    run(scenario)


def test_what_nobody_can_answer_is_kept_for_review_without_what_it_held(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(stale_answers=True)
        service.fragile.broken = True
        reply = await service.ask(7.125, headers={b"x-request-id": b"abc"})
        assert (reply.status, header(reply, b"x-request-id")) == (503, b"abc")
        [record] = service.lines(REVIEW_LOG)
        assert record.pop("time") > 0
        assert record == {
            "request_id": "abc",
            "caller": "alice",
            "model": "model",
            "version": 1,
            "code": "internal",
            "reason": "model@1 failed on this request.",
        }

    run(scenario)


def test_a_failure_without_any_fallback_is_told_as_it_is(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.fragile.broken = True
        assert (await service.ask()).status == 500
        assert len(service.lines(REVIEW_LOG)) == 1
        assert header(await service.ask(), b"x-request-id")
        assert service.count("failures_total") == 2

    run(scenario)


def test_bad_requests_open_no_breaker(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(breaker={"breaker_requests": 1})
        target = service.endpoint.routes[ROUTE]
        for body in (b"", b"{}", b'{"inputs": [{"name": "y", "shape": [1], "datatype": "FP32", "data": [1]}]}'):
            replies: list[Reply] = []
            service.endpoint.infer(target, "alice", {}, body, replies.append)
            assert replies[0].status == 400
        assert (await service.ask()).status == 200
        assert service.endpoint.policy.breakers[service.version].state is State.closed

    run(scenario)


def test_a_deadline_of_the_callers_own_opens_no_breaker(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(breaker={"breaker_requests": 1})
        slow = b"/v2/models/slow/infer"
        assert (await service.ask(BUSY_TURNS, slow, timeout=20_000)).status == 504
        assert not service.endpoint.policy.attended
        service.configure(breaker={"breaker_requests": 1}, timeout_s=0.02)
        assert (await service.ask(BUSY_TURNS * 2, slow)).status in (503, 504)

    run(scenario)


def test_input_limits_are_named(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(input_limits={"max_tensor_bytes": 15})
        reply = await service.ask()
        assert reply.status == 413
        assert "16 bytes; the limit max_tensor_bytes is 15" in orjson.loads(reply.body)["error"]
        service.configure(input_limits={"max_tensor_bytes": 16})
        assert (await service.ask()).status == 200

    run(scenario)


def test_the_request_log_tells_of_each_request_and_never_what_it_held(run: Any) -> None:
    async def scenario(service: Service) -> None:
        await service.ask(7.125)
        service.configure(log_sample=1, cache={"cache_bytes": 1_000_000})
        reply = await service.ask(7.125)
        await service.ask(7.125, headers={b"x-request-id": b"mine", b"authorization": b"Bearer secret"})
        one, other = service.lines(REQUEST_LOG)
        assert one["request_id"].encode() == header(reply, b"x-request-id")
        assert (other["request_id"], other["cache"], other["status"]) == ("mine", "hit", 200)
        assert (one["model"], one["version"], one["rows"], one["caller"]) == ("model", 1, 1, "alice")
        assert one["request_bytes"] > 0 < one["response_bytes"]
        text = (service.folder / REQUEST_LOG).read_text()
        assert "7.125" not in text
        assert "secret" not in text

    run(scenario)


def test_an_unloaded_model_is_told_so(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.endpoint.models["model"].loaded = False
        service.configure(unloaded=["model"])
        for route in (ROUTE, b"/v2/models/model/versions/1/infer"):
            reply = await service.ask(route=route)
            assert reply.status == 503
            assert "unloaded" in orjson.loads(reply.body)["error"]

    run(scenario)


def test_a_spec_that_cannot_be_followed_changes_nothing(run: Any) -> None:
    async def scenario(service: Service) -> None:
        with pytest.raises(NotFound):
            service.configure(fallback=7, max_body_bytes=2048)
        with pytest.raises((InvalidInput, Conflict)):
            service.configure(cache={"cache_url": "nonsense"}, max_body_bytes=2048)
        assert service.endpoint.max_body_bytes != 2048
        assert (await service.ask()).status == 200

    run(scenario)


def test_an_error_in_what_recovers_ends_one_request(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(service: Service) -> None:
        service.fragile.broken = True
        monkeypatch.setattr(service.endpoint.policy, "breakers", {})
        assert (await service.ask()).status == 500

    run(scenario)


def test_an_unexpected_error_ends_one_request(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(service: Service) -> None:
        target = service.endpoint.routes[ROUTE]
        monkeypatch.setattr(type(target.language), "decode", lambda *_: 1 / 0)
        replies: list[Reply] = []
        service.endpoint.infer(target, "alice", {}, b"", replies.append)
        assert replies[0].status == 500

    run(scenario)


def test_a_result_that_cannot_be_dealt_with_is_told_to_all_who_asked(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(key: bytes, content: bytes) -> None:
        raise ValueError("broken")

    async def scenario(service: Service) -> None:
        service.configure(cache={"cache_bytes": 10_000_000})
        monkeypatch.setattr(service.endpoint.policy.cache, "put", broken)
        replies = await asyncio.gather(*(service.ask(BUSY_TURNS, b"/v2/models/slow/infer") for _ in range(3)))
        assert [reply.status for reply in replies] == [500] * 3

    run(scenario)


@pytest.mark.parametrize("asked", [{}, {"cache": {"cache_bytes": 10_000_000}}, {"log_sample": 1.0}])
def test_who_is_sent_where_by_headers_and_by_what_the_request_holds(run: Any, asked: dict[str, Any]) -> None:
    """At once and on the longer way; version n adds n."""
    eu = {"conditions": [{"attribute": "region", "value": "eu"}], "version": 2}
    large = {"conditions": [{"attribute": "bytes", "operator": ">=", "value": 17}], "version": 2}
    body = b'{"inputs": [{"name": "x", "shape": [2, 4], "datatype": "FP32", "data": [1,1,1,1,1,1,1,1]}]}'

    async def scenario(service: Service) -> None:
        service.configure(routing={"rules": [eu]}, **asked)
        assert first(await service.ask(headers={b"x-attribute-region": b"eu"})) == 3
        assert first(await service.ask(headers={b"x-attribute-region": b"us"})) == 2
        service.configure(routing={"rules": [large]}, **asked)
        decode, decoded = Infer.decode, []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Infer, "decode", lambda *given: decoded.append(1) or decode(*given))
            assert first(await service.ask()) == 2
            for headers, content in (({}, body), ({b"content-encoding": b"gzip"}, gzip.compress(body))):
                reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
                service.endpoint.infer(service.endpoint.routes[ROUTE], "alice", headers, content, reply.set_result)
                answer = await reply
                assert first(answer) == 3
                assert orjson.loads(answer.body)["model_version"] == "2"
                assert header(answer, b"x-model-version") == b"model@2"
        assert len(decoded) == 3
        refused = service.endpoint.routes[ROUTE]
        answers: list[Reply] = []
        service.endpoint.infer(refused, "alice", {}, b"{", answers.append)
        assert answers[0].status == 400

    run(scenario)


def test_a_shadow_answers_copies_that_nobody_hears_or_counts(run: Any) -> None:
    async def scenario(service: Service) -> None:
        service.configure(routing={"shadow": [{"version": 2}]})
        for value in (1.0, 2.0, 3.0):
            assert first(await service.ask(value)) == value + 1
        async with asyncio.timeout(120):
            while len(records := service.lines(SHADOW_LOG)) < 3:
                await asyncio.sleep(0.01)
        told = shadow_figures("s", records).comparisons[0]
        assert (told.version, told.shadow, told.copies, told.difference_max) == ("model@1", "model@2", 3, 1.0)
        assert told.agreement is not None
        assert (told.agreement.value, told.errors.value) == (0, 0)
        assert told.slower_ms is not None
        counted = service.metrics.version("model", "2")
        assert (counted.total.count, counted.compute.count) == (0, 0)
        service.instances.busy = True
        await service.ask(1.0)
        service.instances.busy = False
        assert shadow_figures("s", service.lines(SHADOW_LOG)).dropped == 1
        assert b"data" not in (service.folder / SHADOW_LOG).read_bytes()

    run(scenario)


@pytest.mark.parametrize(
    ("one", "other", "agree", "difference"),
    [
        ([{"label": "a", "score": 0.75}], [{"label": "a", "score": 0.5}], True, 0.25),
        ([{"label": "a", "score": 0.75}], [{"label": "b", "score": 0.75}], False, 0.0),
        ([{"embedding": [1.0, 2.0]}], [{"embedding": [1.0, 2.0000001]}], True, pytest.approx(1e-7)),
        ({"y": np.array([1.0, 2.0])}, {"y": np.array([1.0, 2.5])}, False, 0.5),
        ({"y": np.array([1.0, 2.0])}, {"y": np.array([[1.0, 2.0]])}, False, None),
        ({"y": np.array([b"a"], object)}, {"y": np.array([b"a"], object)}, True, 0.0),
        ([{"y": [[1.0], [2.0]]}], [{"y": [[1.0], [4.0]]}], False, 2.0),
        ([{"text": "a"}], [{"text": "a"}], True, None),
        ([1], [1, 2], False, None),
    ],
)
def test_two_answers_agree_by_their_labels_or_numbers(one: Any, other: Any, agree: bool, difference: Any) -> None:
    assert compare(one, other) == (agree, difference)
