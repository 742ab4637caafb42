"""What tests of a real service share: versions in a store, specs, and clients that carry the token."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx

from jupyter_modeldeploy.records import Arm, Format, Lineage, NewVersion, ServedModel, Service, ServiceSpec, Step
from jupyter_modeldeploy.store import Store

MAX_BODY = 2**20


@dataclass
class Served:
    """A running service: its row, its token, and a client that carries it."""

    store: Store
    service: Service
    token: str
    client: httpx.Client

    @property
    def port(self) -> int:
        return int(str(self.service.url).rsplit(":", 1)[1])


def add(store: Store, model: str, folder: Path, task: str = "tensor") -> None:
    new = NewVersion(model=model, format=Format.onnx, task=task, lineage=Lineage(step=Step.imported))
    store.versions.add(new, folder)


def spec(name: str, *models: tuple[str, list[float]], **more: object) -> ServiceSpec:
    """A service of `models`, each with the weights of its versions 1, 2, …"""
    served = [
        ServedModel(model=model, arms=[Arm(version=n + 1, weight=weight) for n, weight in enumerate(weights)])
        for model, weights in models
    ]
    return ServiceSpec.model_validate({"name": name, "models": [one.model_dump() for one in served], **more})


def client(store: Store, service: Service) -> httpx.Client:
    token = store.service_token(service.name)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.Client(base_url=str(service.url), headers=headers, timeout=120)
