"""Triton's extensions answer bad requests with what is wrong, and only who owns the service changes what it holds."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from serving_service import Served

MEMORY = "/v2/systemsharedmemory"
READS = [
    "/v2/models/stats",
    "/v2/models/adder/stats",
    "/v2/models/adder/versions/3/stats",
    "/v2/models/adder/config",
    "/v2/models/adder/versions/3/config",
    f"{MEMORY}/status",
    "/v2/cudasharedmemory/status",
    "/v2/trace/setting",
    "/v2/models/adder/trace/setting",
    "/v2/logging",
    "/v1/models",
    "/v1/models/adder",
]
WRITES = [
    "/v2/repository/index",
    "/v2/repository/models/adder/load",
    "/v2/repository/models/adder/unload",
    f"{MEMORY}/region/a/register",
    f"{MEMORY}/region/a/unregister",
    f"{MEMORY}/unregister",
    "/v2/cudasharedmemory/region/a/register",
    "/v2/logging",
    "/v2/trace/setting",
]


@pytest.mark.parametrize("path", READS)
def test_every_route_answers_get_and_head_and_options(served: Served, path: str) -> None:
    assert served.client.get(path).status_code == 200
    head = served.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert served.client.options(path).headers["allow"].startswith("GET, HEAD")
    assert served.client.delete(path).status_code == 405


@pytest.mark.parametrize(("method", "path"), [("GET", path) for path in READS] + [("POST", path) for path in WRITES])
def test_none_answers_without_the_token(served: Served, method: str, path: str) -> None:
    assert httpx.request(method, f"{served.service.url}{path}", timeout=120).status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/models/nothing/stats", 404),
        ("/v2/models/adder/versions/9/stats", 404),
        ("/v2/models/nothing/config", 404),
        ("/v2/models/nothing/trace/setting", 404),
        (f"{MEMORY}/region/a/status", 404),
    ],
)
def test_what_is_not_there_is_told(served: Served, path: str, status: int) -> None:
    response = served.client.get(path)
    assert response.status_code == status
    assert isinstance(response.json()["error"], str)


def test_the_index_takes_no_body_and_one_that_filters(served: Served) -> None:
    whole = served.client.post("/v2/repository/index").json()
    assert {"name": "adder", "version": "3", "state": "READY", "reason": ""} in whole
    packed = gzip.compress(b'{"ready": true}')
    ready = served.client.post("/v2/repository/index", content=packed, headers={"Content-Encoding": "gzip"})
    assert ready.json() == whole


def test_a_body_that_is_too_large_is_refused(served: Served) -> None:
    assert served.client.post("/v2/repository/index", content=b" " * 70_000).status_code == 413
    bomb = gzip.compress(b" " * 10**6)
    response = served.client.post("/v2/repository/index", content=bomb, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 413


def test_a_caller_may_look_but_not_change(served: Served) -> None:
    token = served.store.tokens(served.service.name).create("visitor").token
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{served.service.url}/v2/models/stats", headers=headers, timeout=120).status_code == 200
    for path in (*WRITES[1:3], *WRITES[3:6]):
        body = {"key": "/x", "byte_size": 1} if path.endswith("/register") else {}
        response = httpx.post(f"{served.service.url}{path}", headers=headers, json=body, timeout=120)
        assert response.status_code == 403, path
        assert "visitor" in response.json()["error"]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
FIELDS = ["key", "offset", "byte_size", "ready", "raw_handle", "device_id"]


@settings(max_examples=200, deadline=None)
@given(
    path=st.sampled_from([path for path in WRITES if "load" not in path]),
    body=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4) | VALUES,
)
def test_whatever_is_sent_is_answered_or_refused(served: Served, path: str, body: Any) -> None:
    response = served.client.post(path, json=body)
    assert response.status_code in (200, 400, 409)


@settings(max_examples=100, deadline=None)
@given(path=st.sampled_from(WRITES[:1] + WRITES[3:]), body=st.binary(max_size=40))
def test_bytes_that_are_no_json_are_refused(served: Served, path: str, body: bytes) -> None:
    assert served.client.post(path, content=body).status_code in (200, 400)
