"""Templates of Python, into which values come as literals only."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

WIDTH = 88
"""The longest line that ruff's and Black's default style leaves as it is."""


class Code(str):
    """Text of our own that goes into a program as it is."""

    __slots__ = ()


def literal(value: Any) -> str:
    """`value` as Python writes it, in one line of printable characters; in double quotes unless that takes more
    escapes, as formatters have it."""
    text = repr(value)
    if isinstance(value, str) and text.startswith("'") and value.count('"') <= value.count("'"):
        inside = text[1:-1].replace("\\'", "'").replace('"', '\\"')
        return f'"{inside}"'
    return text


def assignment(name: str, value: str | Path) -> Code:
    """`NAME = "text"` or `NAME = Path("…")`, broken where a formatter would."""
    inner = literal(str(value))
    made_by = "Path" if isinstance(value, Path) else ""
    line = f"{name} = {made_by}({inner})" if made_by else f"{name} = {inner}"
    broken = f"{name} = {made_by}(\n    {inner}\n)"
    return Code(broken if len(line) > WIDTH and (made_by or len(inner) + 4 <= WIDTH) else line)


def fitted(*parts: str) -> Code:
    """`before(inside)after`, given as these parts, in one line where that fits, else with the inside in its own."""
    before, inside, after = parts
    line = f"{before}({inside}){after}"
    return Code(line if len(line) <= WIDTH else f"{before}(\n    {inside}\n){after}")


def render(template: str, words: Mapping[str, Any]) -> str:
    """The program of a template in `templates/`; every value in it that is no `Code` is written as a literal."""
    return _environment().get_template(f"{template}.py.j2").render(words).strip("\n") + "\n"


def _finalized(value: Any) -> str:
    return value if isinstance(value, Code) else literal(value)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        finalize=_finalized,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # it is Python: `_finalized` makes literals
    )
    environment.globals.update(assignment=assignment, code=Code, fitted=fitted)
    return environment
