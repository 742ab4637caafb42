"""Every text of the front end has its Chinese, with the same places for values."""

from __future__ import annotations

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
