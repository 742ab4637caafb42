"""A service answers through the Jupyter server, under its base URL, to whoever may use that server."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import websocket
from jupyter_process import Server, running_server
from serving_service import MAX_BODY, Served

from jupyter_modeldeploy.records import ServiceState

BODY = {"inputs": {"x": [[1, 2, 3, 4]]}}
PROXY = "modeldeploy/services/shared"


@pytest.fixture(scope="module")
def jupyter(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    before = os.environ.get("JUPYTER_MODELDEPLOY_ROOT")
    os.environ["JUPYTER_MODELDEPLOY_ROOT"] = str(served.store.root)
    try:
        with running_server(tmp_path_factory.mktemp("jupyter"), "--ServerApp.base_url=/user/ann/") as server:
            yield server
    finally:
        if before is not None:
            os.environ["JUPYTER_MODELDEPLOY_ROOT"] = before


@pytest.fixture
def client(jupyter: Server) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"token {jupyter.token}"}
    with httpx.Client(base_url=jupyter.url, headers=headers, timeout=120) as opened:
        yield opened


@contextmanager
def logged_in(jupyter: Server) -> Iterator[httpx.Client]:
    """A client with a browser's cookies, as after the login page."""
    with httpx.Client(base_url=jupyter.url, timeout=120) as client:
        client.get("login")
        client.post("login", data={"password": jupyter.token, "_xsrf": client.cookies["_xsrf"]})
        yield client


def error(response: httpx.Response) -> dict[str, str]:
    body: dict[str, str] = response.json()["error"]
    assert set(body) == {"code", "message", "hint"}
    return body


def test_every_kind_of_request_reaches_the_service(client: httpx.Client) -> None:
    assert client.get(f"{PROXY}/v2/health/ready").json() == {"ready": True}
    assert client.get(f"{PROXY}/").json()["service"] == "shared"
    answer = client.post(f"{PROXY}/predict/adder/versions/2", json=BODY)
    assert answer.headers["x-model-version"] == "adder@2"
    assert answer.json()["predictions"] == [{"y": [3, 4, 5, 6]}]
    refused = client.post(f"{PROXY}/v2/models/adder/infer", content=b"{")
    assert (refused.status_code, list(refused.json())) == (400, ["error"])
    assert client.head(f"{PROXY}/metrics").status_code == 200
    assert client.get(PROXY).headers["location"].endswith(f"/user/ann/{PROXY}/")


def test_a_websocket_passes_in_both_directions(jupyter: Server) -> None:
    url = jupyter.url.replace("http", "ws", 1) + f"{PROXY}/v2/models/adder/stream"
    header = [f"Authorization: token {jupyter.token}"]
    connected = websocket.create_connection(url, header=header, timeout=120, suppress_origin=True)
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}
    for number in range(50):
        connected.send(json.dumps({"id": str(number), "inputs": [tensor]}))
    assert [json.loads(connected.recv())["id"] for _ in range(50)] == [str(number) for number in range(50)]
    connected.close()


def test_a_websocket_needs_a_login_and_a_page_of_jupyters_own(jupyter: Server) -> None:
    url = jupyter.url.replace("http", "ws", 1) + f"{PROXY}/predict/stream"
    with logged_in(jupyter) as browser:
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    own = jupyter.url.partition("/user")[0]
    websocket.create_connection(url, cookie=cookie, origin=own, timeout=120).close()
    for refused in ({"origin": own}, {"cookie": cookie, "origin": "https://evil.example"}):
        with pytest.raises(websocket.WebSocketBadStatusException, match=r"40[13]"):
            websocket.create_connection(url, timeout=120, **refused)


def test_a_body_as_large_as_the_service_takes_passes(client: httpx.Client) -> None:
    body = json.dumps(BODY).encode().ljust(MAX_BODY)
    assert client.post(f"{PROXY}/predict", content=body).status_code == 200
    assert client.post(f"{PROXY}/predict", content=body + b" ").status_code == 413


def test_nobody_passes_without_jupyters_own_authentication(jupyter: Server, served: Served) -> None:
    for headers in ({}, {"Authorization": "token wrong"}, {"Authorization": f"Bearer {served.token}"}):
        answer = httpx.get(f"{jupyter.url}{PROXY}/metrics", headers=headers, timeout=120)
        assert (answer.status_code, error(answer)["code"]) == (401, "not_authenticated")
    page = httpx.get(f"{jupyter.url}{PROXY}/docs", headers={"Accept": "text/html"}, timeout=120)
    assert page.status_code == 302
    assert "/user/ann/login" in page.headers["location"]


def test_a_browsers_post_needs_the_xsrf_header(jupyter: Server) -> None:
    with logged_in(jupyter) as browser:
        assert browser.get(f"{PROXY}/v2").status_code == 200
        assert browser.post(f"{PROXY}/predict", json=BODY).status_code == 403
        headers = {"X-XSRFToken": browser.cookies["_xsrf"]}
        assert browser.post(f"{PROXY}/predict", json=BODY, headers=headers).status_code == 200


def test_an_unknown_or_stopped_service_is_told_with_a_hint(client: httpx.Client, served: Served) -> None:
    unknown = client.get("modeldeploy/services/nothing/v2")
    assert (unknown.status_code, error(unknown)["code"]) == (404, "not_found")
    row = served.store.services.get("shared")
    stopped = row.model_copy(
        update={
            "name": "asleep",
            "spec": row.spec.model_copy(update={"name": "asleep"}),
            "state": ServiceState.stopped,
            "process": None,
        }
    )
    served.store.services.save(stopped)
    answer = client.post("modeldeploy/services/asleep/predict", json=BODY)
    assert (answer.status_code, error(answer)["code"]) == (409, "conflict")
    assert "services start asleep" in error(answer)["hint"]


def test_jupyters_secrets_stay_with_jupyter(jupyter: Server, served: Served) -> None:
    """Whoever reads what the service is sent finds no cookie and no token of Jupyter there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(120)
        row = served.store.services.get("shared")
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        spec = row.spec.model_copy(update={"name": "spy"})
        served.store.services.save(row.model_copy(update={"name": "spy", "spec": spec, "url": url}))
        seen: list[str] = []

        def listen() -> None:
            connection, _ = listener.accept()
            seen.append(connection.recv(65536).decode())
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            connection.close()

        thread = threading.Thread(target=listen)
        thread.start()
        with logged_in(jupyter) as browser:
            headers = {"Authorization": f"token {jupyter.token}", "Referer": "http://a/?token=1"}
            answer = browser.get(f"modeldeploy/services/spy/v2?token={jupyter.token}&a=1", headers=headers)
        thread.join()
    assert answer.status_code == 200
    (head,) = seen
    assert head.startswith("GET /v2?a=1 HTTP/1.1")
    for secret in (jupyter.token, "_xsrf", "username-", "Referer", "Cookie"):
        assert secret not in head
    assert f"Host: {url.removeprefix('http://')}" in head
    assert f"X-Forwarded-Prefix: /user/ann/{PROXY.replace('shared', 'spy')}" in head
    served.store.services.delete("spy")
