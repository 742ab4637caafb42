"""What the package says to people in sentences: errors and their hints, notes, warnings, progress, titles of jobs.

They are read from its sources, with %1, %2 … where values stand, and followed from where they are said (an error's
arguments, a record's `note`) to where they are written: constants, variables, and functions of ours that make them or
take them. `python tests/sentences.py` brings the Chinese catalogue up to date: a line without Chinese for each sentence
that is new, none for one that is said no more."""

from __future__ import annotations

import ast
import builtins
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydantic_core._pydantic_core import list_all_errors

from jupyter_modeldeploy.languages import SAYING

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "jupyter_modeldeploy"
CATALOGUE = PACKAGE / "locale" / "zh_CN" / "sentences.json"
UNSEEN = {"cli", "magics", "reporting", "displays.py", "demo.py"}
"""Doors and reports whose words no view shows."""
SAYERS: dict[str, set[int | str]] = {"ValueError": {0}, "progress": {3}, "Kind": {2}}
"""Whose arguments are said, beside the errors': records' validators, how far jobs are, and their titles."""
INSIDE = ("WORDS", "PREPARING")
"""Names of parts of a request, said inside of sentences."""
MOST = 24
"""How many forms one expression may have."""
PLACE = "\0"  # of a value, until the places are numbered
FIELD = re.compile(r"\{[^}]*\}")
LETTERS = re.compile(r"[a-z]{2}")
CODE = re.compile(r"^(pip|modeldeploy|import|set|Basic|Bearer) |^%1\(|^<|\\s|=\"%|\{[a-z_]+\}")
"""What has words and is said to no person, or is to be typed as it is."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def sentences() -> dict[str, str]:
    """Each sentence and where it is written first."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return Sources([path for path in paths if path.relative_to(PACKAGE).parts[0] not in UNSEEN]).said()


