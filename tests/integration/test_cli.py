"""The command line as a person and as a script uses it: real processes from fetching to stopping."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import model_files
import pytest
import tiny_bert
import tiny_onnx
from free_port import free_port
from typer.testing import CliRunner, Result

from jupyter_modeldeploy import Workspace, devices, processes
from jupyter_modeldeploy.api.operations import OPERATIONS
from jupyter_modeldeploy.cli.app import app

DEADLINE_S = 240
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def workspace_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One workspace for the module; its services are stopped at the end."""
    path = tmp_path_factory.mktemp("cli") / "root"
    yield path
    workspace = Workspace(path)
    for service in workspace.services.list():
        workspace.services.stop(service.name)
    workspace.close()


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tiny_onnx.classifier(tmp_path_factory.mktemp("model") / "classifier")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["BertForSequenceClassification"]}))
    return folder


@pytest.fixture(scope="module")
def modeldeploy(workspace_root: Path) -> Run:
    """Run `modeldeploy …` in this process; the jobs and services that it starts have their own."""
    runner = CliRunner(env={"JUPYTER_MODELDEPLOY_ROOT": str(workspace_root), "COLUMNS": "80"})

    def run(*arguments: str, text: str | None = None, status: int = 0) -> Result:
        result = runner.invoke(app, arguments, input=text, catch_exceptions=False)
        assert result.exit_code == status, f"{arguments}: {result.stdout}{result.stderr}"
        return result

    return run


@pytest.fixture(scope="module")
def fetched(modeldeploy: Run, model_folder: Path) -> dict[str, Any]:
    """The job that fetched the model `films`."""
    job: dict[str, Any] = json.loads(modeldeploy("fetch", f"file:{model_folder}", "--name", "films", "--json").stdout)
    return job


@pytest.fixture(scope="module")
def served(modeldeploy: Run, fetched: dict[str, Any]) -> str:
    """The running service `films-api`, which asks for a token."""
    modeldeploy("serve", "films", "--name", "films-api")
    return "films-api"


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "jupyter_modeldeploy.cli", *arguments]


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "JUPYTER_MODELDEPLOY_ROOT": str(root), "COLUMNS": "80"}


def test_a_fetched_model_is_listed_with_the_job_that_brought_it(modeldeploy: Run, fetched: dict[str, Any]) -> None:
    assert fetched["state"] == "succeeded"
    models = json.loads(modeldeploy("models", "list", "--json").stdout)["models"]
    assert [(model["name"], model["versions"][0]["ref"]) for model in models] == [
        ("films", fetched["result"]["version"])
    ]
    jobs = json.loads(modeldeploy("jobs", "list", "--json").stdout)["jobs"]
    assert fetched["id"] in [job["id"] for job in jobs]


@pytest.mark.parametrize("path", ["models", "jobs", "services", "datasets"])
def test_json_is_what_the_api_answers(
    modeldeploy: Run, fetched: dict[str, Any], workspace_root: Path, path: str
) -> None:
    operation = next(one for one in OPERATIONS if (one.method, one.path) == ("GET", path))
    answer = operation.call(Workspace(workspace_root), operation.parse({}))
    assert json.loads(modeldeploy(path, "list", "--json").stdout) == json.loads(answer.model_dump_json())


def test_a_detached_action_answers_at_once_and_can_be_waited_for(modeldeploy: Run, model_folder: Path) -> None:
    job_id = modeldeploy("fetch", f"file:{model_folder}", "--name", "later", "--detach").stdout.strip()
    assert re.fullmatch("[0-9a-f]{12}", job_id)
    waited = modeldeploy("jobs", "wait", job_id)
    assert "Made later@1" in waited.stdout
    assert "Serve it: modeldeploy serve later@1" in waited.stdout
    assert "Fetch" in waited.stderr


