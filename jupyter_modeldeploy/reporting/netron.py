"""The part of Netron that draws: how nodes look (grapher) and where they lie (dagre).

Nothing else of it is used, so that what it would ask of the network (consent, statistics, its newest version) is not
there at all. Its modules become plain scripts: a page in a sandbox has no origin to import modules from."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from jupyter_modeldeploy.errors import Unavailable

NOTICE = """/* grapher.js and dagre.js of Netron, Copyright (c) Lutz Roeder, with dagre, Copyright (c) Chris Pettitt;
both under the MIT License: https://github.com/lutzroeder/netron/blob/main/LICENSE */
"""
EXPORT = re.compile(r"\nexport const \{[^}]*\} = (\w+);\s*\Z")


@cache
def script() -> str:
    """Two objects of the page: `grapher` and `dagre`. Raises Unavailable without Netron, or with another than known."""
    return NOTICE + "\n".join(f"const {name} = (() => {{{_body(name)}\n}})();" for name in ("grapher", "dagre"))


@cache
def style() -> str:
    """How Netron's nodes and edges look, without its last block: the colours for a system that is dark. Ours go by the
    page's own scheme (`graph.css`)."""
    return _source("grapher.css").partition("@media (prefers-color-scheme: dark)")[0]


def _body(name: str) -> str:
    found = EXPORT.search(source := _source(f"{name}.js"))
    if found is None or found[1] != name:
        raise Unavailable(f"This release of Netron has no {name}.js as it is known here.", "pip install netron==9.3.3")
    return f"{source[: found.start()]}\nreturn {name};"


def _source(name: str) -> str:
    try:
        return (files("netron") / name).read_text("utf-8")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise Unavailable(f"Netron's {name}, which draws graphs, is missing.", "pip install netron==9.3.3") from error
