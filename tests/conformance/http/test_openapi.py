"""A service is what its own OpenAPI says: Schemathesis sends each operation what it takes, and what it does not."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_onnx
from serving_service import Served, add, client, spec

from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

CONFIG = r"""
# That what fits the schema is accepted is asked of every operation but these:
# no schema can say that the data of a tensor has as many values as its shape says; the examples of it are asked
[[operations]]
include-path-regex = "/infer$"
phases.coverage.checks.positive_data_acceptance.enabled = false
phases.fuzzing.checks.positive_data_acceptance.enabled = false

# these refuse whatever they are sent, and are told without a 200
[[operations]]
include-method = "POST"
include-path-regex = "/(logging|trace/setting|cudasharedmemory/region/.region./register)$"
checks.positive_data_acceptance.enabled = false

# no made-up key is that of a shared memory object
[[operations]]
include-path-regex = "/systemsharedmemory/region/.region./register$"
checks.positive_data_acceptance.enabled = false
"""
EXAMPLES = 30 if os.environ.get("ALL_GENERATED") else 10
"""Made-up requests for each operation."""
REPOSITORY = "/repository/models/.model./(load|unload)$"


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`adder`, of tensors, and `texts`, over HTTP alone."""
    folder = tmp_path_factory.mktemp("openapi")
    store = Store(Settings(folder / "root"))
    add(store, "adder", tiny_onnx.add_one(folder / "adder"))
    add(store, "texts", tiny_onnx.classifier(folder / "texts"), "text-classification")
    service = lifecycle.start(store, spec("described", ("adder", [1]), ("texts", [1]), instances=1), "tester")
    with client(store, service) as connected:
        yield Served(store, service, str(store.service_token("described")), connected)
    lifecycle.stop(store, "described")
    store.close()


def ask(described: Served, folder: Path, count: int, *which: str) -> None:
    """Run all checks of Schemathesis with the same requests at each run, in a process of its own: its plugin for
    pytest does not know the pytest that we run."""
    (folder / "schemathesis.toml").write_text(CONFIG)
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "--no-color"]
    wanted = ["--generation-deterministic", f"--max-examples={count}", "--phases=examples,coverage,fuzzing", *which]
    headers = ["--header", f"Authorization: Bearer {described.token}"]
    run = subprocess.run(
        [*command, "run", f"{described.service.url}/openapi.json", *headers, *wanted],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_each_operation_does_what_is_told_of_it(described: Served, tmp_path: Path) -> None:
    others = ("--exclude-path-regex", REPOSITORY)  # which take the models away that others are of
    ask(described, tmp_path, EXAMPLES, *others)


def test_loading_and_unloading_do_what_is_told_of_them(described: Served, tmp_path: Path) -> None:
    ask(described, tmp_path, 10, "--include-path-regex", REPOSITORY)
    for model in ("adder", "texts"):
        assert described.client.post(f"/v2/repository/models/{model}/load").status_code == 200
