"""The magics in a real kernel: the command line's commands with Python's variables, rich output and completion, and a
cell's function as an endpoint."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import tiny_onnx
from notebook_kernel import Notebook, magics

from jupyter_modeldeploy import Workspace

GREET = """
def greet(name: str, times: int = 1):
    if times < 0:
        raise ValueError("times is negative")
    return {"words": ["Hello " + name] * times}
"""


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    with magics() as opened:
        yield opened
    workspace = Workspace()
    for service in workspace.services.list():
        workspace.services.stop(service.name)
    workspace.close()


def test_the_commands_run_in_cells_with_pythons_variables(notebook: Notebook, tmp_path: Path) -> None:
    """Load, list, fetch, keep what came out, complete, ask for help, and be told what is wrong."""
    heavy = "import sys; sorted({'torch', 'transformers', 'onnx', 'onnxruntime', 'sqlalchemy'} & set(sys.modules))"
    assert notebook.run(heavy).value == "[]"

    listed = notebook.run("%modeldeploy models list")
    assert "Fetch one: %modeldeploy fetch" in listed.text
    assert "<table" in notebook.run("%modeldeploy devices -o found").rich
    assert notebook.run("found.devices[0].id").value == "'cpu'"

    folder = tiny_onnx.classifier(tmp_path / "two words")
    notebook.run(f"folder, name = {str(folder)!r}, 'films'")
    fetched = notebook.run("%modeldeploy fetch file:$folder --name {name} -o job\njob.version().ref")
    assert "<progress" in fetched.rich
    assert "Made films@1" in fetched.text
    assert fetched.value == "'films@1'"
    assert "<td" in notebook.run("%modeldeploy models show $name").rich

    assert notebook.completed("%modeldeploy jo") == ["%modeldeploy jobs"]
    assert notebook.completed("1\n%modeldeploy models show films@") == ["1\n%modeldeploy models show films@1"]
    assert notebook.completed("%modeldeploy serve films@1 --max-b") == [
        f"%modeldeploy serve films@1 --max-{ending}" for ending in ("batch-rows", "body-bytes")
    ]
    assert notebook.completed("%modeldeploy quantize films --method st") == [
        "%modeldeploy quantize films --method static-int8"
    ]
    assert notebook.completed("%modeldeploy fetch $fold") == ["%modeldeploy fetch $folder"]

    assert "| `--name` |" in notebook.run("%modeldeploy fetch --help").rich
    assert "| `%modeldeploy jobs cancel` |" in notebook.run("%modeldeploy jobs --help").rich

    missing = notebook.run("%modeldeploy models show nothing@2")
    assert missing.error.startswith("NotFound\n")
    assert "Traceback" not in missing.error
    assert "--nme" in notebook.run("%modeldeploy fetch x --nme y").error
    assert "no file or folder /nowhere" in notebook.run("%modeldeploy fetch file:/nowhere --name x").error
    assert "has no use for a cell" in notebook.run("%%modeldeploy jobs list\n1").error
    caught = (
        "from jupyter_modeldeploy.errors import NotFound\ntry:\n    %modeldeploy models show no@1\nexcept NotFound: 7"
    )
    assert "7" not in notebook.run(caught).error


def test_interrupting_the_kernel_ends_the_waiting_alone(notebook: Notebook) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/model.onnx"
        stopped = notebook.run(f"%modeldeploy fetch {url} --name films", interrupt=True)
        assert stopped.error.startswith("Interrupted\n")
        assert "%modeldeploy jobs cancel" in stopped.error
        assert notebook.run("%modeldeploy jobs list -o found\nfound.jobs[0].state.ended").value == "False"
        notebook.run("%modeldeploy jobs cancel {found.jobs[0]}")
        assert "cancelled" in notebook.run("%modeldeploy jobs list").text


def test_a_cells_function_is_an_endpoint(notebook: Notebook) -> None:
    """Serve, ask by every way, change without a new address, be told what is wrong, stop."""
    served = notebook.run(f"%%modeldeploy serve greet -o endpoint --max-queue 8\n{GREET}")
    assert served.error == ""
    assert "greet is ready" in served.text
    url = notebook.run("endpoint").value

    notebook.run("people = ['--Ann', 'Bob']")
    assert '["Hello --Ann"]' in notebook.run("%modeldeploy predict greet $people").text
    assert (
        '["Hello Ann", "Hello Ann"]'
        in notebook.run('%modeldeploy predict greet --body \'{"name": "Ann", "times": 2}\'').text
    )
    assert '["Hello Eve"]' in notebook.run("%%modeldeploy predict greet\nEve").text
    assert "times is negative" in notebook.run('%%modeldeploy predict greet\n{"name": "Ann", "times": -1}').error

    token = notebook.run("%modeldeploy services token greet -o token")
    assert "not shown" in token.text
    secret = notebook.run("token").value.strip("'")
    headers = {"Authorization": f"Bearer {secret}"}
    body = {"inputs": [{"name": "name", "datatype": "BYTES", "shape": [2], "data": ["Ann", "Bob"]}]}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=120) as client:
        answer = client.post("/v2/models/greet/infer", json=body).json()
        assert answer["outputs"][0]["data"] == ['{"words":["Hello Ann"]}', '{"words":["Hello Bob"]}']
        described = client.get("/openapi.json").json()["paths"]["/predict/greet"]["post"]["requestBody"]
        assert '"required": ["name"]' in str(described).replace("'", '"')
        answer = client.post("/v1/models/greet:predict", json={"instances": [{"name": "Ann"}]}).json()
        assert answer == {"predictions": [{"words": ["Hello Ann"]}]}
        assert client.post("/predict", json={"name": 3}).status_code == 400

    again = notebook.run(
        '%%modeldeploy serve greet --max-queue 8\ndef greet(name: str) -> str:\n    return "Bye " + name'
    )
    assert "greet is ready" in again.text
    assert notebook.run("endpoint.url, endpoint.predict('Ann')").value == f"('{url}', ['Bye Ann'])"

    assert "needs nme" in notebook.run("%%modeldeploy serve greet\ndef greet(name):\n    return nme").error
    assert "NameError" not in notebook.run("endpoint.predict('Ann')").error  # what was served goes on
    assert "greet is stopped" in notebook.run("%modeldeploy services stop greet").text