def test_the_log_of_a_job_is_followed_to_its_end(modeldeploy: Run, fetched: dict[str, Any]) -> None:
    assert "(attempt 1)" in modeldeploy("jobs", "log", fetched["id"], "--follow").stdout
    lines = modeldeploy("jobs", "log", fetched["id"], "--follow", "--json").stdout.splitlines()
    pieces = [json.loads(line) for line in lines]
    assert "(attempt 1)" in "".join(piece["text"] for piece in pieces)
    assert pieces[-1]["ended"]


def test_a_failed_action_ends_with_1_and_says_why(modeldeploy: Run) -> None:
    ended = modeldeploy("fetch", "file:/nowhere", "--name", "nothing", status=1)
    assert "/nowhere" in ended.stderr
    assert ended.stdout == ""


def test_an_error_in_json_is_the_apis_on_stderr(modeldeploy: Run) -> None:
    ended = modeldeploy("models", "show", "missing", "--json", status=1)
    assert ended.stdout == ""
    assert json.loads(ended.stderr)["error"]["code"] == "not_found"


def test_an_alias_names_a_version(modeldeploy: Run, fetched: dict[str, Any]) -> None:
    modeldeploy("models", "alias", "films", "production", "1")
    shown = json.loads(modeldeploy("models", "show", "films", "--json").stdout)
    assert shown["aliases"] == {"production": 1}
    assert "@production is 1" in modeldeploy("models", "show", "films").stdout


