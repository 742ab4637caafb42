"""What a pickle may import, and what the others would do. picklescan knows what is dangerous; what it is led past is
found by reading the program itself; only what tensors and plain data are made of passes."""

from __future__ import annotations

import importlib.util
import io
import logging
import pickletools
import re
from collections.abc import Iterator
from typing import IO

from jupyter_modeldeploy.records import Finding
from jupyter_modeldeploy.sources.safety import pickle_program
from jupyter_modeldeploy.sources.safety.pickle_program import Import, Program

TORCH_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first of the five pickles of a checkpoint in torch's old format."""
TORCH_PICKLES, MOST_PICKLES = 5, 64
FIRST_BYTES = frozenset(opcode.code.encode("latin-1") for opcode in pickletools.opcodes)

PLAIN = {
    r"builtins|__builtin__": r"set|frozenset|dict|list|tuple|slice|range|complex|bytes|bytearray|int|float|bool|str"
    r"|object",
    r"collections": r"OrderedDict|defaultdict|Counter|deque",
    r"copyreg|copy_reg": r"_reconstructor",
    r"_codecs": r"encode",
    r"datetime": r"datetime|date|time|timedelta|timezone",
    r"decimal": r"Decimal",
    r"pathlib": r"Pure(Posix|Windows)Path|PosixPath|WindowsPath",
    r"argparse": r"Namespace",
    r"numpy": r"dtype|ndarray|bool_?|u?int\d*|float\d*|complex\d+|str_|bytes_",
    r"numpy\.(_core|core)\.multiarray": r"_reconstruct|scalar",
    r"numpy\.(_core|core)\.numeric": r"_frombuffer",
    r"numpy\.dtypes": r"\w+DType",
    r"numpy\.random\._pickle": r"__(randomstate|generator|bit_generator)_ctor",
    r"numpy\.random\._(mt19937|pcg64|philox|sfc64)": r"MT19937|PCG64|PCG64DXSM|Philox|SFC64",
    r"torch": r"\w+Storage|Size|device|dtype|Tensor|Generator|strided|sparse_\w+|per_\w+_affine\w*|preserve_format"
    r"|contiguous_format|channels_last\w*|bool|u?int\d+|q?u?int\d+x?\d*|b?float\d+\w*|complex\d+|finfo|iinfo",
    r"torch\._utils": r"_rebuild\w*",
    r"torch\._tensor": r"_rebuild_from_type(_v2)?|Tensor",
    r"torch\.storage": r"UntypedStorage|TypedStorage",
    r"torch\.nn\.parameter": r"Parameter|Buffer|UninitializedParameter|UninitializedBuffer",
    r"torch\.serialization": r"_get_layout",
    r"torch\.jit\._pickle": r"(build_|restore_type_tag)\w*",
    r"__torch__(\.\w+)*": r"\w+",
}
"""What tensors, arrays and plain data are made of: modules, and names in them."""

RECORDS = {
    r"transformers\.training_args(_seq2seq)?": r"(Seq2Seq)?TrainingArguments",
    r"trl\.trainer\.\w+_config|trl\.trainer\.utils": r"\w+Config",
    r"accelerate\.state": r"PartialState|AcceleratorState",
    r"accelerate\.utils\.dataclasses": r"DeepSpeedPlugin",
    r"transformers\.trainer_pt_utils": r"AcceleratorConfig",
}
"""Settings of a training, which are only filled with values; calling one would do more."""

ENUMS = {
    r"transformers\.training_args": r"OptimizerNames|ParallelMode",
    r"transformers\.trainer_utils": r"\w+(Strategy|Type|Option)",
    r"transformers\.debug_utils": r"DebugOption",
    r"accelerate\.utils\.dataclasses": r"DistributedType|PrecisionType|DynamoBackend|SageMakerDistributedType",
}


