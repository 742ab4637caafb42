"""Archives of `torch.export.save`, read so that nothing in them can run as code of this process.

torch's own loader trusts an archive: it unpickles weights and sample inputs, evaluates the sizes' expressions, looks
functions up by any dotted name, makes Python source from the names and guards in the graph, and loads shared
libraries. Here the graph is held to names, known operators and arithmetic, what is only for debugging is dropped, and
pickles and native code are refused."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.pt2_archive import PT2ArchiveReader
from torch.export.pt2_archive._package import _load_exported_programs

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent, shown

MODEL = "models/model.json"
SAMPLE_INPUTS = "data/sample_inputs/model.pt"
CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
PAYLOAD = re.compile(r"(weight|tensor)_\d+")
PLAIN_NAME = re.compile(r"[A-Za-z_][\w.$-]{0,511}")
IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,255}")
OPERATOR = re.compile(r"torch\.ops\.(\w+)\.(\w+)\.(\w+)")
NAMESPACES = frozenset(("aten", "prims", "quantized", "quantized_decomposed", "torchvision", "mkldnn", "onednn"))
UNSAFE_OPERATORS = frozenset(("from_file", "save", "load", "_print", "warn"))
CONTROL_FLOW = re.compile(r"torch\.ops\.higher_order\.(cond|map_impl|scan|while_loop|associative_scan)")
ARITHMETIC = re.compile(
    r"_operator\.(getitem|add|sub|mul|truediv|floordiv|mod|pow|neg|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.(ceil|floor|trunc|sqrt)|torch\.sym_(int|float|ite|max|min|not|sqrt)"
)
TREES = frozenset((None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"))
TEXTS = frozenset(("as_string", "as_strings"))
NATIVE = ("as_custom_obj", "as_operator", "as_opaque")
EXPRESSION_NODES = (
    *(ast.Expression, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.Call, ast.Name, ast.Constant, ast.keyword),
    *(ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.expr_context),
)
FUNCTIONS = re.compile(
    r"Symbol|Integer|Float|Rational|Add|Mul|Pow|Max|Min|Mod|FloorDiv|ModularIndexing|PythonMod|CleanDiv|CeilToInt|FloorToInt"
    r"|CeilDiv|LShift|RShift|PowByNatural|FloatPow|FloatTrueDiv|IntTrueDiv|TruncToFloat|TruncToInt|RoundToInt|RoundDecimal"
    r"|ToFloat|Identity|Where|Eq|Ne|Lt|Le|Gt|Ge|And|Or|Not"
)
MODULE_PATH = re.compile(r"[\w.@]{1,300},(?P<path>[\w.]{1,300})(@\d{1,9})?,[\w.]{1,300}", re.ASCII)
SYMBOL = re.compile(r"[a-z]{1,3}\d{1,9}|(int_)?oo")
HINT = "Export it again from code that you trust, with torch.export.save and plain tensors."


def load(path: Path) -> ExportedProgram:
    """The program in the archive. Raises UnsafeContent for one that would run code, InvalidInput for a broken one."""
    try:
        archive = _VettedArchive(path)
        return _load_exported_programs(archive, [MODEL], None)["model"]
    except UnsafeContent:
        raise
    except Exception as error:  # a wrong graph raises whatever its handling meets first
        raise InvalidInput(
            f"{path.name} is no program that this torch can load: {type(error).__name__}: {str(error)[:300]}",
            f"Export it again with torch.export.save; torch is {torch.__version__} here.",
        ) from error


def vet(path: Path) -> None:
    """Raise what `load` raises for an archive, without loading it."""
    try:
        archive = _VettedArchive(path)
        for name in archive.get_file_names():
            if name == MODEL or name in CONFIGS:
                archive.read_bytes(name)
    except UnsafeContent:
        raise
    except Exception as error:  # a wrong graph raises whatever its handling meets first
        raise InvalidInput(
            f"{path.name} is no program of torch.export: {type(error).__name__}: {error}", HINT
        ) from error


class _VettedArchive(PT2ArchiveReader):
    """What torch's loader is given to read: every part checked or left out."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        names = self.get_file_names()
        self._name = path.name
        if len(set(names)) != len(names):
            raise UnsafeContent(f"{path.name} holds a file twice.", HINT)
        if MODEL not in names:
            raise InvalidInput(f"{path.name} holds no exported program.", "Packages compiled for a machine are not.")
        legacy = [name for name in names if re.fullmatch(r"data/(weights|constants)/.*\.pt", name)]
        if legacy:
            raise UnsafeContent(f"{path.name} keeps its tensors as a pickle, {legacy[0]}.", HINT)

    def read_bytes(self, name: str) -> bytes:
        if name == SAMPLE_INPUTS:
            return b""
        content = super().read_bytes(name)
        if name == MODEL:
            return json.dumps(_vetted_program(_decoded(content, name))).encode()
        if name in CONFIGS:
            return json.dumps(_vetted_payload(_decoded(content, name))).encode()
        return content


