"""One service with everything switched on, and a caller that knows what an answer may be, whatever was asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import psutil
import pytest
import tiny_onnx
from onnx import TensorProto
from serving_service import MAX_BODY, Served, add, client, spec

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.serving import lifecycle, servicelog
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

TIMEOUT_S = 120.0
MEANT = {503, 504}
"""Statuses beyond 499 that tell of load."""
ECHOES = {"bf16": TensorProto.BFLOAT16, "fp16": TensorProto.FLOAT16, "bytes": TensorProto.STRING}


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`adder` (versions that add 1 and 2, half of the traffic each, 3 without traffic), `texts`, `embed`, `slow`,
    `pictures`, and echoes of some datatypes; over HTTP and gRPC."""
    folder = tmp_path_factory.mktemp("robust")
    store = Store(Settings(folder / "root"))
    for number in (1, 2, 3):
        add(store, "adder", tiny_onnx.add_one(folder / f"adder{number}", number))
    add(store, "texts", tiny_onnx.classifier(folder / "texts"), "text-classification")
    add(store, "embed", tiny_onnx.encoder(folder / "embed"), "feature-extraction")
    add(store, "slow", tiny_onnx.slow(folder / "slow"))
    add(store, "pictures", tiny_onnx.pictures(folder / "pictures"), "image-classification")
    for name, dtype in ECHOES.items():
        add(store, name, tiny_onnx.echo(folder / name, dtype, ["batch", 2]))
    single = [(name, [1.0]) for name in ("texts", "embed", "slow", "pictures", *ECHOES)]
    wanted = spec(
        "robust",
        ("adder", [0.5, 0.5, 0.0]),
        *single,
        instances=2,
        max_body_bytes=MAX_BODY,
        timeout_s=10,
        grpc_port=0,
        input_limits={"max_image_pixels": 10_000},
    )
    service = lifecycle.start(store, wanted, "tester")
    with client(store, service) as connected:
        yield Served(store, service, str(store.service_token("robust")), connected)
    lifecycle.stop(store, "robust")
    store.close()


class Caller:
    """One connection at a time, opened anew where the service closed it."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=TIMEOUT_S)

    def ask(self, method: str, target: str, body: bytes = b"", headers: list[tuple[str, str]] | None = None) -> int:
        """The status of the answer, which came in time, tells of no failure, and was read to its end; an error is in
        the right shape."""
        try:
            response = self._asked(method, target, body, headers or [])
        except (ConnectionError, http.client.RemoteDisconnected):  # it had closed the connection after the last answer
            self._connection.close()
            response = self._asked(method, target, body, headers or [])
        content = response.read()
        status = response.status
        assert status < 500 or status in MEANT, content
        if status >= 400 and method != "HEAD":
            error = json.loads(content)["error"]
            assert error if isinstance(error, str) else error["message"]
            assert len(content) < 5000, "an error repeats what was sent"
        return status

    def close(self) -> None:
        self._connection.close()

    def _asked(self, method: str, target: str, body: bytes, headers: list[tuple[str, str]]) -> http.client.HTTPResponse:
        self._connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in [("Authorization", f"Bearer {self._served.token}"), *headers]:
            self._connection.putheader(name, value)
        self._connection.putheader("Content-Length", str(len(body)))
        self._connection.endheaders(body)
        return self._connection.getresponse()


@pytest.fixture
def unharmed(served: Served) -> Iterator[Served]:
    """The service, which has the same server processes afterwards, answers as before, and logged no failure."""
    assert served.service.process is not None
    before = {process.pid for process in processes.group(served.service.process)}
    log = served.store.service_folder("robust") / servicelog.LOG_FILE
    logged = log.stat().st_size
    yield served
    answer = served.client.post("/predict/texts", json="good")
    assert answer.json()["predictions"][0]["label"] == "positive"
    assert {process.pid for process in processes.group(served.service.process)} == before
    assert all(psutil.pid_exists(pid) for pid in before)
    since = log.read_bytes()[logged:].decode(errors="replace")
    assert "Traceback" not in since, since[-3000:]
    assert " ERROR " not in since, since[-3000:]


@pytest.fixture
def caller(unharmed: Served) -> Iterator[Caller]:
    caller = Caller(unharmed)
    yield caller
    caller.close()
