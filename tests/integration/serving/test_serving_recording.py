"""A real service of two processes: each way to ask it is recorded, outcomes find their requests, and nothing is lost
when processes are replaced."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import grpc
import httpx
import pytest
import tiny_onnx
import websocket
from grpc_service import bytes_call
from serving_service import Served, add, client, spec
from waiting import until

from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.experiments.collecting import KEPT, Collector
from jupyter_modeldeploy.experiments.spool import FOLDER
from jupyter_modeldeploy.records import Metric
from jupyter_modeldeploy.serving import changing, lifecycle
from jupyter_modeldeploy.serving.grpc.messages import ModelInferRequest
from jupyter_modeldeploy.serving.grpc.server import MAX_AGE_VARIABLE
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace import Workspace
from jupyter_modeldeploy.workspace.services import Services

X = {"name": "x", "shape": [1, 4], "datatype": "FP32", "data": [1, 2, 3, 4]}
BODIES = {
    "/predict": {"inputs": {"x": [[1, 2, 3, 4]]}},
    "/v1/models/adder:predict": {"instances": [[1, 2, 3, 4]]},
    "/v2/models/adder/infer": {"inputs": [X]},
}
BUYS = Metric(name="buys", of="buys")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("recorded")
    store = Store(Settings(folder / "root"))
    for number in (1, 2):
        add(store, "adder", tiny_onnx.add_one(folder / f"adder{number}", number))
    wanted = spec("recorded", ("adder", [1, 1]), replicas=2, instances=1, grpc_port=0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(MAX_AGE_VARIABLE, "1")  # so that processes are replaced soon
        service = lifecycle.start(store, wanted, "tester")
    with client(store, service) as connected:
        yield Served(store, service, str(store.service_token("recorded")), connected)
    lifecycle.stop(store, "recorded")
    store.close()


class Recorded:
    """What was recorded of the service so far."""

    def __init__(self, served: Served) -> None:
        folder = served.store.service_folder("recorded")
        self.collector = Collector(folder / FOLDER, folder / KEPT)

    def requests(self) -> int:
        self.collector.fold()
        return sum(int(one.sums["requests"].sum()) for one in self.collector.observed("adder@1", "adder@2"))

    def bought(self) -> set[tuple[int, float]]:
        self.collector.fold()
        observed = [one for one in self.collector.observed("adder@1", "adder@2", [BUYS]) if one.units]
        pairs = [zip(one.sums["requests"], one.sums["buys"], strict=True) for one in observed]
        return {(int(asked), float(bought)) for pair in pairs for asked, bought in pair}


@pytest.fixture
def recorded(served: Served) -> Iterator[Recorded]:
    """With recording on."""
    changing.change(served.store, "recorded", {"recording": {"exposures": True, "attributes": ["region"]}})
    one = Recorded(served)
    yield one
    one.collector.close()


def services(served: Served) -> Services:
    return Workspace(served.store.settings.root).services


def outcomes(served: Served, *given: dict[str, Any]) -> httpx.Response:
    return served.client.post("/outcomes", json={"outcomes": [*given]})


def test_outcomes_are_refused_where_nothing_is_recorded(served: Served) -> None:
    refused = outcomes(served, {"unit": "ann", "metric": "buys"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    with pytest.raises(Conflict, match="records no exposures"):
        services(served).record_outcomes("recorded", [{"unit": "ann", "metric": "buys"}])


def test_all_ways_to_ask_are_recorded_and_outcomes_find_them(served: Served, recorded: Recorded) -> None:
    for path, body in BODIES.items():
        headers = {"X-Unit-Id": "ann", "X-Attribute-Region": "eu"}
        assert served.client.post(path, json=body, headers=headers).status_code == 200
    answer = served.client.post("/predict", json=BODIES["/predict"])
    request = answer.headers["X-Request-Id"]
    message = ModelInferRequest(model_name="adder", raw_input_contents=[bytes(16)])
    message.inputs.add(name="x", datatype="FP32", shape=[1, 4])
    with grpc.insecure_channel(str(served.service.grpc_url)) as channel:
        metadata = (("authorization", f"Bearer {served.token}"), ("x-unit-id", "ann"))
        bytes_call(channel)(message.SerializeToString(), metadata=metadata, timeout=120)
    headers = [f"Authorization: Bearer {served.token}", "X-Unit-Id: ann"]
    address = f"{served.service.url}/v2/models/adder/stream".replace("http", "ws", 1)
    stream = websocket.create_connection(address, header=headers, timeout=120, suppress_origin=True)
    stream.send(json.dumps({"inputs": [X]}))
    assert "outputs" in json.loads(stream.recv())
    stream.shutdown()
    taken = outcomes(served, {"unit": "ann", "metric": "buys", "value": 2}, {"request_id": request, "metric": "buys"})
    assert (taken.status_code, taken.json()) == (202, {"taken": 2})
    assert services(served).record_outcomes("recorded", [{"unit": "ann", "metric": "buys"}]) == 1
    until(lambda: recorded.bought() == {(5, 3.0), (1, 1.0)}, "each process tells of its requests and outcomes")
    observed = recorded.collector.observed("adder@1", "adder@2")
    assert "eu" in {value for one in observed for value in one.attributes.get("region", ())}
    assert recorded.collector.suspicions("adder@1", "adder@2", [BUYS]) == []


@pytest.mark.usefixtures("recorded")
def test_wrong_outcomes_are_refused_and_the_route_is_described(served: Served) -> None:
    for body, status in (
        (b'{"outcomes": [{"unit": "ann", "metric": "buys", "value": NaN}]}', 400),
        (b'{"outcomes": [{"unit": "ann", "metric": "buys", "value": 1e999}]}', 400),
        (b'{"outcomes": 7}', 400),
        (b" " * 5_000_000, 413),
    ):
        refused = served.client.post("/outcomes", content=body)
        assert (refused.status_code, bool(refused.json()["error"]["message"])) == (status, True)
    assert httpx.post(f"{served.service.url}/outcomes", json={"outcomes": []}, timeout=120).status_code == 401
    with pytest.raises(InvalidInput, match=r"outcomes\[0\]"):
        services(served).record_outcomes("recorded", [{"unit": "ann"}])
    told = served.client.get("/openapi.json").json()["paths"]["/outcomes"]["post"]
    assert {"202", "400", "401", "409", "413"} <= told["responses"].keys()


def test_nothing_is_lost_when_processes_are_replaced_and_when_the_service_stops(
    served: Served, recorded: Recorded
) -> None:
    earlier = recorded.requests()
    for number in range(40):
        assert served.client.post("/predict", json=BODIES["/predict"], headers={"X-Unit-Id": f"u{number}"}).is_success
    changing.change(served.store, "recorded", {"instances": 2})
    for number in range(40):
        assert served.client.post("/predict", json=BODIES["/predict"], headers={"X-Unit-Id": f"u{number}"}).is_success
    lifecycle.stop(served.store, "recorded")
    assert recorded.requests() == earlier + 80
    assert recorded.collector.suspicions("adder@1", "adder@2", [BUYS]) == []  # nobody crossed, though processes changed
    late = {"unit": "u1", "metric": "buys", "at": time.time()}
    assert services(served).record_outcomes("recorded", [late]) == 1
