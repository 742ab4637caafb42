"""A magic's line takes Python's variables as they are, whatever is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.magics import line

VALUES: dict[str, Any] = {
    "name": "two words",
    "folder": Path("/a folder"),
    "rows": [3, 5],
    "texts": ["--help", "it's"],
    "scores": np.array([0.5]),
    "body": {"a": "é"},
    "nothing": None,
}


def split(written: str) -> list[str]:
    return line.split(written, lambda expression: eval(expression, VALUES))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("fetch $name", ["fetch", "two words"]),
        ("fetch file:$folder --name m{len(rows)}", ["fetch", "file:/a folder", "--name", "m2"]),
        ('say "it is {name}"', ["say", "it is two words"]),
        ("say '{name} $name' \"it's $name\"", ["say", "{name} $name", "it's two words"]),
        ("predict api {VALUES['name']}".replace("VALUES", "dict(name='x')"), ["predict", "api", "x"]),
        ("predict api $texts --model m", ["predict", "api", "--model", "m", "--", "--help", "it's"]),
        ("predict {scores}", ["predict", "--", "0.5"]),
        ("predict --body $body", ["predict", "--body", '{"a": "é"}']),
        ("pay 3$$", ["pay", "3$"]),
        ("serve {} {", ["serve", "{}", "{"]),
    ],
)
def test_a_line_becomes_words(written: str, words: list[str]) -> None:
    assert split(written) == words


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("fetch $nmae", "NameError"),
        ("fetch {1/0}", "ZeroDivisionError"),
        ("fetch $nothing", "is None"),
        ("fetch 'open", "No closing quotation"),
    ],
)
def test_what_cannot_be_put_in_is_told(written: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        split(written)


def test_a_name_can_be_given_to_what_comes_out() -> None:
    assert line.kept_as(["jobs", "-o", "found", "list"]) == (["jobs", "list"], "found")
    assert line.kept_as(["jobs", "list"]) == (["jobs", "list"], None)
    for words in (["jobs", "-o"], ["jobs", "-o", "1x"]):
        with pytest.raises(InvalidInput, match="name of a variable"):
            line.kept_as(words)
