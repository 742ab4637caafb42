"""Ten thousand bad requests: whatever a request says, in HTTP, JSON or raw tensors, its answer is right or clear.

Nothing is answered 5xx but the 503 and 504 that tell of load, nothing hangs, and no server process dies."""

from __future__ import annotations

import http.client
import json
import struct
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from serving_service import MAX_BODY, Served

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.serving import lifecycle

TIMEOUT_S = 10.0
MEANT = {503, 504}
DATATYPES = ["BOOL", "UINT8", "UINT64", "INT8", "INT64", "FP16", "BF16", "FP32", "FP64", "BYTES"]
ROUTES = [
    "/v2/models/adder/infer",
    "/v2/models/adder/versions/2/infer",
    "/v2/models/texts/infer",
    "/v2/models/slow/infer",
    "/v2/models/embed/infer",
]
PREDICT_ROUTES = ["/predict", "/predict/texts", "/predict/embed", "/predict/adder/versions/1", "/predict/slow"]


def examples(count: int) -> settings:
    """So many requests, the same ones at each run."""
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


class Caller:
    """One connection at a time, opened anew where the service closed it."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=TIMEOUT_S)

    def ask(self, method: str, target: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer, whose body was read to its end and, for an error, is in the right shape."""
        headers = {"Authorization": f"Bearer {self._served.token}", **headers}
        try:
            self._connection.request(method, target, body=body, headers=headers)
            response = self._connection.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):  # it had closed the connection after the last answer
            self._connection.close()
            self._connection.request(method, target, body=body, headers=headers)
            response = self._connection.getresponse()
        content = response.read()
        if response.status >= 400 and method != "HEAD":
            error = json.loads(content)["error"]
            told = error if isinstance(error, str) else error["message"]
            assert told
            assert len(content) < 5000, "an error repeats what was sent"
        return response.status

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def caller(served: Served) -> Iterator[Caller]:
    """Its service has the same server processes afterwards, and answers as before."""
    assert served.service.process is not None
    before = {process.pid for process in processes.group(served.service.process)}
    caller = Caller(served)
    yield caller
    caller.close()
    answer = served.client.post("/predict/texts", json="good")
    assert answer.json()["predictions"][0]["label"] == "positive"
    assert {process.pid for process in processes.group(served.service.process)} == before
    assert all(psutil.pid_exists(pid) for pid in before)
    assert "Traceback" not in lifecycle.log_tail(served.store, "shared", 1000)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
SIZES = st.one_of(st.integers(0, 5), st.sampled_from([-1, 2**31, 2**63, 2**64, True, 1.0, "4", None]))
SHAPES = st.one_of(
    st.lists(st.integers(0, 6), max_size=4),
    st.lists(SIZES, max_size=4),
    st.just([1] * 40),
    st.sampled_from([[2**62, 4], [0, 2**62], [65536, 65536, 65536]]),
    ANYTHING,
)
NAMES = st.one_of(st.sampled_from(["x", "y", "input_ids", "attention_mask", ""]), st.text(max_size=10), LEAVES)
NUMBERS = st.lists(st.one_of(st.integers(-3, 300), st.floats(-10, 10), LEAVES), max_size=8)


