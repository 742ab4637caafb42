"""A model's graph with the time of each node, as one page that needs nothing beside it."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import jinja2
import orjson
from markupsafe import Markup

from jupyter_modeldeploy import languages
from jupyter_modeldeploy.errors import Unavailable
from jupyter_modeldeploy.records.base import Record
from jupyter_modeldeploy.records.graphs import ModelGraph
from jupyter_modeldeploy.records.profiles import Operator
from jupyter_modeldeploy.reporting import netron
from jupyter_modeldeploy.reporting.graph_groups import grouped
from jupyter_modeldeploy.reporting.page import Page, template

THEMED = """<script>(() => {
  const frame = document.currentScript.previousElementSibling, page = frame.srcdoc, { dataset } = document.body;
  const follow = () => {
    const scheme = { true: "light", false: "dark" }[dataset.jpThemeLight];
    if (scheme) frame.srcdoc = page.replace('content="light dark"', `content="${scheme}"`);
  };
  const themes = new MutationObserver(() => { frame.isConnected ? follow() : themes.disconnect(); });
  themes.observe(document.body, { attributeFilter: ["data-jp-theme-light"] });
  follow();
})()</script>"""
"""After a frame: has it light or dark as JupyterLab's theme. By style alone it cannot be: in Chromium 156 a sandboxed
frame heeds the system and not the `color-scheme` of the element around it."""
BUNDLE = Path(__file__).parent / "static" / "graph.js"


class GraphPage(Page, Record):
    """A version's graph that shows itself: its nodes in the colour of their share of a run, the hottest in a list.

    Names in it are the model's and may say anything: they are data to the page, whose policy allows its own scripts by
    their hashes, and neither the network nor anything else."""

    version: str
    graph: ModelGraph
    operators: list[Operator]

    def html(self, language: str = "") -> str:
        """The page, its own words in the first language of `language` ("zh-CN,zh;q=0.9") that there are texts for.
        Raises Unavailable where Netron or the front end is missing."""
        scripts = [netron.script(), _bundle()]
        styles = [netron.style(), _style()]
        texts = _texts(language, scripts[1])
        return _template().render(
            title=self.heading(),
            language=language.split(",")[0] if texts else "en",
            policy=_policy(scripts, styles),
            scripts=[Markup(each) for each in scripts],
            styles=[Markup(each) for each in styles],
            data=Markup(_data({**self._drawn(), "texts": texts})),
        )

    def heading(self) -> str:
        return f"Graph of {self.version}"

    def _repr_html_(self) -> str:
        """The page within a frame that reaches nothing of the notebook, light or dark as JupyterLab's theme; elsewhere
        as the system wishes."""
        frame = 'sandbox="allow-scripts" style="width: 100%; height: 640px; border: 0"'
        drawn = f'<iframe {frame} title="{escape(self.heading())}" srcdoc="{escape(self.html())}"></iframe>'
        return drawn + THEMED

    def _drawn(self) -> dict[str, Any]:
        names = Counter(node.name for node in self.graph.nodes if node.kind == "operator")
        times = _by_name(self.operators)
        nodes = [
            {
                **node.model_dump(exclude_defaults=True),
                "operator": _operator(times[node.name], names[node.name])
                if node.kind == "operator" and node.name in times
                else None,
            }
            for node in self.graph.nodes
        ]
        beside = [_operator([one], 1) for one in self.operators if one.name not in names]
        return {
            "version": self.version,
            "nodes": nodes,
            "edges": self.graph.edges,
            "group": asdict(grouped(self.graph)),
            "beside": beside,
        }


def _by_name(operators: Iterable[Operator]) -> dict[str, list[Operator]]:
    found: dict[str, list[Operator]] = defaultdict(list)
    for one in operators:
        found[one.name].append(one)
    return found


def _operator(rows: list[Operator], sharing: int) -> dict[str, Any]:
    """The costliest row of a name, with the time of all of them; nodes of one name share it."""
    dumped = rows[0].model_dump(exclude_none=True, exclude={"layer", "operations", "bytes"})
    for name in ("time_ms", "share", "calls"):
        dumped[name] = sum(getattr(row, name) for row in rows) / sharing
    return dumped


def _texts(language: str, script: str) -> dict[str, list[str]]:
    """Those of the texts that the script says."""
    return {text: forms for text, forms in languages.texts(language).items() if text in script}


def _data(data: dict[str, Any]) -> str:
    """JSON that cannot end the element it stands in."""
    return orjson.dumps(data).decode().replace("<", "\\u003c")


def _policy(scripts: Iterable[str], styles: Iterable[str]) -> str:
    """The page's own scripts and styles, and nothing else from anywhere (W3C, "Content Security Policy Level 3")."""
    allowed = {"script-src": scripts, "style-src": styles}
    own = [f"{name} {' '.join(_hash(each) for each in each_of)}" for name, each_of in allowed.items()]
    return "; ".join(["default-src 'none'", *own, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _bundle() -> str:
    if not BUNDLE.exists():
        raise Unavailable(f"The front end is not built: {BUNDLE.name} is missing.", "Run: jlpm build")
    return BUNDLE.read_text("utf-8")


@cache
def _style() -> str:
    return (Path(__file__).parent / "templates" / "graph.css").read_text("utf-8")


@cache
def _template() -> jinja2.Template:
    return template("graph.html.j2")
