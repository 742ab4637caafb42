"""The prediction protocol V1: instances in, predictions out, as TensorFlow Serving and KServe speak it."""

from __future__ import annotations

from typing import Any

import pytest
from serving_service import Served


@pytest.mark.parametrize(
    ("path", "body", "answer"),
    [
        ("adder/versions/2", {"instances": [[1, 2, 3, 4]]}, {"predictions": [[3, 4, 5, 6]]}),
        ("adder/versions/2", {"instances": [{"x": [1, 2, 3, 4]}] * 2}, {"predictions": [[3, 4, 5, 6]] * 2}),
        ("adder/versions/2", {"inputs": [[1, 2, 3, 4]]}, {"outputs": [[3, 4, 5, 6]]}),
        ("adder/versions/2", {"inputs": {"x": [[1, 2, 3, 4]]}}, {"outputs": [[3, 4, 5, 6]]}),
        ("adder/versions/3", {"signature_name": "serving_default", "instances": [[0] * 4]}, {"predictions": [[3] * 4]}),
        ("bytes", {"instances": [["a", "grün"]]}, {"predictions": [["a", "grün"]]}),
        ("bf16", {"instances": [[0.5, -2]]}, {"predictions": [[0.5, -2]]}),
        ("fp16", {"inputs": []}, None),
        ("scalar", {"inputs": 2.5}, {"outputs": 2.5}),
    ],
)
def test_tensors_are_answered_in_the_format_of_the_request(served: Served, path: str, body: Any, answer: Any) -> None:
    response = served.client.post(f"/v1/models/{path}:predict", json=body)
    if answer is None:
        assert response.status_code == 400
        return
    assert response.status_code == 200, response.text
    assert response.json() == answer
    assert response.headers["x-model-version"].startswith(path.partition("/")[0])


@pytest.mark.parametrize("instances", [["good", "bad film"], [{"text": "good"}, {"text": "bad film"}]])
def test_texts_are_instances(served: Served, instances: Any) -> None:
    answer = served.client.post("/v1/models/texts:predict", json={"instances": instances}).json()
    assert [one["label"] for one in answer["predictions"]] == ["positive", "negative"]


def test_models_are_listed_and_ready(served: Served) -> None:
    assert "adder" in served.client.get("/v1/models").json()["models"]
    for path in ("/v1/models/adder", "/v1/models/adder/versions/3"):
        assert served.client.get(path).json() == {"name": "adder", "ready": True}
    assert served.client.get("/v1/models/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/v1/models/adder:predict", "/v1/models/adder/versions/3:predict"])
def test_only_posts_predict(served: Served, path: str) -> None:
    assert served.client.get(path).status_code == 405
    assert served.client.options(path).headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[]",
        b"{}",
        b'{"instances": []}',
        b'{"instances": {}}',
        b'{"instances": [[1, 2, 3, 4]], "inputs": [[1, 2, 3, 4]]}',
        b'{"instances": [[1, 2, 3]]}',
        b'{"instances": [[1, 2, 3, "4"]]}',
        b'{"instances": [[1, 2, 3, 4], {"x": [1, 2, 3, 4]}]}',
        b'{"instances": [{"x": [1, 2, 3, 4]}, {"y": [1, 2, 3, 4]}]}',
        b'{"instances": [{"y": [1, 2, 3, 4]}]}',
        b'{"instances": [{}]}',
        b'{"instances": [null]}',
        b'{"inputs": {}}',
        b'{"inputs": null}',
        b'{"inputs": {"x": [[1, 2, 3, 4]], "z": 1}}',
        b'{"instances": ' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_what_is_wrong_is_told(served: Served, body: bytes) -> None:
    response = served.client.post("/v1/models/adder:predict", content=body)
    assert response.status_code == 400, response.text
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("body", [{"instances": [1]}, {"instances": [{"texts": ["a"]}]}, {"instances": [["a"]]}, {}])
def test_instances_that_are_no_texts_are_refused(served: Served, body: Any) -> None:
    assert served.client.post("/v1/models/texts:predict", json=body).status_code == 400
