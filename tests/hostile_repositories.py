"""Repositories that harm whoever loads them, made by code: more than eighty, each with the reason for which it must be
refused or kept in quarantine. A payload that ran would make a file."""

from __future__ import annotations

import json
import os
import shlex
import struct
import sys
import tarfile
import tempfile
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tiny_bert
import tiny_onnx
import tiny_torch
import torch
from hostile_pickles import PICKLES, zipped

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.jobs.context import Context
from jupyter_modeldeploy.jobs.kinds.fetch import FetchParameters
from jupyter_modeldeploy.jobs.kinds.fetch import run as run_fetch
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

Make = Callable[[Path, str], Path | None]
"""Fills a folder, given a shell command as the payload; gives what is to be fetched where that is not the folder."""


@dataclass(frozen=True)
class Outcome:
    """What became of a repository, and why: the error or the findings."""

    kind: Literal["refused", "quarantined", "let in"]
    reason: str
    ref: str | None = None


def fetch(store: Store, make: Make, folder: Path, command: str) -> Outcome:
    """Make the repository and fetch it by the job that every door starts, in this process."""
    folder.mkdir(parents=True)
    path = make(folder, command) or folder
    name = f"m{uuid.uuid4().hex[:8]}"
    parameters = FetchParameters(source=f"file:{path}", name=name)
    try:
        run_fetch(Context(store, name, parameters, folder.parent, "cpu:0", Silent()))
    except ModelDeployError as error:
        return Outcome("refused", str(error))
    version = store.versions.get(name)
    verdict = version.verdict
    told = "; ".join(f"{one.file} {one.message}" for one in verdict.findings) if verdict else ""
    return Outcome("quarantined" if verdict and verdict.quarantined else "let in", told, version.ref)


def count() -> tuple[int, int]:
    """How many of the hostile repositories are refused or kept in quarantine, and how many there are. Raises where one
    of their payloads ran."""
    with tempfile.TemporaryDirectory() as place:
        marker = Path(place) / "ran"
        store = Store(Settings(Path(place) / "root"))
        kept_out = 0
        for number, (make, _) in enumerate(CASES.values()):
            outcome = fetch(store, make, Path(place) / str(number) / "repository", payload(marker))
            kept_out += outcome.kind != "let in"
        store.close()
        if marker.exists():
            raise AssertionError("a payload ran")
    return kept_out, len(CASES)


def payload(marker: Path) -> str:
    return f"touch {shlex.quote(str(marker))}"


def files(**contents: Any) -> Make:
    """JSON documents, texts and bytes by their names, `__` for a slash and `_dot_` for a point."""

    def make(folder: Path, command: str) -> None:
        for name, content in contents.items():
            path = folder / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            content = content(command) if callable(content) else content
            raw = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
            path.write_bytes(json.dumps(content).encode() if raw is None else raw)

    return make


def encoder_with(name: str, **settings: Any) -> Make:
    """A sound transformers checkpoint, one of whose configurations says more."""

    def make(folder: Path, command: str) -> None:
        tiny_bert.make_encoder(folder)
        path = folder / name
        before = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**before, **settings}))

    return make


def message(number: int, content: bytes) -> bytes:
    """A field of a protobuf message."""
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def graph_def(operation: str, in_function: bool = False) -> bytes:
    node = message(1, b"node") + message(2, operation.encode())
    harmless = message(1, message(1, b"x") + message(2, b"Placeholder"))
    return harmless + (message(2, message(1, message(3, node))) if in_function else message(1, node))


def saved_model(operation: str, in_function: bool = False) -> bytes:
    return b"\x08\x01" + message(2, message(2, graph_def(operation, in_function)))


def keras_archive(layer: dict[str, Any]) -> bytes:
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": [layer]}}
    return zipped("config.json", json.dumps(config).encode())


def hdf5(layer: dict[str, Any]) -> bytes:
    config = {"class_name": "Sequential", "config": {"layers": [layer]}}
    return b"\x89HDF\r\n\x1a\n" + bytes(2048) + json.dumps(config).encode() + bytes(64)


