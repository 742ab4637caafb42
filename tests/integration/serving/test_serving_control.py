"""A real service under load and with failing versions: what is accepted is answered in time, the rest is told at once
when to come back, and all of it can be changed while it runs."""

from __future__ import annotations

import asyncio
import stat
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import tiny_onnx
from prometheus_client.parser import text_string_to_metric_families
from redis_process import running
from serving_service import Served, add, client, spec
from waiting import until

from jupyter_modeldeploy.serving import changing, lifecycle
from jupyter_modeldeploy.serving.control.journal import REQUEST_LOG, REVIEW_LOG
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

TURNS = 20.0  # thousands of turns of the slow model's loop: some hundredths of a second
DEADLINE_MS = 400


@pytest.fixture(scope="module")
def controlled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`work`, whose version 1 takes as long as its input says and version 2 no time, in one process, one at a time."""
    folder = tmp_path_factory.mktemp("controlled")
    store = Store(Settings(folder / "root"))
    add(store, "work", tiny_onnx.slow(folder / "slow"))
    add(store, "work", tiny_onnx.add_one(folder / "adder"))
    wanted = spec("controlled", ("work", [1]), instances=1).model_dump(mode="json")
    wanted["models"][0]["fallback"] = 2
    service = lifecycle.start(store, type(spec("x", ("work", [1]))).model_validate(wanted), "tester")
    with client(store, service) as connected:
        yield Served(store, service, str(store.service_token("controlled")), connected)
    lifecycle.stop(store, "controlled")
    store.close()


def change(served: Served, **fields: Any) -> None:
    """Let the running service be as it was at first, but for these fields."""
    plain = served.service.spec.model_dump(mode="json", exclude={"name", "models"})
    wanted = {name: plain[name] | value if isinstance(value, dict) else value for name, value in fields.items()}
    changing.change(served.store, served.service.name, {**plain, **wanted})


def body(value: float, width: int = 4) -> dict[str, Any]:
    return {"inputs": [{"name": "x", "shape": [1, width], "datatype": "FP32", "data": [value] * width}]}


def ask(served: Served, value: float = 1.0, version: str = "", **headers: str) -> httpx.Response:
    return served.client.post(f"/v2/models/work{version}/infer", json=body(value), headers=headers)


def metric(served: Served, name: str, **labels: str) -> float:
    """The sum of the samples of that name with these labels."""
    families = text_string_to_metric_families(served.client.get("/metrics").text)
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def logged(served: Served) -> list[dict[str, Any]]:
    """The request log; the newest records take a second to get there."""
    path = served.store.service_folder(served.service.name) / REQUEST_LOG
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def test_ten_times_too_much_load_keeps_the_deadlines_of_those_let_in(controlled: Served) -> None:
    change(controlled, log_sample=1.0)
    for _ in range(5):
        assert ask(controlled, TURNS, "/versions/1").status_code == 200
    before = metric(controlled, "process_resident_memory_bytes")
    statuses: Counter[int] = Counter()

    async def caller(connected: httpx.AsyncClient, width: int) -> None:  # of its own: no two requests share a run
        for _ in range(20):
            answer = await connected.post(
                "/v2/models/work/versions/1/infer",
                content=orjson.dumps(body(TURNS, width)),
                headers={"X-Request-Timeout-Ms": str(DEADLINE_MS)},
            )
            statuses[answer.status_code] += 1
            if answer.status_code != 200:
                assert int(answer.headers["retry-after"]) >= 1

    async def flood() -> None:
        headers = {"Authorization": f"Bearer {controlled.token}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=str(controlled.service.url), headers=headers, timeout=120, limits=limits
        ) as connected:
            await asyncio.gather(*(caller(connected, width) for width in range(1, 61)))

    asyncio.run(flood())
    assert min(statuses[200], statuses[503]) > 10
    assert statuses[200] + statuses[503] + statuses[504] == statuses.total()
    assert statuses[504] < statuses[200]  # where the machine pauses, all that were let in are late
    change(controlled)
    durations = [record["duration_ms"] for record in logged(controlled) if record["status"] == 200]
    late = [each for each in durations if each >= DEADLINE_MS + 1]  # a record is written after the clock was looked at
    assert len(late) < 3, late
    assert metric(controlled, "process_resident_memory_bytes") < before * 1.2
    assert metric(controlled, "modeldeploy_rejections_total", reason="overloaded") == statuses[503]


def test_a_version_that_takes_too_long_is_left_to_its_fallback(controlled: Served) -> None:
    change(controlled, timeout_s=0.2, breaker={"breaker_requests": 2, "breaker_open_s": 600})
    while metric(controlled, "modeldeploy_breaker_state", version="1") != 2:
        answer = ask(controlled, 30 * TURNS)  # too long for its time, or while another is: then version 2 answers
        assert answer.status_code in (503, 504) or answer.headers["x-fallback"] == "version"
    answer = until(lambda: (asked := ask(controlled)).status_code == 200 and asked)  # a pause may take all its time
    assert (answer.headers["x-fallback"], answer.headers["x-model-version"]) == ("version", "work@2")
    assert answer.json()["outputs"][0]["data"] == [2.0] * 4
    assert ask(controlled, 1.0, "/versions/1").status_code == 503
    change(controlled)
    assert ask(controlled).headers["x-model-version"] == "work@1"


def test_limits_and_caches_change_while_the_service_runs(controlled: Served) -> None:
    change(controlled, rate_limit={"rate": 0.01, "burst": 1})
    assert [ask(controlled).status_code for _ in range(2)] == [200, 429]
    refused = ask(controlled)
    assert 1 <= int(refused.headers["retry-after"]) <= 100
    change(controlled, cache={"cache_bytes": 1_000_000})
    assert [ask(controlled, 0.5).headers["x-cache"] for _ in range(2)] == ["miss", "hit"]
    change(controlled)
    assert "x-cache" not in ask(controlled, 0.5).headers


def test_redis_may_come_and_go(controlled: Served, tmp_path: Path) -> None:
    with running(tmp_path) as redis:
        change(controlled, cache={"cache_url": redis.url})
        until(lambda: ask(controlled, 0.25).headers["x-cache"] == "hit")
        assert metric(controlled, "modeldeploy_cache_hits_total", source="redis") >= 1
        before = metric(controlled, "modeldeploy_redis_errors_total")  # a busy machine's Redis may have been too slow
        redis.hang()
        assert [ask(controlled, 0.25).status_code for _ in range(20)] == [200] * 20
        assert metric(controlled, "modeldeploy_redis_errors_total") > before
    assert [ask(controlled, 0.25).status_code for _ in range(20)] == [200] * 20


def test_requests_are_logged_and_traced_by_their_id(controlled: Served) -> None:
    change(controlled, log_sample=1.0)
    folder = controlled.store.service_folder("controlled")
    answer = ask(controlled, 0.125, **{"X-Request-Id": "trace-me"})
    assert answer.headers["x-request-id"] == "trace-me"
    until(lambda: any(record["request_id"] == "trace-me" for record in logged(controlled)))
    assert stat.S_IMODE((folder / REQUEST_LOG).stat().st_mode) == 0o600
    assert controlled.token not in (folder / REQUEST_LOG).read_text()
    reviewed = [orjson.loads(line) for line in (folder / REVIEW_LOG).read_bytes().splitlines()]
    assert {record["code"] for record in reviewed} <= {"timed_out", "version_failing"}


def test_promtool_likes_what_a_real_service_tells(controlled: Served) -> None:
    text = controlled.client.get("/metrics").content
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, timeout=120, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    strict = controlled.client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert strict.headers["content-type"].startswith("application/openmetrics-text")
    assert strict.text.endswith("# EOF\n")
