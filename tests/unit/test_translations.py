"""Every text of the front end and every sentence of the server has its Chinese, with the same places for values."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import sentences

import jupyter_modeldeploy
from jupyter_modeldeploy.languages import in_language

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


@pytest.fixture(scope="module")
def chinese_sentences() -> dict[str, str]:
    return json.loads(sentences.CATALOGUE.read_text("utf-8"))  # type: ignore[no-any-return]


def test_every_sentence_of_the_server_has_its_chinese(chinese_sentences: dict[str, str]) -> None:
    said = sentences.sentences()
    wanting = [f"{said[text]}: {text}" for text in said if not chinese_sentences.get(text)]
    stale = sorted(chinese_sentences.keys() - said.keys())
    todo = (
        "Run `python tests/sentences.py`: it prints the sentences that have no Chinese, gives each an empty line in "
        "jupyter_modeldeploy/locale/zh_CN/sentences.json, and takes out those that are said no more. Write the "
        "Chinese into the empty lines, with the same %1, %2 … in it; code, paths, options and names stay as they are."
    )
    assert (wanting, stale) == ([], []), todo


def test_a_sentence_is_said_in_chinese_with_its_values(chinese_sentences: dict[str, str]) -> None:
    for text, said in chinese_sentences.items():
        # Values that stand side by side are told apart by how the second begins.
        values = {
            place: f" (Q{place[1:]})" if text[: text.find(place)][-1:].isdigit() else f"Q{place[1:]}"
            for place in PLACE.findall(text)
        }
        assert set(PLACE.findall(said)) == set(values), text
        assert in_chinese(filled(text, values)).replace(" ", "") == filled(said, values).replace(" ", ""), text


def filled(text: str, values: dict[str, str]) -> str:
    return PLACE.sub(lambda place: values[place[0]], text)


def test_what_is_not_known_stays_as_it_is() -> None:
    foreign = "Traceback: something is broken. The moon has cheese."
    assert in_chinese(foreign) == foreign
    answer = json.dumps({"message": "The log is empty.", "name": "The server is stopping."})
    assert in_language(answer, "zh-TW") == in_language(answer, "en") == in_language(answer, "") == answer
    assert json.loads(in_language(answer, "zh-CN,zh;q=0.9"))["name"] == "The server is stopping."


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("The disk is full: writing a checkpoint failed.", "磁盘已满：写入检查点失败。"),
        (
            "The service a did not start: The address cannot be had: [Errno 98] Address already in use.",
            "服务 a 未能启动：无法使用该地址：[Errno 98] Address already in use。",
        ),
        (
            "No model 'x'. Fetch one: modeldeploy fetch SOURCE --name NAME.",
            "没有模型 'x'。请获取一个：modeldeploy fetch SOURCE --name NAME。",
        ),
        (
            "bert@1 is in quarantine: a.pkl would import os.system when loaded (x); b.pkl is too long to look through.",
            "bert@1 已隔离：a.pkl 加载时会导入 os.system（x）；b.pkl 过长，无法检查。",
        ),
        (
            "minilm@2 answers 12 % faster (-1.2 ms, -1.4 to -1.0); the rate of errors is worse by 1 pp (0 to 2).",
            "minilm@2 回答快 12 %（-1.2 毫秒，-1.4 至 -1.0）；错误率逊于对方 1 个百分点（0 至 2）。",
        ),
        (
            "The service a did not start: Cannot map. Allow it more time. The end of its log:\nfailed: no. Try again.",
            "服务 a 未能启动：Cannot map. 请给它更多时间。其日志的结尾：\nfailed: no. Try again.",
        ),
    ],
)
def test_values_that_are_sentences_are_said_in_chinese_too(english: str, chinese: str) -> None:
    assert in_chinese(english) == chinese


def in_chinese(sentence: str) -> str:
    return str(json.loads(in_language(json.dumps({"error": {"message": sentence}}), "zh_CN"))["error"]["message"])


def test_what_the_server_is_said_to_say_is_what_it_says() -> None:
    listed = SAID.search((ROOT / "labextension" / "messages.mjs").read_text("utf-8"))
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
