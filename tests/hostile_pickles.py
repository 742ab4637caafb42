"""Pickles that would make a file when they are loaded, in every disguise we know. Each maker puts one into a folder."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tiny_torch
import torch

Make = Callable[[Path, str], None]
"""Fills a folder; the payload, were it run, would run the shell command."""


class Payload:
    """Runs a shell command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


class Foreign:
    """A class that is nowhere but in whoever's code made the pickle."""


def pickled(command: str, protocol: int = 4) -> bytes:
    return pickle.dumps({"weights": [1.0, 2.0], "more": Payload(command)}, protocol=protocol)


def text(value: str) -> bytes:
    return b"\x8c" + bytes([len(value)]) + value.encode()


def written(name: str, protocol: int = 4, pack: Callable[[bytes], bytes] = bytes) -> Make:
    def make(folder: Path, command: str) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pack(pickled(command, protocol)))

    return make


def raw(name: str, program: Callable[[str], bytes]) -> Make:
    return lambda folder, command: (folder / name).write_bytes(program(command)) and None


def saved(name: str, **options: Any) -> Make:
    return lambda folder, command: torch.save(
        {"weight": torch.zeros(2), "more": Payload(command)}, folder / name, **options
    )


def zipped(member: str, content: bytes, depth: int = 1) -> bytes:
    for _ in range(depth):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr(member, content)
        member, content = "inner.zip", packed.getvalue()
    return content


def tarred(member: str, content: bytes, mode: str = "w") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as package:  # type: ignore[call-overload]
        info = tarfile.TarInfo(member)
        info.size = len(content)
        package.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def call(module: str, name: str, command: str) -> bytes:
    """`module.name(command)` by STACK_GLOBAL, as the body of a pickle."""
    return text(module) + text(name) + b"\x93" + text(command) + b"\x85R"


def array_of_objects(name: str) -> Make:
    def make(folder: Path, command: str) -> None:
        array = np.array([Payload(command)], dtype=object)
        save = np.savez if name.endswith("z") else np.save
        save(folder / name, array, allow_pickle=True)

    return make


def by_memo(command: str) -> bytes:
    """The names come from the memo, with other values pushed and taken away between them."""
    return (
        b"\x80\x04" + text("posix") + b"\x94" + text("system") + b"\x94" + b"00"
        b"h\x00" + b"N0" + b"h\x01" + b"K\x010" + b"\x93" + text(command) + b"\x85R."
    )


def by_a_made_up_name(command: str) -> bytes:
    """`str(b"posix", "ascii")` makes the module's name while the pickle is loaded."""
    made = text("builtins") + text("str") + b"\x93" + b"C\x05posix" + text("ascii") + b"\x86R"
    return b"\x80\x04" + made + text("system") + b"\x93" + text(command) + b"\x85R."


def that_tampers(command: str) -> bytes:
    """Sets the defaults of a function that every checkpoint calls: no call, no class of its own."""
    state = b"N}" + text("__defaults__") + text(command) + b"\x85s\x86"
    return b"\x80\x04" + text("torch._utils") + text("_rebuild_tensor_v2") + b"\x93" + state + b"b."


def by_attributes(command: str) -> bytes:
    return b"\x80\x04" + text("torch._utils") + text("_rebuild_tensor.__globals__") + b"\x93."


def polyglot(folder: Path, command: str) -> None:
    """A zip archive of harmless weights that begins with a pickle: each reader sees what it looks for."""
    weights = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, weights)
    (folder / "model.pt").write_bytes(pickled(command) + weights.getvalue())


def hidden_zip(folder: Path, command: str) -> None:
    (folder / "notes.md").write_bytes(b"# Only notes\n" + zipped("data.pkl", pickled(command)))


def locked_zip(folder: Path, command: str) -> None:
    """The mark of an encrypted member, which torch does not look at."""
    content = bytearray(zipped("archive/data.pkl", pickled(command)))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (folder / "model.pt").write_bytes(content)


def sample_inputs(folder: Path, command: str) -> None:
    tiny_torch.exported(folder, tiny_torch.Classifier(), torch.zeros(2, 4))
    torch.save(Payload(command), folder / "inner.pt")
    with zipfile.ZipFile(folder / "model.pt2", "a") as package:
        package.write(folder / "inner.pt", "model/data/sample_inputs/second.pt")
    (folder / "inner.pt").unlink()


def skops(folder: Path, command: str) -> None:
    node = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "content": command}
    (folder / "model.skops").write_bytes(zipped("schema.json", json.dumps(node).encode()))


