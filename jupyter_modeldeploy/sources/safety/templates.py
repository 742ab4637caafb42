"""Chat templates: Jinja programs that a tokenizer brings. transformers runs them in a sandbox, others do not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes

from jupyter_modeldeploy.records import Finding

PRIVATE = re.compile(r"__\w*|^(mro|f_globals|gi_frame|func_globals|cr_frame|tb_frame)$|_\w+__")
MAX_CHARACTERS = 1 << 20
GENERATION = re.compile(r"\{%-?\s*(end)?generation\s*-?%\}")
"""A mark of transformers' own, which Jinja does not know."""
LOADING = (nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends)


def look(template: str, name: str) -> Iterator[Finding]:
    """Findings in one template: attributes by which a template comes to Python's own functions, and files it loads."""
    if len(template) > MAX_CHARACTERS:
        yield Finding(file=name, kind="chat-template", dangerous=False, message="is too long to look through")
        return
    for reached in sorted(set(_reached(template))):
        message = f"has a chat template that reaches {reached[:100]!r}, by which it could run code"
        yield Finding(file=name, kind="chat-template", dangerous=True, message=message)


def _reached(template: str) -> Iterator[str]:
    try:
        environment = Environment(extensions=["jinja2.ext.loopcontrols"])
        tree = environment.parse(GENERATION.sub("", template))
    except (TemplateSyntaxError, RecursionError):
        yield from re.findall(r"__\w+__|\|\s*attr\b", template)
        return
    for node in tree.find_all((nodes.Getattr, nodes.Filter, nodes.Const, nodes.TemplateData, *LOADING)):
        if isinstance(node, nodes.Getattr) and PRIVATE.search(node.attr):
            yield node.attr
        elif isinstance(node, nodes.Filter) and node.name == "attr":
            yield "attr"
        elif isinstance(node, LOADING):
            yield type(node).__name__.lower()
    for item in tree.find_all(nodes.Getitem):
        yield from (text for text in _texts(item.arg) if PRIVATE.search(text))


def _texts(node: nodes.Node) -> Iterator[str]:
    """The strings that a key is, or is put together from."""
    constants = [node, *node.find_all(nodes.Const)]
    texts = [one.value for one in constants if isinstance(one, nodes.Const) and isinstance(one.value, str)]
    yield from texts
    yield "".join(texts)
