"""A service is changed under its gRPC clients, and none of their calls is lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_onnx
from grpc_service import GrpcServed, X, tensor
from serving_service import add
from tritonclient.utils import InferenceServerException

from jupyter_modeldeploy.serving import changing

ENOUGH = 200


class Clients:
    """Ask all the time: `versions` counts the answers by version, `lost` has the errors. Some keep a channel, and some
    open one for every three calls."""

    def __init__(self, own: GrpcServed) -> None:
        self.versions: Counter[str] = Counter()
        self.lost: list[str] = []
        self._own = own
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(calls,)) for calls in (None, None, None, 3, 3)]

    def __enter__(self) -> Clients:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, version: str, answers: int) -> None:
        enough, deadline = self.versions[version] + answers, time.monotonic() + 120
        while self.versions[version] < enough:
            assert time.monotonic() < deadline, (self.versions, self.lost)
            time.sleep(0.005)

    def _run(self, calls: int | None) -> None:
        while not self._over.is_set():
            with self._own.client(channel_args=[("grpc.use_local_subchannel_pool", 1)]) as client:
                asked = 0
                while not self._over.is_set() and asked != calls:
                    asked += 1
                    try:
                        answer = client.infer("adder", [tensor(X)], client_timeout=120)
                    except InferenceServerException as error:
                        self.lost.append(str(error))
                    else:
                        self.versions[answer.get_response().model_version] += 1


def test_a_rolling_change_of_version_loses_no_call(
    start: Callable[..., GrpcServed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MODELDEPLOY_GRPC_MAX_AGE_S", "2")  # a process drains for as long
    own = start(replicas=2)
    add(own.store, "adder", tiny_onnx.add_one(tmp_path / "second", 2.0))
    models = [{"model": "adder", "arms": [{"version": 2}]}]
    with Clients(own) as clients:
        clients.wait_for("1", ENOUGH)
        changed = changing.change(own.store, "own", {"models": models})
        clients.wait_for("2", ENOUGH)
    assert clients.lost == []
    assert set(clients.versions) == {"1", "2"}
    assert changed.observed_revision == 2
    assert changed.grpc_url == own.service.grpc_url
