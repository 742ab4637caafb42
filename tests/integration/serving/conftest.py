"""A real service, started as a user starts one, that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import adder_service
import pytest
import tiny_onnx
from serving_service import MAX_BODY, Served, add, client, spec

from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`adder` (versions that add 1 and 2, half of the traffic each, 3 without traffic), `texts`, `embed`, `slow`."""
    folder = tmp_path_factory.mktemp("served")
    store = Store(Settings(folder / "root"))
    for number in (1, 2, 3):
        add(store, "adder", tiny_onnx.add_one(folder / f"adder{number}", number))
    add(store, "texts", tiny_onnx.classifier(folder / "texts"), "text-classification")
    add(store, "embed", tiny_onnx.encoder(folder / "embed"), "feature-extraction")
    add(store, "slow", tiny_onnx.slow(folder / "slow"))
    wanted = spec(
        "shared",
        ("adder", [0.5, 0.5, 0.0]),
        ("texts", [1]),
        ("embed", [1]),
        ("slow", [1]),
        instances=2,
        max_body_bytes=MAX_BODY,
    )
    service = lifecycle.start(store, wanted, "tester")
    with client(store, service) as connected:
        yield Served(store, service, str(store.service_token("shared")), connected)
    lifecycle.stop(store, "shared")
    store.close()


@pytest.fixture
def models(store: Store, tmp_path: Path) -> Iterator[Store]:
    """A store with what `adder_service` has; whatever a test started is stopped."""
    adder_service.fill(store, tmp_path)
    yield store
    for service in store.services.list():
        lifecycle.stop(store, service.name, wait_s=5)