LAMBDA = {"class_name": "Lambda", "config": {"function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"}}
SYSTEM = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}
LOOKUP = {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}
DOWNLOAD = {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://127.0.0.1/x"}}
ESCAPE = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
HIDDEN_ESCAPE = "{{ messages['__cl' ~ 'ass__'] }}"
BY_FILTER = "{{ messages | attr('\\x5f\\x5fclass\\x5f\\x5f') }}"


def external_data(location: str) -> Make:
    def make(folder: Path, command: str) -> None:
        import onnx

        tiny_onnx.add_one(folder)
        model = onnx.load(folder / "model.onnx")
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0"), ("length", "16")):
            tensor.external_data.add(key=key, value=value)
        (folder / "model.onnx").write_bytes(model.SerializeToString())

    return make


def foreign_operator(folder: Path, command: str) -> None:
    import onnx

    tiny_onnx.add_one(folder)
    model = onnx.load(folder / "model.onnx")
    model.graph.node[0].domain = "com.example.shell"
    (folder / "model.onnx").write_bytes(model.SerializeToString())


def safetensors(header: Any, length: int | None = None, data: bytes = bytes(16)) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(begin: int, end: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [(end - begin) // 4], "data_offsets": [begin, end]}


def gguf(tensors: int, entries: int, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, entries) + rest


def gguf_text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def gguf_template(template: str) -> bytes:
    return gguf(0, 1, gguf_text("tokenizer.chat_template") + struct.pack("<I", 8) + gguf_text(template))


def lying_array() -> bytes:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000)}"
    header += b" " * (117 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


class Saves(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        torch.save(x, "/tmp/never-written")
        return x


def torchscript(folder: Path, command: str) -> None:
    tiny_torch.scripted(folder, Saves())


def exported(change: Callable[[str], str]) -> Make:
    """A program of torch.export whose graph was changed."""

    def make(folder: Path, command: str) -> None:
        tiny_torch.exported(folder, tiny_torch.Classifier(), torch.zeros(2, 4))
        path = folder / "model.pt2"
        with zipfile.ZipFile(path) as package:
            held = [(info, package.read(info)) for info in package.infolist()]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as package:
            for info, content in held:
                is_graph = info.filename.endswith("models/model.json")
                package.writestr(info, change(content.decode()).encode() if is_graph else content)

    return make


def machine_code(folder: Path, command: str) -> None:
    tiny_torch.exported(folder, tiny_torch.Classifier(), torch.zeros(2, 4))
    with zipfile.ZipFile(folder / "model.pt2", "a") as package:
        package.writestr("model/data/aotinductor/model/kernel.so", b"\x7fELF")


def link(target: str) -> Make:
    def make(folder: Path, command: str) -> None:
        tiny_onnx.add_one(folder)
        (folder / "weights.bin").symlink_to(target)

    return make


def device(folder: Path, command: str) -> None:
    tiny_onnx.add_one(folder)
    os.mkfifo(folder / "weights.bin")


def case_twins(folder: Path, command: str) -> None:
    tiny_onnx.add_one(folder)
    (folder / "Config.json").write_text("{}")
    (folder / "config.json").write_text("{}")


def archive(*members: str) -> Make:
    def make(folder: Path, command: str) -> Path:
        path = folder / "model.zip"
        with zipfile.ZipFile(path, "w") as package:
            for index, name in enumerate(members):
                package.writestr(zipfile.ZipInfo(name), f"content {index}")
        return path

    return make


def tar_with(**fields: Any) -> Make:
    def make(folder: Path, command: str) -> Path:
        path = folder / "model.tar.gz"
        with tarfile.open(path, "w:gz") as package:
            info = tarfile.TarInfo("model.bin")
            for field, value in fields.items():
                setattr(info, field, value)
            package.addfile(info)
        return path

    return make


def bomb(folder: Path, command: str) -> Path:
    path = folder / "model.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package,
        package.open("model.bin", "w") as out,
    ):
        for _ in range(300):
            out.write(bytes(1 << 20))
    return path


def pipeline(**parts: Any) -> Make:
    return files(model_index_dot_json={"_class_name": "StableDiffusionPipeline", **parts})


OTHERS: dict[str, tuple[Make, str]] = {
    "code in config.json": (encoder_with("config.json", auto_map={"AutoModel": "code.Model"}), "auto_map"),
    "code in tokenizer_config.json": (
        encoder_with("tokenizer_config.json", auto_map={"AutoTokenizer": ["code.Tokenizer", None]}),
        "auto_map",
    ),
    "code in processor_config.json": (
        encoder_with("processor_config.json", auto_map={"AutoProcessor": "c.P"}),
        "auto_map",
    ),
    "code from another repository": (encoder_with("config.json", auto_map={"AutoModel": "x/y--code.M"}), "x/y--code"),
    "code deep in a configuration": (encoder_with("config.json", text_config={"auto_map": {"A": "c.M"}}), "auto_map"),
    "code by default": (encoder_with("generation_config.json", trust_remote_code=True), "trust_remote_code"),
    "custom pipelines": (encoder_with("config.json", custom_pipelines={"x": {"impl": "code.P"}}), "custom_pipelines"),
    "custom generation": (files(custom_generate__generate_dot_py="import os"), "generation may run"),
    "kernel from a hub": (encoder_with("config.json", _attn_implementation="someone/kernel"), "kernel"),
    "adapter that names a library": (
        files(adapter_config_dot_json={"auto_mapping": {"parent_library": "antigravity", "base_model_class": "X"}}),
        "auto_mapping",
    ),
    "module of sentence-transformers": (
        files(modules_dot_json=[{"idx": 0, "name": "0", "path": "", "type": "code.Layer"}]),
        r"would import code\.Layer",
    ),
    "activation of sentence-transformers": (
        files(**{"2_Dense__config_dot_json": {"activation_function": "os.system"}}),
        r"would import os\.system",
    ),
    "part of a diffusers pipeline": (pipeline(unet=["shell", "Shell"]), "would import"),
    "own part of a diffusers pipeline": (
        files(
            model_index_dot_json={"_class_name": "P", "unet": ["diffusers", "U"]},
            unet__diffusers_dot_py="import os",
        ),
        "would import",
    ),
    "own diffusers pipeline": (files(model_index_dot_json={"_class_name": ["pipeline", "Mine"]}), "own code"),
    "hydra target": (files(model_dot_yaml="model:\n  _target_: os.system\n  command: id\n"), "_target_: os.system"),
    "Python in YAML": (files(config_dot_yaml="!!python/object/apply:os.system ['id']"), "Python objects"),
    "Keras Lambda": (files(model_dot_keras=keras_archive(LAMBDA)), "Lambda"),
    "Keras Lambda in HDF5": (files(model_dot_h5=hdf5(LAMBDA)), "Lambda"),
    "Keras Lambda in JSON": (files(model_dot_json={"class_name": "Sequential", "config": [LAMBDA]}), "Lambda"),
    "Keras class from anywhere": (files(model_dot_keras=keras_archive(SYSTEM)), r"would call os\.function"),
    "Keras class from anywhere in HDF5": (files(model_dot_h5=hdf5(SYSTEM)), r"would call os\.function"),
    "Keras vocabulary elsewhere": (files(model_dot_keras=keras_archive(LOOKUP)), "/etc/passwd"),
    "Keras download": (files(model_dot_keras=keras_archive(DOWNLOAD)), "get_file"),
    "SavedModel that writes": (files(saved_model_dot_pb=saved_model("WriteFile")), "writes files"),
    "SavedModel that reads in a function": (files(saved_model_dot_pb=saved_model("ReadFile", True)), "reads files"),
    "SavedModel with Python": (files(saved_model_dot_pb=saved_model("PyFunc")), "runs Python"),
    "frozen graph with Python": (files(frozen_graph_dot_pb=graph_def("EagerPyFunc")), "runs Python"),
    "ONNX weights above": (external_data("../secret"), "outside its folder"),
    "ONNX weights anywhere": (external_data("/etc/passwd"), "outside its folder"),
    "ONNX weights nowhere": (external_data(""), "outside its folder"),
    "ONNX operators of somebody": (foreign_operator, r"com\.example\.shell"),
    "safetensors header of 2^63": (files(model_dot_safetensors=safetensors({}, 1 << 63)), "not a sound safetensors"),
    "safetensors header of 1 TB": (files(model_dot_safetensors=safetensors({}, 1 << 40)), "not a sound safetensors"),
    "safetensors that overlap": (
        files(model_dot_safetensors=safetensors({"a": tensor(0, 12), "b": tensor(8, 16)})),
        "not a sound safetensors",
    ),
    "safetensors beyond the end": (
        files(model_dot_safetensors=safetensors({"a": tensor(0, 4096)})),
        "not a sound safetensors",
    ),
    "pickle named safetensors": (
        lambda folder, command: PICKLES["any suffix"][0](folder, command)
        or ((folder / "weights.dat").rename(folder / "model.safetensors") and None),
        "not a sound safetensors",
    ),
    "index that leads out": (
        files(
            config_dot_json={"model_type": "bert"},
            **{"model_dot_safetensors_dot_index_dot_json": {"weight_map": {"a": "../../secret.safetensors"}}},
        ),
        "outside",
    ),
    "GGUF of 2^62 tensors": (files(model_dot_gguf=gguf(1 << 62, 0)), "not a sound GGUF"),
    "GGUF of 2^62 entries": (files(model_dot_gguf=gguf(0, 1 << 62)), "not a sound GGUF"),
    "GGUF text of 2^60 bytes": (files(model_dot_gguf=gguf(0, 1, struct.pack("<Q", 1 << 60))), "not a sound GGUF"),
    "GGUF array of 2^60": (
        files(model_dot_gguf=gguf(0, 1, gguf_text("a") + struct.pack("<IIQ", 9, 0, 1 << 60))),
        "not a sound GGUF",
    ),
    "GGUF tensor of 2^60": (
        files(model_dot_gguf=gguf(1, 0, gguf_text("a") + struct.pack("<IQIQ", 1, 1 << 60, 0, 0))),
        "not a sound GGUF",
    ),
    "GGUF template": (files(model_dot_gguf=gguf_template(ESCAPE)), "chat template"),
    "array header that lies": (files(vectors_dot_npy=lying_array()), "says that it holds"),
    "template that reaches Python": (encoder_with("tokenizer_config.json", chat_template=ESCAPE), "chat template"),
    "template by a made-up name": (encoder_with("tokenizer_config.json", chat_template=HIDDEN_ESCAPE), "chat template"),
    "template by a filter": (files(chat_template_dot_jinja=BY_FILTER, config_dot_json={}), "chat template"),
    "one of several templates": (
        encoder_with("tokenizer_config.json", chat_template=[{"name": "tool", "template": ESCAPE}]),
        "chat template",
    ),
    "TorchScript that writes": (torchscript, "files or the network"),
    "graph that calls Python": (
        exported(lambda graph: graph.replace("torch.ops.aten.relu.default", "os.system")),
        "no program|nothing that a plain|refused",
    ),
    "graph with machine code": (machine_code, "machine code"),
    "link out of the folder": (link("/etc/passwd"), "link"),
    "device in the folder": (device, "weights.bin"),
    "names that differ in case": (case_twins, "one file on many disks"),
    "zip slip": (archive("model.onnx", "../../escaped"), "would leave its folder"),
    "zip with an absolute name": (archive("/etc/cron.d/escaped"), "would leave its folder"),
    "zip with a name of Windows": (archive("..\\escaped"), "would leave its folder"),
    "zip with a file twice": (archive("model.bin", "model.bin"), "twice"),
    "zip bomb": (bomb, "bomb"),
    "tar with a link": (tar_with(type=tarfile.SYMTYPE, linkname="/etc/passwd"), "link"),
    "tar with a hard link": (tar_with(type=tarfile.LNKTYPE, linkname="../../secret"), "link"),
    "tar with a device": (tar_with(type=tarfile.CHRTYPE, devmajor=1, devminor=3), "device"),
    "tar that leads out": (tar_with(name="../../escaped"), "would leave its folder"),
}
CASES: dict[str, tuple[Make, str]] = {**{f"pickle: {name}": case for name, case in PICKLES.items()}, **OTHERS}


if __name__ == "__main__":
    kept_out, total = count()
    print(f"{kept_out} of {total} hostile repositories are refused or kept in quarantine")
    sys.exit(kept_out < total)