def compressed_joblib(command: str) -> bytes:
    return zlib.compress(pickled(command, 2))


def module(folder: Path, command: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(Foreign(), folder / "model.pt")


RUNS = r"would run \w+\.system when loaded"
UNREADABLE = "cannot be looked through"

PICKLES: dict[str, tuple[Make, str]] = {
    "weights": (written("pytorch_model.bin", 2), RUNS),
    "protocol 5": (written("model.pkl", 5), RUNS),
    "protocol 0": (written("model.pkl", 0), RUNS),
    "protocol 0 as weights": (written("weights.bin", 0), RUNS),
    "any suffix": (written("weights.dat"), RUNS),
    "no suffix": (written("sub/weights"), RUNS),
    "named as JSON": (written("vocab.json"), RUNS),
    "torch.save": (saved("model.pt"), RUNS),
    "torch.save, the old format": (saved("model.pth", _use_new_zipfile_serialization=False), RUNS),
    "optimizer state": (saved("optimizer.pt"), RUNS),
    "scheduler state": (saved("scheduler.pt"), RUNS),
    "random states": (saved("rng_state_0.pth"), RUNS),
    "training arguments": (saved("training_args.bin"), RUNS),
    "Paddle parameters": (written("model.pdparams", 2), RUNS),
    "joblib": (written("model.joblib"), RUNS),
    "joblib, compressed": (raw("model.joblib", compressed_joblib), RUNS),
    "gzip": (written("model.pkl.gz", pack=gzip.compress), RUNS),
    "bzip2": (written("model.data", pack=bz2.compress), RUNS),
    "xz": (written("model.data", pack=lzma.compress), RUNS),
    "skops": (skops, "would call os.system"),
    "array of objects": (array_of_objects("vectors.npy"), RUNS),
    "arrays of objects": (array_of_objects("vectors.npz"), RUNS),
    "zip in zip in zip": (
        lambda folder, command: (folder / "a.bin").write_bytes(zipped("a.pkl", pickled(command), 3)) and None,
        RUNS,
    ),
    "tar": (lambda folder, command: (folder / "a.nemo").write_bytes(tarred("a", pickled(command))) and None, RUNS),
    "tar.gz in zip": (
        lambda folder, command: (folder / "a.dat").write_bytes(
            zipped("a.tar.gz", tarred("weights.ckpt", pickled(command), "w:gz"))
        )
        and None,
        RUNS,
    ),
    "7z": (
        lambda folder, command: (folder / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c" + pickled(command)) and None,
        UNREADABLE,
    ),
    "archives without end": (
        lambda folder, command: (folder / "a.zip2").write_bytes(zipped("a.pkl", pickled(command), 9)) and None,
        "deep",
    ),
    "cut off after the call": (raw("model.bin", lambda command: pickled(command)[:-3]), RUNS),
    "broken after the call": (raw("model.pkl", lambda command: pickled(command)[:-3] + b"\xff\xff"), RUNS),
    "broken before the call": (raw("model.pkl", lambda command: b"\x80\x04I1_\n" + pickled(command)), UNREADABLE),
    "names from the memo": (raw("model.pkl", by_memo), RUNS),
    "a name made up": (raw("model.pkl", by_a_made_up_name), "put together"),
    "extension code": (raw("model.pkl", lambda command: b"\x80\x04\x82\x01" + text(command) + b"\x85R."), "extension"),
    "tampering": (raw("model.pkl", that_tampers), "would change torch._utils._rebuild_tensor_v2"),
    "attributes of what is allowed": (raw("model.pkl", by_attributes), "__globals__"),
    "not on a list": (raw("a.pkl", lambda c: b"\x80\x04" + call("ftplib", "FTP", c) + b"."), r"would call ftplib\.FTP"),
    "import by name": (
        raw("a.pkl", lambda c: b"\x80\x04" + call("importlib", "import_module", c) + b"."),
        "import_module",
    ),
    "second pickle": (raw("a.pkl", lambda c: pickle.dumps([1, 2]) + pickled(c)), RUNS),
    "pickle before a zip": (polyglot, RUNS),
    "zip behind a text": (hidden_zip, RUNS),
    "zip marked as encrypted": (locked_zip, "encrypted"),
    "sample inputs of torch.export": (sample_inputs, RUNS),
    "a class from elsewhere": (module, "would call hostile_pickles.Foreign"),
}