def _decoded(content: bytes, name: str) -> dict[str, Any]:
    decoded = json.loads(content)
    if not isinstance(decoded, dict):
        raise InvalidInput(f"{name} is not a JSON object.")
    return decoded


def _vetted_payload(config: dict[str, Any]) -> dict[str, Any]:
    """Plain tensors on the processor: a pickle among them is refused."""
    for name, entry in config.get("config", {}).items():
        if entry.get("use_pickle") or not PAYLOAD.fullmatch(str(entry.get("path_name"))):
            raise UnsafeContent(f"The tensor {shown(name)} is kept as a pickle.", HINT)
        if entry.get("tensor_meta"):
            entry["tensor_meta"]["device"] = {"type": "cpu", "index": None}
    return config


def _vetted_program(program: dict[str, Any]) -> dict[str, Any]:
    module = program["graph_module"]
    module["metadata"] = {}
    module["treespec_namedtuple_fields"] = {}
    module["module_call_graph"] = module["module_call_graph"][:1]  # the others say how to take the model apart
    program.update(guards_code=[], torch_version="", verifiers=["TRAINING"])
    _vet(program, "")
    return program


def _vet(value: Any, key: str) -> None:
    """Check what is below `key` of the graph: each string by what its place means. Of metadata the module stays."""
    if isinstance(value, dict):
        metadata = value.get("metadata")
        if isinstance(metadata, dict):
            value["metadata"] = {}
        for name, inner in value.items():
            if name in NATIVE or not PLAIN_NAME.fullmatch(name):
                raise UnsafeContent(f"The graph holds {shown(name)}, which is no plain tensor program.", HINT)
            _vet(inner, name)
        if isinstance(metadata, dict):
            value["metadata"] = _module_of(metadata)
    elif isinstance(value, list):
        for inner in value:
            _vet(inner, key)
    elif isinstance(value, str) and value and key not in TEXTS:
        _vet_text(value, key)


def _module_of(metadata: dict[str, Any]) -> dict[str, str]:
    """The path of the innermost module that a node came from, written anew as torch reads it; nothing where it is no
    plain path."""
    stack = metadata.get("nn_module_stack")
    found = MODULE_PATH.fullmatch(stack.rpartition(";")[2]) if isinstance(stack, str) else None
    return {"nn_module_stack": f"module,{found['path']},torch.nn.Module"} if found else {}


def _vet_text(text: str, key: str) -> None:
    if key == "target":
        safe = _is_safe_operator(text)
    elif key == "expr_str":
        safe = _is_arithmetic(text)
    elif key in ("in_spec", "out_spec"):
        safe = _is_plain_tree(json.loads(text))
    elif key in ("name", "forward_arg_names"):
        safe = IDENTIFIER.fullmatch(text) is not None
    else:
        safe = PLAIN_NAME.fullmatch(text) is not None
    if not safe:
        raise UnsafeContent(f"The graph's {key} {shown(text)} is nothing that a plain tensor program has.", HINT)


def _is_safe_operator(target: str) -> bool:
    if ARITHMETIC.fullmatch(target) or CONTROL_FLOW.fullmatch(target):
        return True
    parts = OPERATOR.fullmatch(target)
    if parts is None or parts[1] not in NAMESPACES or parts[2] in UNSAFE_OPERATORS:
        return False
    found = getattr(getattr(getattr(torch.ops, parts[1]), parts[2], None), parts[3], None)
    return isinstance(found, torch._ops.OpOverload)


def _is_arithmetic(expression: str) -> bool:
    """Whether it is made of numbers, symbols and known functions only: it is evaluated as Python."""
    if len(expression) > 2000:
        return False
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return False
    return all(_is_arithmetic_node(node) for node in ast.walk(tree))


def _is_arithmetic_node(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and FUNCTIONS.fullmatch(node.func.id) is not None
    if isinstance(node, ast.Name):
        return (
            FUNCTIONS.fullmatch(node.id) is not None
            or re.fullmatch(r"[a-z]{1,3}\d{1,9}|(int_)?oo", node.id) is not None
        )
    if isinstance(node, ast.Constant):
        return not isinstance(node.value, (str, bytes)) or IDENTIFIER.fullmatch(str(node.value)) is not None
    return isinstance(node, EXPRESSION_NODES)


def _is_plain_tree(tree: Any) -> bool:
    """A tree of tuples, lists and dicts with plain keys, as torch writes one: `[1, {"type", "context", …}]`."""
    if isinstance(tree, list):
        return all(_is_plain_tree(child) for child in tree)
    if not isinstance(tree, dict):
        return bool(tree == 1)
    context = json.loads(tree["context"]) if isinstance(tree["context"], str) else tree["context"]
    keys = context if isinstance(context, list) else []
    plain = context is None or (isinstance(context, list) and all(_is_key(key) for key in keys))
    return tree["type"] in TREES and plain and _is_plain_tree(tree["children_spec"])


def _is_key(key: Any) -> bool:
    return isinstance(key, str) and IDENTIFIER.fullmatch(key) is not None