def sometimes(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """An object of some of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


PARAMETERS = sometimes(
    {
        "binary_data_size": SIZES,
        "binary_data": LEAVES,
        "binary_data_output": LEAVES,
        "classification": SIZES,
        "shared_memory_region": st.text(max_size=5),
        "shared_memory_byte_size": SIZES,
        "shared_memory_offset": SIZES,
        "timeout": SIZES,
        "priority": SIZES,
        "sequence_id": SIZES,
    }
)
TENSORS = sometimes(
    {
        "name": NAMES,
        "shape": SHAPES,
        "datatype": st.one_of(st.sampled_from(DATATYPES), LEAVES),
        "data": st.one_of(NUMBERS, st.lists(NUMBERS, max_size=3), ANYTHING),
        "parameters": st.one_of(PARAMETERS, ANYTHING),
    }
)
REQUESTS = sometimes(
    {
        "id": LEAVES,
        "inputs": st.one_of(st.lists(TENSORS, max_size=3), ANYTHING),
        "outputs": st.one_of(st.lists(sometimes({"name": NAMES, "parameters": PARAMETERS}), max_size=3), ANYTHING),
        "parameters": st.one_of(PARAMETERS, ANYTHING),
    }
)
BODIES = st.one_of(
    REQUESTS.map(lambda request: json.dumps(request).encode()),
    ANYTHING.map(lambda content: json.dumps(content).encode()),
    st.binary(max_size=200),
    st.sampled_from([b"", b"[" * 5000, b'{"inputs": [{"data": [NaN]}]}', b'{"a":' * 2000, b'"\\ud800"', b"1e999"]),
)
WRONG_HEADERS = sometimes(
    {
        "Inference-Header-Content-Length": st.sampled_from(["0", "5", "-1", "1e3", "99999999999999999999", "", "\xff"]),
        "Content-Type": st.sampled_from(["application/json", "text/plain", "image/png", "multipart/form-data", "x/y;"]),
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "identity", "gzip, gzip", ""]),
        "Accept-Encoding": st.sampled_from(["gzip", "deflate;q=0", "*", "gzip;q=x", "\xff"]),
        "X-Unit-Id": st.sampled_from(["", "\xff\xfe", "u" * 3000]),
        "X-Request-Priority": st.sampled_from(["-1", "0", "1", "99999999999", "high"]),
        "X-Request-Timeout-Ms": st.sampled_from(["0", "-5", "1", "inf", "nan", "1e400", "soon"]),
        "X-Request-Id": st.sampled_from(["", "i" * 3000, "a\tb", "\xe9"]),
        "Range": st.just("bytes=0-1"),
    }
)


@examples(4000)
@given(route=st.sampled_from(ROUTES), body=BODIES, headers=WRONG_HEADERS)
def test_tensors_as_json(caller: Caller, route: str, body: bytes, headers: dict[str, str]) -> None:
    status = caller.ask("POST", route, body, headers)
    assert status < 500 or status in MEANT


@examples(2000)
@given(
    route=st.sampled_from(ROUTES),
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=3),
    datatype=st.sampled_from(DATATYPES),
    size=st.integers(-1, 80),
    raw=st.binary(max_size=80),
    cut=st.integers(-5, 5),
    name=st.sampled_from(["x", "input_ids", "z"]),
)
def test_tensors_as_bytes(
    caller: Caller, route: str, shape: list[int], datatype: str, size: int, raw: bytes, cut: int, name: str
) -> None:
    tensor = {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}
    header = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    length = {"Inference-Header-Content-Length": str(len(header) + cut)}
    status = caller.ask("POST", route, header + raw, length)
    assert status < 500 or status in MEANT


@examples(1000)
@given(texts=st.lists(st.binary(max_size=12), max_size=4), wrong=st.integers(-3, 3), route=st.sampled_from(ROUTES))
def test_strings_as_bytes(caller: Caller, texts: list[bytes], wrong: int, route: str) -> None:
    raw = b"".join(struct.pack("<I", max(0, len(text) + wrong)) + text for text in texts)
    tensor = {
        "name": "x",
        "shape": [len(texts)],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(raw)},
    }
    header = json.dumps({"inputs": [tensor]}).encode()
    status = caller.ask("POST", route, header + raw, {"Inference-Header-Content-Length": str(len(header))})
    assert status == 400


@examples(2000)
@given(
    route=st.sampled_from(PREDICT_ROUTES),
    body=st.one_of(
        BODIES,
        sometimes({"text": ANYTHING, "texts": ANYTHING, "inputs": ANYTHING, "image": LEAVES}).map(
            lambda content: json.dumps(content).encode()
        ),
    ),
    headers=WRONG_HEADERS,
)
def test_requests_in_the_tasks_words(caller: Caller, route: str, body: bytes, headers: dict[str, str]) -> None:
    status = caller.ask("POST", route, body, headers)
    assert status < 500 or status in MEANT


@examples(1000)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"]),
    target=st.one_of(
        st.sampled_from(
            [
                "/v2/models/adder/versions/99/infer",
                "/v2/models/adder/config",
                "/v2/models/adder/stats",
                "/v2/models/stats",
                "/v2/repository/index",
                "/v2/repository/models/nothing/load",
                "/v2/systemsharedmemory/status",
                "/v2/systemsharedmemory/region/a/register",
                "/v2/cudasharedmemory/region/a/register",
                "/v2/trace/setting",
                "/v2/logging",
                "/v1/models/adder:predict",
                "/metrics?x=%zz",
                "/docs/../metrics",
                "/openapi.json",
            ]
        ),
        st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=30).map(lambda text: f"/{text}"),
    ),
    body=BODIES,
    headers=WRONG_HEADERS,
)
def test_all_other_routes(caller: Caller, method: str, target: str, body: bytes, headers: dict[str, str]) -> None:
    status = caller.ask(method, target, body, headers)
    assert status < 500 or status in MEANT


@pytest.mark.parametrize(("extra", "expected"), [(0, 200), (1, 413)])
def test_a_body_of_just_the_limit_and_one_over_it(caller: Caller, extra: int, expected: int) -> None:
    body = b'{"inputs": {"x": [[1, 2, 3, 4]]}}'.ljust(MAX_BODY + extra)
    assert caller.ask("POST", "/predict/adder", body, {}) == expected
