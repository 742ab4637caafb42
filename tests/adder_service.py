"""Services of a model that adds a number, as tests change them: their versions, requests, processes and rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tiny_onnx
from serving_service import add
from steady_load import SteadyLoad, post

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.records import Service
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.store import Store

BODY = json.dumps({"inputs": {"x": [[1, 2, 3, 4]]}}).encode()


def fill(store: Store, folder: Path) -> None:
    """`adder@1`, `adder@2` (which adds 2), `adder@3` (which is no model) and `slow`."""
    add(store, "adder", tiny_onnx.add_one(folder / "adder"))
    add(store, "adder", tiny_onnx.add_one(folder / "adder2", 2.0))
    add(store, "slow", tiny_onnx.slow(folder / "slow"))
    broken = folder / "broken"
    broken.mkdir()
    (broken / "model.onnx").write_bytes(b"no model")
    add(store, "adder", broken)


def only(version: int) -> dict[str, Any]:
    """The change to this version of it alone."""
    return {"models": [{"model": "adder", "arms": [{"version": version}]}]}


def load(store: Store, service: Service, **more: Any) -> SteadyLoad:
    port = int(str(service.url).rsplit(":", 1)[1])
    return SteadyLoad(("127.0.0.1", port), post("/predict", BODY, store.service_token(service.name)), **more)


def seen(store: Store, name: str = "one") -> Service:
    """The service's row, brought up to date."""
    lifecycle.reconcile(store)
    return store.services.get(name)


def pids(service: Service) -> set[int]:
    """Its server processes."""
    assert service.process is not None
    return {process.pid for process in processes.group(service.process)} - {service.process.pid}
