"""A service describes itself: its OpenAPI is valid and true, its page keeps to itself."""

from __future__ import annotations

import re
from typing import Any

import httpx
import jsonschema
import pytest
from serving_service import Served

INFERENCE: dict[str, Any] = {
    "/predict": {"inputs": {"x": [[1, 2, 3, 4]]}},
    "/predict/adder/versions/3": {"inputs": {"x": [[1, 2, 3, 4]]}},
    "/predict/texts": {"text": "good film"},
    "/predict/embed": ["good", "bad film"],
    "/v1/models/adder:predict": {"instances": [[1, 2, 3, 4], [1, 2, 3, 4]]},
    "/v1/models/texts:predict": {"instances": ["good film", {"text": "bad"}]},
    "/v2/models/adder/infer": {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}]},
}


@pytest.fixture(scope="module")
def described(served: Served) -> dict[str, Any]:
    document: dict[str, Any] = served.client.get("/openapi.json").json()
    return document


def checked(described: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(value)


def test_every_route_of_the_service_is_described(served: Served, described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.0"
    for route in served.client.get("/").json()["routes"]:
        method, _, path = route.partition(" ")
        if "{model}" in path and (path.startswith("/predict") or path.endswith(("/infer", ":predict"))):
            path = path.format(model="adder", version="2")
        assert method.lower() in described["paths"][path], route


@pytest.mark.parametrize("path", INFERENCE)
def test_requests_and_answers_are_as_described(served: Served, described: dict[str, Any], path: str) -> None:
    told = described["paths"][path]["post"]
    checked(described, told["requestBody"]["content"]["application/json"]["schema"], INFERENCE[path])
    answer = served.client.post(path, json=INFERENCE[path])
    assert answer.status_code == 200
    checked(described, told["responses"]["200"]["content"]["application/json"]["schema"], answer.json())
    for wrong in (served.client.post(path, content=b"{"), httpx.post(f"{served.service.url}{path}", timeout=120)):
        schema = told["responses"][str(wrong.status_code)]["content"]["application/json"]["schema"]
        checked(described, schema, wrong.json())


def test_the_page_asks_for_nothing_from_elsewhere(served: Served) -> None:
    page = served.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"""(src|href)=["'](https?:)?//""", page.text)
    assert served.token not in page.text


def test_the_page_asks_a_browser_for_the_token(served: Served) -> None:
    asked = httpx.get(f"{served.service.url}/docs", headers={"Accept": "text/html"}, timeout=120)
    assert asked.status_code == 401
    assert any(one.startswith("Basic") for one in asked.headers.get_list("www-authenticate"))