def test_a_version_is_shown_with_what_its_files_tell(modeldeploy: Run, tmp_path: Path) -> None:
    folder = tiny_bert.make_classifier(tmp_path / "told")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Films\n\nJudges \x1b[31mfilms.\n")
    modeldeploy("fetch", f"file:{folder}", "--name", "told")
    shown = modeldeploy("models", "show", "told@1").stdout
    for line in (
        r"Framework +transformers, BertForSequenceClassification",
        r"Parameters +24,258, most F32",
        r"Licence +Apache-2.0",
        r"in +input_ids +INT64 +\[any, any\]",
        r"model.safetensors +101\.4 kB",
        r"# Films",
        r"Judges \\x1b\[31mfilms\.",
    ):
        assert re.search(line, shown)
    page = json.loads(modeldeploy("models", "show", "told@latest", "--json").stdout)
    assert (page["ref"], page["facts"]["parameters"]) == ("told@1", 24_258)
    assert page["card_text"].startswith("# Films")


def test_what_cannot_be_used_yet_says_so_when_it_comes_and_when_it_is_to_be_served(
    modeldeploy: Run, tmp_path: Path
) -> None:
    model_files.gguf(tmp_path / "m.gguf", {"general.architecture": "llama"}, {"w": ("F16", [4, 4])})
    fetched = modeldeploy("fetch", f"file:{tmp_path}", "--name", "gguf")
    assert "nothing here runs the format gguf" in fetched.stdout
    assert "models show gguf@1" in fetched.stdout
    assert "llama.cpp" in modeldeploy("serve", "gguf", "--name", "never", status=1).stderr


def test_a_service_answers_texts_lines_and_requests_of_ones_own(modeldeploy: Run, served: str) -> None:
    assert modeldeploy("predict", served, "good film", "bad").stdout.split()[::2] == ["positive", "negative"]
    lines = json.loads(modeldeploy("predict", served, "-", "--json", text="bad\n\ngood\n").stdout)
    assert lines["version"] == "films@1"
    assert [answer["label"] for answer in lines["predictions"]] == ["negative", "positive"]
    own = json.loads(modeldeploy("predict", served, "--body", '{"text": "good"}', "--model", "films", "--json").stdout)
    assert [answer["label"] for answer in own["predictions"]] == ["positive"]
    refused = modeldeploy("predict", served, "--body", '{"nonsense": 1}', status=1)
    assert "A request of texts was expected" in refused.stderr


def test_serve_tells_how_to_call_without_showing_the_token(
    modeldeploy: Run, fetched: dict[str, Any], workspace_root: Path
) -> None:
    ready = modeldeploy("serve", "films@1", "--name", "told", "--replicas", "1")
    token = modeldeploy("services", "token", "told").stdout.strip()
    assert token
    assert token not in ready.stdout + ready.stderr
    for shown in ("services list", "services show told", "services log told", "services list --json"):
        assert token not in modeldeploy(*shown.split()).stdout
    (curl,) = re.findall("With curl: modeldeploy (.*)", ready.stdout)
    answer = subprocess.run(
        [f"{sys.executable} -m jupyter_modeldeploy.cli {curl.replace('curl', 'curl --silent')}"],
        shell=True, env=_environment(workspace_root), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(answer.stdout)["model"] == "films@1"
    assert json.loads(modeldeploy("services", "stop", "told", "--json").stdout)["state"] == "stopped"


def test_what_serve_suggests_for_tensors_can_be_asked_as_it_stands(modeldeploy: Run, tmp_path: Path) -> None:
    modeldeploy("fetch", f"file:{tiny_onnx.add_one(tmp_path / 'tiny')}", "--name", "tiny")
    ready = modeldeploy("serve", "tiny", "--name", "tensors")
    (ask,) = re.findall("Ask it: modeldeploy (.*)", ready.stdout)
    assert "answered by tiny@1" in modeldeploy(*shlex.split(ask)).stderr
    modeldeploy("services", "stop", "tensors")


def test_a_service_falls_back_is_reset_and_tells_its_requests(
    modeldeploy: Run, fetched: dict[str, Any], tmp_path: Path
) -> None:
    for _ in range(2):
        modeldeploy("fetch", f"file:{tiny_onnx.add_one(tmp_path / 'spare')}", "--name", "spare")
    modeldeploy("serve", "spare@2", "--name", "backed", "--fallback", "spare@1", "--log-sample", "1", "--rate", "100")
    shown = json.loads(modeldeploy("services", "show", "backed", "--json").stdout)["spec"]
    assert [served["fallback"] for served in shown["models"]] == [1]
    assert "nothing falls back" in modeldeploy("services", "change", "backed", "--fallback", "films", status=1).stderr

    changed = modeldeploy("services", "change", "backed", "--reset", "rate", "--json")
    assert json.loads(changed.stdout)["spec"]["rate_limit"]["rate"] is None
    assert "no option" in modeldeploy("services", "change", "backed", "--reset", "colour", status=2).stderr

    assert "none" in modeldeploy("services", "records", "backed", "--kind", "review").stdout
    modeldeploy("predict", "backed", "--body", '{"inputs": {"x": [[1, 2, 3, 4]]}}')
    while not (kept := json.loads(modeldeploy("services", "records", "backed", "--json").stdout)["records"]):
        pass  # a record takes a second to be written
    assert kept[-1]["model"] == "spare"
    modeldeploy("services", "stop", "backed")


def test_a_stopped_service_can_be_started_again_or_forgotten(modeldeploy: Run, served: str) -> None:
    running = modeldeploy("services", "remove", served, status=1)
    assert "Stop it first" in running.stderr
    assert "is stopped" in modeldeploy("services", "stop", served).stdout
    assert "is stopped" in modeldeploy("predict", served, "good", status=1).stderr
    assert json.loads(modeldeploy("services", "start", served, "--json").stdout)["state"] == "ready"
    modeldeploy("serve", "films", "--name", served, status=1)
    modeldeploy("services", "stop", served)
    modeldeploy("services", "remove", served)
    modeldeploy("services", "show", served, status=1)
    modeldeploy("serve", "films", "--name", served)


def test_a_service_without_a_token_warns_and_stays_on_this_machine(modeldeploy: Run, fetched: dict[str, Any]) -> None:
    opened = modeldeploy("serve", "films", "--name", "open", "--auth", "none")
    assert "Warning" in opened.stderr
    assert "services token" not in opened.stdout
    modeldeploy("services", "stop", "open")
    refused = modeldeploy("serve", "films", "--name", "wide", "--auth", "none", "--host", "0.0.0.0", status=1)
    assert "0.0.0.0" in refused.stderr


def test_the_traffic_is_split_as_asked(modeldeploy: Run, model_folder: Path, fetched: dict[str, Any]) -> None:
    modeldeploy("fetch", f"file:{model_folder}", "--name", "films")
    modeldeploy("serve", "films@1", "films@2", "--name", "split", "--split", "90,10")
    assert "films@1 90 %, films@2 10 %" in " ".join(modeldeploy("services", "show", "split").stdout.split())
    modeldeploy("services", "stop", "split")
    wrong = modeldeploy("serve", "films@1", "films@2", "--name", "split", "--split", "100", status=1)
    assert "1 weights for 2 versions" in wrong.stderr


def test_ctrl_c_leaves_the_job_running_and_says_how_to_follow_it(
    modeldeploy: Run, fetched: dict[str, Any], workspace_root: Path
) -> None:
    workspace = Workspace(workspace_root)
    device = devices.default_device("inference")
    workspace.store.leases.draw(device, "the-test", processes.current())  # so that the job waits for its turn
    waiting = subprocess.Popen(
        _command("convert", "films", "--graph", "slim"),
        env=_environment(workspace_root),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    job_id = next(line for line in waiting.stderr if "(job " in line).partition("(job ")[2].rstrip(")\n")
    waiting.send_signal(signal.SIGINT)
    _, rest = waiting.communicate(timeout=DEADLINE_S)
    assert waiting.returncode == 130
    assert f"The job {job_id} goes on" in rest
    assert f"modeldeploy jobs cancel {job_id}" in rest
    assert json.loads(modeldeploy("jobs", "show", job_id, "--json").stdout)["state"] == "queued"
    assert json.loads(modeldeploy("jobs", "cancel", job_id, "--json").stdout)["state"] == "cancelled"
    workspace.store.leases.give_back("the-test")
    workspace.close()


def test_names_are_completed_from_the_workspace(workspace_root: Path, fetched: dict[str, Any]) -> None:
    def completed(*words: str) -> list[str]:
        line = ("modeldeploy", *words)
        asked = {"COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(words)), "_MODELDEPLOY_COMPLETE": "complete_bash"}
        script = Path(sys.executable).with_name("modeldeploy")
        ended = subprocess.run(
            [script], env={**_environment(workspace_root), **asked}, capture_output=True, text=True, check=False
        )
        assert ended.stderr == ""
        return ended.stdout.split()

    assert "films@1" in completed("serve", "films")
    assert "films" in completed("models", "show", "fi")
    assert fetched["id"] in completed("jobs", "show", fetched["id"][:4])
    assert completed("services", "stop", "no-such") == []


def test_devices_are_listed(modeldeploy: Run) -> None:
    assert json.loads(modeldeploy("devices", "--json").stdout)["devices"][0]["id"] == "cpu"
    assert "cpu" in modeldeploy("devices").stdout


def test_tables_fit_80_columns(modeldeploy: Run, served: str) -> None:
    for shown in (
        "models list",
        "models show films",
        "jobs list",
        f"services show {served}",
        "services list",
        "devices",
    ):
        lines = modeldeploy(*shown.split()).stdout.splitlines()
        assert max(len(line.rstrip()) for line in lines) <= 80, shown


def test_the_commands_that_scripts_call_work_as_processes(workspace_root: Path, model_folder: Path) -> None:
    def call(*arguments: str) -> Any:
        ended = subprocess.run(
            _command(*arguments), env=_environment(workspace_root), capture_output=True, check=True, timeout=DEADLINE_S
        )
        return json.loads(ended.stdout) if "--json" in arguments else ended.stdout

    port = free_port()
    call("fetch", f"file:{model_folder}", "--name", "scripted")
    call("serve", "scripted@1", "--name", "scripted", "--port", str(port), "--auth", "none")
    answer = httpx.post(f"http://127.0.0.1:{port}/predict", json={"text": "good"}, trust_env=False, timeout=120)
    assert answer.json()["predictions"][0]["label"] == "positive"
    call("services", "stop", "scripted")
    assert "scripted" in [model["name"] for model in call("models", "list", "--json")["models"]]
    assert "Fetch" in call("jobs", "list", "--json")["jobs"][0]["title"]