def update() -> list[str]:
    """Give each new sentence an empty line in the catalogue and take the stale lines out; what is to be written."""
    chinese = json.loads(CATALOGUE.read_text("utf-8"))
    lines = {text: chinese.get(text, "") for text in sorted(sentences())}
    CATALOGUE.write_text(json.dumps(lines, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return [text for text, said in lines.items() if not said]


class Sources:
    """The modules, and what can be looked up in them by name."""

    def __init__(self, paths: list[Path]) -> None:
        self._found: dict[str, str] = {}
        self._functions: dict[str, list[ast.AST]] = defaultdict(list)
        self._constants: dict[str, list[ast.AST]] = defaultdict(list)
        self._parents: dict[ast.AST, ast.AST] = {}
        self._files: dict[ast.Module, Path] = {}
        self._open: set[ast.AST] = set()
        self._sayers: dict[str, set[int | str]] = {}
        for path in paths:
            self._files[module := ast.parse(path.read_text("utf-8"))] = path
            for node in ast.walk(module):
                self._parents.update((child, node) for child in ast.iter_child_nodes(node))
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    self._functions[node.name].append(node)
                elif isinstance(node, ast.ClassDef):
                    fields = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
                    self._sayers[node.name] = {n for n, field in enumerate(fields) if name_of(field) in SAYING}
            for node in module.body:
                for name, value in assigned(node):
                    self._constants[name].append(value)
        self._speaking = [node for node in self._parents if isinstance(node, ast.Call | ast.Dict)]
        self._sayers |= {name: {0, 1} for name in ERRORS} | SAYERS

    def said(self) -> dict[str, str]:
        """All that is said, looked for until no further function turns out to say what it is given."""
        for name in INSIDE:
            for value in self._constants[name]:
                self._collect(value)
        known = -1
        while known != (known := sum(map(len, self._sayers.values()))):
            for node in self._speaking:
                for expression in self._spoken(node):
                    self._collect(expression, words=name_of(getattr(node, "func", node)) == "progress")
        return self._found | dict.fromkeys(wrong_values(), "pydantic")

    def _spoken(self, node: ast.AST) -> Iterator[ast.AST]:
        """The expressions of a call or a dictionary that are said."""
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            places = self._sayers.get(name, set())
            yield from (argument for place, argument in enumerate(node.args) if place in places)
            yield from (word.value for word in node.keywords if word.arg in places or word.arg in SAYING)
            if name in ("append", "extend") and name_of(getattr(node.func, "value", node)) in SAYING:
                yield from node.args
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in SAYING:
                    yield value

    def _collect(self, expression: ast.AST, words: bool = False) -> None:
        """Note what an expression may say; a single word only where it is a sentence by itself."""
        for text in self._texts(expression):
            said = numbered(text).strip()
            if (words and said.isalpha()) or (" " in said and LETTERS.search(said) and not CODE.search(said)):
                self._found.setdefault(said, f"{self._files[self._module(expression)]}:{expression.lineno}")

    def _texts(self, node: ast.AST) -> list[str]:
        """The forms of an expression that is said; none where only the run knows it."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr():
                return self._filled(node)
            case ast.BinOp(op=ast.Add()):
                pairs = itertools.product(self._texts(node.left) or [PLACE], self._texts(node.right) or [PLACE])
                return [left + right for left, right in pairs]
            case ast.Call():
                return self._called(node)
            case ast.Name() | ast.Attribute():
                return self._named(node)
        return [text for part in alternatives(node) for text in self._texts(part)]

    def _filled(self, node: ast.JoinedStr) -> list[str]:
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                parts.append(endings(part.value) or [PLACE])
                self._collect(part.value)  # which is said inside of this one
            else:
                parts.append(self._texts(part))
        return ["".join(form) for form in itertools.islice(itertools.product(*parts), MOST)]

    def _named(self, node: ast.Name | ast.Attribute) -> list[str]:
        name = name_of(node)
        if isinstance(node, ast.Attribute) and not name.isupper():
            return []
        where: ast.AST | None = node
        while (where := self._parents.get(where)) is not None:
            if isinstance(where, Function):
                values = local(where)[name]
                if values:
                    return self._guarded(values)
                if name in parameters(where):
                    self._takes(where, name)
                    return []
        if self._functions[name]:
            return self._returned(node, name)
        return self._guarded(self._constants[name]) if name.isupper() or name.startswith("_") else []

    def _takes(self, function: ast.AST, name: str) -> None:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            names = parameters(function)
            own = bool(names) and names[0] in ("self", "cls")
            called = function.name
            if called == "__init__":
                called = getattr(self._parents[function], "name", called)
            if any(hasattr(known, called) for known in (builtins, dict, list, str)):
                return
            self._sayers.setdefault(called, set()).update({name, names.index(name) - own})

    def _called(self, node: ast.Call) -> list[str]:
        name = name_of(node.func)
        of = getattr(node.func, "value", None)
        if name in ("join", "filter", "list") and node.args:
            return self._texts(node.args[-1])
        if name == "format" and of is not None:
            return [FIELD.sub(PLACE, text) for text in self._texts(of)]
        if name in ("strip", "get", "removesuffix", "rstrip", "lstrip") and of is not None:
            return [*self._texts(of), *(text for one in node.args[1:] for text in self._texts(one))]
        return self._returned(node, name)

    def _returned(self, node: ast.AST, name: str) -> list[str]:
        """What the functions of this name give back, if it is text: those of the same module, if there are any."""
        functions = self._functions[name]
        near = [one for one in functions if self._module(one) is self._module(node)]
        return self._guarded(
            [
                one.value
                for function in (near or functions)
                if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and says(function)
                for one in ast.walk(function)
                if isinstance(one, ast.Return | ast.Yield) and one.value is not None
            ]
        )

    def _guarded(self, values: list[ast.AST]) -> list[str]:
        """The forms of values, each of which may lead back to itself."""
        texts = []
        for value in values:
            if value not in self._open:
                self._open.add(value)
                texts += self._texts(value)
                self._open.discard(value)
        return texts

    def _module(self, node: ast.AST) -> ast.AST:
        while node in self._parents:
            node = self._parents[node]
        return node


def says(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return function.returns is not None and "str" in ast.unparse(function.returns)


def name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def parameters(function: ast.AST) -> list[str]:
    given = function.args  # type: ignore[attr-defined]
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The names that a node gives a value, or a further one, and the values."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                yield from zip(map(name_of, target.elts), node.value.elts, strict=True)
            else:
                yield name_of(target), node.value
    elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value is not None:
        yield name_of(node.target), node.value
    elif isinstance(node, ast.Call) and name_of(node.func) == "append":
        yield name_of(getattr(node.func, "value", node)), node.args[0]


def wrong_values() -> Iterator[str]:
    """What pydantic says of values that are none of their field's."""
    for error in list_all_errors():
        if error["type"] in WRONG:
            for plural in ("", "s"):
                yield numbered(FIELD.sub(PLACE, error["message_template_python"].replace("{expected_plural}", plural)))


def alternatives(node: ast.AST) -> list[ast.AST]:
    """The parts of an expression of which each may be its value, or be in it."""
    match node:
        case ast.IfExp():
            return [node.body, node.orelse]
        case ast.BoolOp():
            return list(node.values)
        case ast.List() | ast.Tuple() | ast.Set():
            return list(node.elts)
        case ast.Dict():
            return list(node.values)
        case ast.Starred() | ast.Await() | ast.NamedExpr() | ast.Subscript():
            return [node.value]
        case ast.ListComp() | ast.GeneratorExp():
            return [node.elt]
        case ast.Lambda():
            return [node.body]
    return []


@cache
def local(function: ast.AST) -> dict[str, list[ast.AST]]:
    """The values that a function gives each name."""
    values = defaultdict(list)
    for node in ast.walk(function):
        for name, value in assigned(node):
            values[name].append(value)
    return values


def endings(value: ast.AST) -> list[str]:
    """What a place can hold where that is written in it: `{'s' * (n > 1)}`, `{'is' if n == 1 else 'are'}`."""
    match value:
        case ast.BinOp(left=ast.Constant(value=str(text)), op=ast.Mult()):
            return [text, ""]
        case ast.IfExp(body=ast.Constant(value=str(text)), orelse=ast.Constant(value=str(other))):
            return [text, other]
        case ast.IfExp(body=ast.Constant(value=str(text)), orelse=ast.IfExp()):
            return [text, *others] if (others := endings(value.orelse)) else []
    return []


def numbered(text: str) -> str:
    """A text with %1, %2 … in its places."""
    count = itertools.count(1)
    return re.sub(PLACE, lambda _: f"%{next(count)}", text)


WRONG = set(
    """bool_parsing bool_type dict_type enum extra_forbidden finite_number float_parsing float_type greater_than
    greater_than_equal int_from_float int_parsing int_type less_than less_than_equal list_type literal_error missing
    model_attributes_type model_type string_pattern_mismatch string_too_long string_too_short string_type too_long
    too_short union_tag_invalid union_tag_not_found value_error""".split()  # noqa: SIM905
)
"""Of the errors that pydantic knows, those that the records of the API may meet."""
ERRORS = {
    node.name for node in ast.parse((PACKAGE / "errors.py").read_text("utf-8")).body if isinstance(node, ast.ClassDef)
}

if __name__ == "__main__":
    for text in update():
        print(text)
