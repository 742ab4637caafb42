"""Every text of the front end has its Chinese, with the same places for values."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import jupyter_modeldeploy

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"%\d")
SAID = re.compile(r"const SAID = \[\n(.*?)\n\];", re.DOTALL)


@pytest.fixture(scope="module")
def texts() -> list[list[str]]:
    """What there is to translate: one text, or its singular and its plural."""
    node = shutil.which("node")
    if node is None or not (ROOT / "node_modules" / "typescript").is_dir():
        pytest.skip("The front end's packages are not installed: jlpm install.")
    done = subprocess.run([node, ROOT / "labextension" / "messages.mjs"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def chinese() -> dict[str, list[str]]:
    [entry] = entry_points(group="jupyterlab.locale", name="jupyter_modeldeploy")
    assert entry.load() is jupyter_modeldeploy
    package = Path(jupyter_modeldeploy.__file__).parent
    catalogue = json.loads((package / "locale/zh_CN/LC_MESSAGES/jupyter_modeldeploy.json").read_text("utf-8"))
    assert catalogue.pop("")["language"] == "zh-CN"
    return catalogue  # type: ignore[no-any-return]


def test_no_text_is_without_its_translation(texts: list[list[str]], chinese: dict[str, list[str]]) -> None:
    assert sorted({text[0] for text in texts} - chinese.keys()) == []


def test_nothing_is_translated_that_is_not_said_any_more(texts: list[list[str]], chinese: dict[str, list[str]]) -> None:
    assert sorted(chinese.keys() - {text[0] for text in texts}) == []


def test_a_translation_has_a_place_for_each_value(chinese: dict[str, list[str]]) -> None:
    for text, forms in chinese.items():
        assert len(forms) == 1, text  # Chinese has one form for all numbers
        assert forms[0].strip(), text
        assert sorted(PLACE.findall(forms[0])) == sorted(PLACE.findall(text)), text


def test_what_the_server_is_said_to_say_is_what_it_says() -> None:
    listed = SAID.search((ROOT / "labextension" / "src" / "core" / "said.ts").read_text("utf-8"))
    assert listed is not None
    texts = {line.strip().removesuffix(",")[1:-1] for line in listed[1].splitlines()}
    sources = Path(jupyter_modeldeploy.__file__).parent.rglob("*.py")
    said = {text for source in sources for text in texts_of(ast.parse(source.read_text("utf-8")))}
    assert sorted(texts - said) == []


def texts_of(source: ast.AST) -> set[str]:
    """The texts of a program, with %1, %2 … where it puts values."""
    found = set()
    for node in ast.walk(source):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            places = iter(range(1, len(node.values) + 1))
            found.add(
                "".join(
                    str(part.value) if isinstance(part, ast.Constant) else f"%{next(places)}" for part in node.values
                )
            )
    return found
