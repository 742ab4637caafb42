"""The command line says what it does, takes what the API takes, and is quick to ask."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jupyter_modeldeploy.amounts import figures
from jupyter_modeldeploy.cli.app import app
from jupyter_modeldeploy.cli.door import printable
from jupyter_modeldeploy.cli.reference import commands, with_commands
from jupyter_modeldeploy.records import Progress
from jupyter_modeldeploy.training.options import FinetuneOptions

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMANDS = {name: (command, parameters) for name, command, parameters in commands()}
HEAVY = ("torch", "transformers", "onnx", "onnxruntime", "scipy", "sqlalchemy", "numpy", "pydantic", "httpx")


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_does_with_an_example(name: str) -> None:
    command, parameters = COMMANDS[name]
    assert command.help
    assert command.epilog.startswith(f"Example: {name}")
    assert [each.name for each in parameters if not each.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_answer_in_json(name: str) -> None:
    assert "--json" in [flag for each in COMMANDS[name][1] for flag in each.opts]


def test_the_page_lists_the_commands_as_they_are() -> None:
    page = PAGE.read_text("utf-8")
    assert with_commands(page) == page, "run: python -m jupyter_modeldeploy.cli.reference"
    assert [name for name in COMMANDS if f"### `{name}`" not in page] == []


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['modeldeploy', '--help']\n"
        "from jupyter_modeldeploy.cli import main\n"
        "try: main()\n"
        f"finally: print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert ended.stderr.strip() == "[]"
    assert "quantize" in ended.stdout


def test_finetune_has_every_option_of_the_training_with_its_default() -> None:
    options = {each.name: each for each in COMMANDS["modeldeploy finetune"][1]}
    for name, field in FinetuneOptions.model_fields.items():
        assert options[name].default == field.get_default(call_default_factory=True)
        assert options[name].opts == ["--" + name.replace("_", "-")]


@pytest.mark.parametrize(
    "arguments",
    [
        ["finetune", "base", "--dataset", "d", "--name", "n", "--epochs", "0"],
        ["finetune", "base", "--dataset", "d", "--name", "n", "--epochs", "many"],
        ["serve", "m", "--name", "s", "--port", "70000"],
        ["serve", "m", "--name", "s", "--auth", "maybe"],
        ["serve", "m", "--name", "../s"],
        ["serve", "m", "--name", "s", "--split", "half"],
        ["jobs", "show", "../../etc"],
        ["predict", "s"],
        ["predict", "s", "--body", "{"],
        ["predict", "s", "--image", "nowhere.png"],
        ["predict", "s", "text", "--image", "nowhere.png"],
        ["models", "lst"],
        ["fetch"],
    ],
    ids=" ".join,
)
def test_a_wrong_use_ends_with_2_and_says_what_is_wrong(runner: CliRunner, arguments: list[str]) -> None:
    result = runner.invoke(app, arguments)
    assert result.exit_code == 2
    assert "Error" in result.stderr


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (Progress(), ""),
        (Progress(done=12e6, unit="bytes"), "12.0 MB"),
        (Progress(done=120, total=400, unit="steps"), "120/400 steps"),
        (
            Progress(done=120, total=400, unit="steps", seconds_left=87.5),
            "120/400 steps, 3.2 steps/s, 1:28 left",
        ),
        (
            Progress(done=45.8e6, total=91.6e6, unit="bytes", seconds_left=10),
            "45.8 MB of 91.6 MB, 4.6 MB/s, 0:10 left",
        ),
        (Progress(done=400, total=400, unit="steps", seconds_left=0), "400/400 steps"),
    ],
)
def test_progress_is_shown_with_its_rate_and_the_time_left(progress: Progress, shown: str) -> None:
    assert figures(progress) == shown


def test_text_from_elsewhere_cannot_steer_the_terminal() -> None:
    assert printable("é 模型\n\tok \x1b[2J\x07") == "é 模型\n\tok \\x1b[2J\\x07"


@pytest.mark.parametrize(
    ("noun", "advice"),
    [
        ("models", "fetch"),
        ("jobs", "fetch"),
        ("services", "serve"),
        ("datasets", "datasets add"),
    ],
)
def test_an_empty_list_says_how_to_begin(runner: CliRunner, noun: str, advice: str) -> None:
    result: Any = runner.invoke(app, [noun, "list"])
    assert result.exit_code == 0
    assert f"modeldeploy {advice}" in result.stdout


def test_a_noun_alone_lists_what_there_is(runner: CliRunner) -> None:
    for noun in ("models", "datasets", "jobs", "services"):
        assert runner.invoke(app, [noun]).stdout == runner.invoke(app, [noun, "list"]).stdout
        assert json.loads(runner.invoke(app, [noun, "--json"]).stdout) == {noun: []}
        assert "Commands" in runner.invoke(app, [noun, "--help"]).stdout
    assert runner.invoke(app, ["cache"]).stdout.startswith("0 files")


def test_advice_names_the_workspace_that_was_asked_for(runner: CliRunner, tmp_path: Path) -> None:
    result = runner.invoke(app, ["--root", str(tmp_path / "my work"), "models", "list"])
    assert f"modeldeploy --root '{tmp_path}/my work' fetch" in result.stdout


def test_the_version_is_the_packages(runner: CliRunner) -> None:
    from jupyter_modeldeploy import __version__

    assert runner.invoke(app, ["--version"]).stdout == f"modeldeploy {__version__}\n"
