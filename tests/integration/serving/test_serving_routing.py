"""A running service sends each request to the version that its rules, namespace and split say, whichever protocol it
comes by, and as a preview tells."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import tiny_onnx
import websocket
from grpc_service import GrpcServed, X, tensor
from serving_service import add, client, spec
from waiting import until

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.records import RoutingPreview
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.workspace import Workspace

EU = {"name": "europe", "conditions": [{"attribute": "region", "operator": "in", "value": ["eu", "uk"]}], "version": 2}
MANY = {"conditions": [{"attribute": "rows", "operator": ">=", "value": 2}], "version": 2}
ROW = [1, 2, 3, 4]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """With the service `routed` of two versions, of which the first has all the traffic."""
    folder = tmp_path_factory.mktemp("routed")
    with contextlib.closing(Workspace(folder / "root")) as workspace:
        for number in (1, 2):
            add(workspace.store, "adder", tiny_onnx.add_one(folder / f"adder{number}", number))
        workspace.services.start(spec("routed", ("adder", [1, 0]), grpc_port=0))
        yield workspace
        workspace.services.stop("routed")


def asked(connected: httpx.Client, rows: int = 1, **headers: str) -> str:
    """Which version answered."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = connected.post("/predict", json={"inputs": {"x": [ROW] * rows}}, headers=sent)
    return str(answer.raise_for_status().json()["model"])


def processes_of(workspace: Workspace) -> set[int]:
    process = workspace.services.get("routed").process
    assert process is not None
    return {one.pid for one in processes.group(process)}


def test_rules_are_followed_at_once_by_every_protocol(workspace: Workspace) -> None:
    before = processes_of(workspace)
    service = workspace.services.route("routed", rules=[EU, MANY])
    token = str(workspace.services.token("routed"))
    with client(workspace.store, service) as connected:
        assert [asked(connected, x_attribute_region=region) for region in ("eu", "us")] == ["adder@2", "adder@1"]
        assert [asked(connected, rows) for rows in (1, 2)] == ["adder@1", "adder@2"]
    with GrpcServed(workspace.store, service, token).client() as triton:
        for headers, inputs, version in (
            ({"x-attribute-region": "uk"}, X, "2"),
            ({}, X, "1"),
            ({}, X.repeat(3, 0), "2"),
        ):
            answer = triton.infer("adder", [tensor(inputs)], headers=headers).get_response()
            assert answer.model_version == version
    address = str(service.url).replace("http", "ws", 1) + "/predict/stream"
    stream = websocket.create_connection(address, header=[f"Authorization: Bearer {token}"], timeout=120)
    for rows, version in ((1, "adder@1"), (2, "adder@2")):
        stream.send(json.dumps({"inputs": {"x": [ROW] * rows}}))
        assert json.loads(stream.recv())["model"] == version
    stream.shutdown()
    assert processes_of(workspace) == before


def test_who_gets_what_is_what_the_preview_said(workspace: Workspace) -> None:
    units = [f"user-{number}" for number in range(60)]
    workspace.services.change("routed", models=[{"model": "adder", "arms": [{"version": 1}, {"version": 2}]}])
    service = workspace.services.route("routed", rules=[EU], namespace={"id": "checkout", "start": 0.2, "end": 1})
    with client(workspace.store, service) as connected:
        for attributes in ({}, {"region": "eu"}):
            told = workspace.services.preview("routed", units, attributes=attributes).assignments
            headers: dict[str, Any] = {f"x_attribute_{name}": value for name, value in attributes.items()}
            got = [asked(connected, x_unit_id=unit, **headers) for unit in units]
            assert got == [f"adder@{one.version}" for one in told]
    whys = {one.why for one in workspace.services.preview("routed", units).assignments}
    assert whys == {"share", "outside the namespace"}
    assert sum(each.units for each in workspace.services.preview("routed").shares) == 1000


def test_a_draft_is_previewed_with_what_is_wrong_with_it_and_changes_nothing(workspace: Workspace) -> None:
    before = workspace.services.get("routed").revision
    drafted: dict[str, Any] = {"rules": [EU, MANY], "namespace": None, "shadow": [{"version": 1}]}

    def shown(**routing: Any) -> RoutingPreview:
        return workspace.services.preview("routed", ["alice"], attributes={"region": "eu"}, routing=drafted | routing)

    told = shown()
    assert (told.assignments[0].version, told.assignments[0].rule, told.shadow) == (2, "europe", [1])
    assert shown(rules=[]).assignments[0].why != "rule"
    with pytest.raises(InvalidInput, match="never reached"):
        shown(rules=[EU, EU])
    with pytest.raises(InvalidInput, match="attribute"):
        shown(rules=[{"conditions": [{"attribute": "", "value": "eu"}], "version": 2}])
    with pytest.raises(NotFound, match="adder@9"):
        shown(shadow=[{"version": 9}])
    assert workspace.services.get("routed").revision == before


def test_a_shadow_is_compared_and_counted_nowhere_else(workspace: Workspace) -> None:
    arms = [{"version": 1}, {"version": 2, "weight": 0}]
    workspace.services.change("routed", models=[{"model": "adder", "arms": arms}])
    before = processes_of(workspace)
    service = workspace.services.route("routed", shadow=[{"version": 2}])
    with client(workspace.store, service) as connected:
        assert {asked(connected) for _ in range(30)} == {"adder@1"}

    def compared() -> Any:
        told = workspace.services.shadow("routed")
        return sum(one.copies for one in told.comparisons) + told.dropped >= 30 and told

    (found,) = until(compared).comparisons
    assert (found.version, found.shadow, found.errors.value) == ("adder@1", "adder@2", 0)
    assert found.agreement is not None
    assert found.agreement.value == 0
    assert processes_of(workspace) == before
    assert lifecycle.log_tail(workspace.store, "routed", 200).count("Traceback") == 0
