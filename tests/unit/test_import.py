"""Importing the package, the façade or the server extension loads nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "onnx", "onnxruntime", "ultralytics", "accelerate", "scipy", "datasets", "optuna"}
CODE = "import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"


def modules_after(statement: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(statement=statement)], capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout))


def loaded_by(statement: str) -> set[str]:
    return {name.partition(".")[0] for name in modules_after(statement)}


@pytest.mark.parametrize(
    "statement",
    [
        "import jupyter_modeldeploy",
        "from jupyter_modeldeploy import Workspace; Workspace()",
        "import jupyter_modeldeploy; jupyter_modeldeploy._jupyter_server_extension_points()",
        "from jupyter_modeldeploy.jobs import worker",
    ],
)
def test_nothing_heavy_is_loaded(statement: str) -> None:
    assert loaded_by(statement) & HEAVY == set()


def test_no_http_client_is_loaded_before_somebody_downloads() -> None:
    working = "from jupyter_modeldeploy import Workspace; Workspace(); from jupyter_modeldeploy.jobs import worker"
    assert loaded_by(working) & {"httpx", "rich"} == set()


def test_the_package_alone_loads_nothing_but_itself_and_the_standard_library() -> None:
    added = loaded_by("import jupyter_modeldeploy") - loaded_by("pass")
    assert added - sys.stdlib_module_names == {"jupyter_modeldeploy"}


def test_a_server_process_without_a_grpc_port_does_not_pay_for_grpc() -> None:
    assert loaded_by("from jupyter_modeldeploy.serving import replica") & {"grpc", "grpc_health", "google"} == set()


def test_a_server_process_of_an_onnx_model_stays_small() -> None:
    serving = "from jupyter_modeldeploy.serving import replica; from jupyter_modeldeploy.runtimes import onnx"
    tasks = "from jupyter_modeldeploy.tasks import tensor, text_classification"
    not_needed = {"pydantic", "sqlalchemy", "psutil", "httpx", "PIL", "websockets", "torch", "scipy", "onnx"}
    assert loaded_by(f"{serving}; {tasks}") & not_needed == set()


def test_a_server_process_is_told_of_plugins_and_version_and_looks_through_no_installed_packages() -> None:
    imports = (
        "from jupyter_modeldeploy.serving import replica; from jupyter_modeldeploy.serving.protocols import metadata"
    )
    place = {"runtimes": {"onnx": "jupyter_modeldeploy.runtimes.onnx:OnnxRuntime"}}
    told = f"replica.plugins.use({place!r}); replica.release.use('1.2')"
    asked = "assert metadata.server()['version'] == '1.2'; replica.plugins.load('runtimes', 'onnx')"
    loaded = modules_after(f"{imports}; {told}; {asked}")
    assert "jupyter_modeldeploy.runtimes.onnx" in loaded
    assert "importlib.metadata" not in loaded


def test_the_inputs_of_a_warm_up_do_not_load_numpys_random() -> None:
    inputs = "jupyter_modeldeploy.serving.execution.trials import made_up"
    specs = "[TensorSpec('x', dtype, [-1, 4]) for dtype in ('FP32', 'BF16', 'INT64', 'BOOL')]"
    made = f"from {inputs}; from jupyter_modeldeploy.signatures import TensorSpec; made_up({specs}, 0)"
    assert "numpy.random" not in modules_after(made)