def look(stream: IO[bytes], name: str, expected: bool, start: bytes) -> Iterator[Finding]:
    """Findings in the pickles from where the stream is, which begins with `start`.

    Where one is `expected`, what cannot be read as one to its end is a finding; anywhere else only what is surely a
    pickle is."""
    if start[:1] not in FIRST_BYTES:
        return
    legacy = start.startswith(TORCH_MAGIC)
    for count in range(TORCH_PICKLES if legacy else MOST_PICKLES):
        program = pickle_program.read(stream)
        if count > 0 and not legacy:
            expected = expected and _has_protocol(program.content)
        yield from _judge(program, name, expected)
        if program.broken or not _more(stream):
            return


def _has_protocol(content: bytes) -> bool:
    return content[:1] == b"\x80" and content[1:2] in (b"\x00", b"\x01", b"\x02", b"\x03", b"\x04", b"\x05")


def _more(stream: IO[bytes]) -> bool:
    if not stream.read(1):
        return False
    stream.seek(-1, io.SEEK_CUR)
    return True


def _judge(program: Program, name: str, expected: bool) -> Iterator[Finding]:
    unknown = {one for one in program.imports if not _is_harmless(one, program)}
    dangerous = _known_dangerous(program)
    if not expected and not _is_surely_pickle(program, unknown | dangerous):
        return
    for one in sorted(unknown | dangerous):
        verb = "run" if one in dangerous else "call"
        yield Finding(file=name, kind="pickle", dangerous=one in dangerous, message=f"would {verb} {one} when loaded")
    for one in sorted(program.changed - unknown):
        yield Finding(file=name, kind="pickle", dangerous=True, message=f"would change {one} when loaded")
    for what in sorted(program.hidden):
        yield Finding(file=name, kind="pickle", dangerous=True, message=f"cannot be looked through: it imports {what}")
    if program.broken:
        message = f"is a pickle that cannot be looked through: {program.broken[:200]}"
        yield Finding(file=name, kind="pickle", dangerous=False, message=message)


def _known_dangerous(program: Program) -> set[Import]:
    """What picklescan calls dangerous of the imports that were found here, and of those that it finds itself."""
    if not program.imports and not program.hidden:
        return set()
    from picklescan.scanner import SafetyLevel, scan_pickle_bytes

    logging.getLogger("picklescan").setLevel(logging.CRITICAL)  # what it would say is told in the findings
    plainly = "".join(f"c{one.module}\n{one.name}\n0" for one in program.imports if "\n" not in f"{one}") + "N."
    found = set()
    for content in (plainly.encode("utf-8", "replace"), program.content):
        try:
            scanned = scan_pickle_bytes(io.BytesIO(content), "", multiple_pickles=False)
        except Exception as error:  # noqa: BLE001  # what leads a scanner astray is no accident
            program.hidden.add(f"what picklescan stumbles over ({error})")
            continue
        found |= {Import(one.module, one.name) for one in scanned.globals if one.safety == SafetyLevel.Dangerous}
    return {one for one in found if "unknown" not in one}  # names that it could not tell, and that were told here


def _is_harmless(one: Import, program: Program) -> bool:
    if _listed(one, PLAIN) or _listed(one, ENUMS):
        return True
    return _listed(one, RECORDS) and one not in program.called


def _listed(one: Import, known: dict[str, str]) -> bool:
    """Whole names only: `_rebuild.__globals__` is no `_rebuild…`."""
    return any(re.fullmatch(module, one.module) and re.fullmatch(names, one.name) for module, names in known.items())


def _is_surely_pickle(program: Program, suspicious: set[Import]) -> bool:
    """Whether bytes under no name of a pickle are one: they import something that exists and use it, or end well."""
    if _has_protocol(program.content) and program.operations > 2:
        return True
    used = program.called or not program.broken
    return bool(used) and any(_exists(one) for one in suspicious)


def _exists(one: Import) -> bool:
    top = one.module.partition(".")[0]
    if not all(part.isidentifier() for part in (*one.module.split("."), *one.name.split("."))):
        return False
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return True  # it is loaded, or half there: it exists
