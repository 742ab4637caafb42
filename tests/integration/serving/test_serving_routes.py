"""Every route answers as documented, asks for the token, and tells its errors in one shape."""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from prometheus_client.parser import text_string_to_metric_families
from serving_service import MAX_BODY, Served

from jupyter_modeldeploy.serving.protocols.compression import COMPRESSED_FROM

INFER = "/v2/models/adder/infer"
X = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}
GETS = [
    "/",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/adder",
    "/v2/models/adder/ready",
    "/v2/models/adder/versions/2",
    "/v2/models/adder/versions/2/ready",
    "/metrics",
]
POSTS = [
    (INFER, {"inputs": [X]}),
    ("/v2/models/adder/versions/3/infer", {"inputs": [X]}),
    ("/predict", {"inputs": {"x": [[1, 2, 3, 4]]}}),
    ("/predict/adder/versions/2", {"inputs": {"x": [[1, 2, 3, 4]]}}),
    ("/predict/texts", {"text": "good film"}),
    ("/predict/embed", {"texts": ["good", "bad film"]}),
]


def message(response: httpx.Response) -> str:
    """The error's text, having checked that its shape is that of the route."""
    body = response.json()
    assert list(body) == ["error"]
    if response.request.url.path.startswith("/v2"):
        assert isinstance(body["error"], str)
        return str(body["error"])
    assert set(body["error"]) == {"code", "message", "hint"}
    return str(body["error"]["message"])


@pytest.mark.parametrize("path", GETS)
def test_every_get_route_answers(served: Served, path: str) -> None:
    assert served.client.get(path).status_code == 200
    head = served.client.head(path)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(("path", "body"), POSTS)
def test_every_inference_route_answers_and_names_the_version(served: Served, path: str, body: Any) -> None:
    response = served.client.post(path, json=body)
    assert response.status_code == 200, response.text
    assert response.headers["x-model-version"].partition("@")[0] in path or path == "/predict"


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic Zm9vOmJhcg=="])
@pytest.mark.parametrize("path", [*GETS, "/nothing", "/v2/nothing"])
def test_no_route_answers_without_the_token(served: Served, path: str, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = httpx.get(f"{served.service.url}{path}", headers=headers, timeout=120)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "token" in message(response)


@pytest.mark.parametrize("path", [*(path for path, _ in POSTS), "/v2/models/nothing/infer", "/predict/nothing"])
def test_no_inference_happens_without_the_token(served: Served, path: str) -> None:
    response = httpx.post(f"{served.service.url}{path}", json=dict(POSTS).get(path, {}), timeout=120)
    assert response.status_code == 401
    assert "x-model-version" not in response.headers


def test_json_tensors_go_in_and_come_out(served: Served) -> None:
    answer = served.client.post("/v2/models/adder/versions/1/infer", json={"id": "a", "inputs": [X]}).json()
    assert answer == {
        "model_name": "adder",
        "model_version": "1",
        "id": "a",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 4], "data": [2, 3, 4, 5]}],
    }


@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_infers(served: Served, binary: bool) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    with triton.InferenceServerClient(f"127.0.0.1:{served.port}") as client:
        assert client.is_server_live(headers=headers)
        assert client.is_server_ready(headers=headers)
        assert client.is_model_ready("adder", "2", headers=headers)
        assert client.get_model_metadata("adder", headers=headers)["inputs"][0]["shape"] == [-1, 4]
        tensor = triton.InferInput("x", [2, 4], "FP32")
        tensor.set_data_from_numpy(np.zeros((2, 4), np.float32), binary_data=binary)
        wanted = [triton.InferRequestedOutput("y", binary_data=binary)]
        for outputs in (wanted, None):
            result = client.infer(
                "adder", [tensor], model_version="2", outputs=outputs, request_id="7", headers=headers
            )
            assert np.array_equal(result.as_numpy("y"), np.full((2, 4), 2, np.float32))
            assert result.get_response()["id"] == "7"
        compressed = client.infer(
            "adder", [tensor], model_version="2", request_compression_algorithm="gzip", headers=headers
        )
        assert compressed.as_numpy("y").shape == (2, 4)


def test_a_text_model_is_addressable_by_its_tensors(served: Served) -> None:
    ids = {"shape": [1, 3], "datatype": "INT64", "data": [2, 4, 3]}
    inputs = [{"name": name, **ids} for name in ("input_ids", "attention_mask", "token_type_ids")]
    answer = served.client.post("/v2/models/texts/infer", json={"inputs": inputs}).json()
    assert answer["outputs"][0]["shape"] == [1, 2]


@pytest.mark.parametrize(
    ("body", "content_type", "labels"),
    [
        (b'{"text": "good film"}', "application/json", ["positive"]),
        (b'{"texts": ["bad", "good"]}', "application/json", ["negative", "positive"]),
        (b'"bad film"', "application/x-www-form-urlencoded", ["negative"]),
        (b'["bad film"]', "", ["negative"]),
        (b"good film", "text/plain; charset=utf-8", ["positive"]),
    ],
)
def test_raw_text_gets_labels(served: Served, body: bytes, content_type: str, labels: list[str]) -> None:
    response = served.client.post("/predict/texts", content=body, headers={"Content-Type": content_type})
    assert response.json()["model"] == response.headers["x-model-version"] == "texts@1"
    assert [answer["label"] for answer in response.json()["predictions"]] == labels


def test_a_list_longer_than_a_chunk_is_answered_in_order(served: Served) -> None:
    texts = ["good" if n % 3 else "bad bad" for n in range(100)]
    answers = served.client.post("/predict/texts", json=texts).json()["predictions"]
    assert [answer["label"] for answer in answers] == ["positive" if n % 3 else "negative" for n in range(100)]


@pytest.mark.parametrize("path", [INFER, "/predict/texts", "/predict", "/predict/adder"])
@pytest.mark.parametrize(
    "body", [b"", b"{", b"null", b"7", b"[]", b"{}", b"\xff\xfe", b'{"inputs": 7}', b'{"texts": []}', b"[[[[1]]]]"]
)
def test_wrong_input_is_the_callers_fault(served: Served, path: str, body: bytes) -> None:
    response = served.client.post(path, content=body)
    assert response.status_code == 400, response.text
    assert message(response)
    assert "@" in response.headers["x-model-version"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v2/nothing", 404),
        ("GET", "/v2/models/nothing", 404),
        ("GET", "/v2/models/adder/versions/9", 404),
        ("POST", "/v2/models/nothing/infer", 404),
        ("POST", "/v2/models/adder/versions/9/infer", 404),
        ("POST", "/predict/nothing", 404),
        ("POST", "/predict/adder/versions/9", 404),
        ("GET", INFER, 405),
        ("HEAD", INFER, 405),
        ("PUT", INFER, 405),
        ("GET", "/predict", 405),
        ("POST", "/metrics", 405),
        ("DELETE", "/v2/models/adder", 405),
    ],
)
def test_what_is_not_there_is_told(served: Served, method: str, path: str, status: int) -> None:
    response = served.client.request(method, path, content=b"{}" if method in ("POST", "PUT") else None)
    assert response.status_code == status
    if method != "HEAD":
        assert message(response)


def test_options_tell_the_methods(served: Served) -> None:
    assert served.client.options(INFER).headers["allow"] == "POST, OPTIONS"
    assert served.client.options("/v2").headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_query_and_percent_encoding_change_no_route(served: Served) -> None:
    for path in (f"{INFER}?a=b", "/v2/models/%61dder/infer"):
        assert served.client.post(path, json={"inputs": [X]}).status_code == 200


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_requests_are_read(served: Served, encoding: str, compress: Any) -> None:
    headers = {"Content-Encoding": encoding}
    assert served.client.post("/predict/texts", content=compress(b'"good"'), headers=headers).status_code == 200
    bomb = served.client.post("/predict/texts", content=compress(b'"' + b"a" * MAX_BODY + b'"'), headers=headers)
    assert bomb.status_code == 413
    for broken in (b"no", compress(b'"good"')[:-3]):
        assert served.client.post("/predict/texts", content=broken, headers=headers).status_code == 400


def test_traffic_follows_the_weights(served: Served) -> None:
    count = 2000
    answers = Counter(served.client.post(INFER, json={"inputs": [X]}).headers["x-model-version"] for _ in range(count))
    assert set(answers) == {"adder@1", "adder@2"}
    assert abs(answers["adder@1"] - count / 2) < 5 * (count / 4) ** 0.5


def test_a_unit_stays_with_its_version_in_either_language(served: Served) -> None:
    seen = set()
    for unit in (f"user-{n}" for n in range(40)):
        headers = {"X-Unit-Id": unit}
        versions = {
            served.client.post(path, json=body, headers=headers).headers["x-model-version"]
            for path, body in POSTS[::2][:2]
            for _ in range(3)
        }
        assert len(versions) == 1
        seen |= versions
    assert seen == {"adder@1", "adder@2"}


def test_metrics_count_what_was_answered(served: Served) -> None:
    def answered(status: str) -> float:
        families = text_string_to_metric_families(served.client.get("/metrics").text)
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "modeldeploy_requests_total"
            and (sample.labels["model"], sample.labels["status"]) == ("texts", status)
        )

    good, bad = answered("200"), answered("400")
    served.client.post("/predict/texts", json="good")
    served.client.post("/predict/texts", json=7)
    assert (answered("200"), answered("400")) == (good + 1, bad + 1)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("path", ["/openapi.json", "/v2/models/adder/versions/1/infer"])
def test_large_answers_are_compressed_for_who_asks(served: Served, path: str, encoding: str) -> None:
    rows = 4000
    body = {"inputs": [{"name": "x", "shape": [rows, 4], "datatype": "FP32", "data": [1] * 4 * rows}]}
    asked = {"json": body, "method": "POST"} if path.endswith("infer") else {"method": "GET"}
    plain = served.client.request(url=path, headers={"Accept-Encoding": f"{encoding};q=0, br"}, **asked)
    packed = served.client.request(url=path, headers={"Accept-Encoding": f"br, {encoding}"}, **asked)
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    if len(plain.content) >= COMPRESSED_FROM:
        assert packed.headers["content-encoding"] == encoding
        assert int(packed.headers["content-length"]) < len(plain.content) / 2


def test_small_answers_are_not_compressed(served: Served) -> None:
    answer = served.client.post(INFER, json={"inputs": [X]}, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in answer.headers
