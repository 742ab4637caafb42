"""Tell from its files what a model is, without running or loading it, and refuse what is not safe to load."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput, UnsafeContent
from jupyter_modeldeploy.records import Format, Signature
from jupyter_modeldeploy.sources import onnx_graph, pickles

CONFIG, TOKENIZER = "config.json", "tokenizer.json"
CONFIGS_WITH_CODE = frozenset(
    (CONFIG, "tokenizer_config.json", "preprocessor_config.json", "processor_config.json", "generation_config.json")
)
MAX_CONFIG_BYTES = 16 << 20
TASKS_BY_HEAD = {
    "ForSequenceClassification": "text-classification",
    "ForImageClassification": "image-classification",
    "ForObjectDetection": "object-detection",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForCausalLM": "text-generation",
    "ForConditionalGeneration": "text-generation",
}
IMAGE_TASKS = frozenset(("image-classification", "object-detection"))
ENCODER_TASK, PLAIN_TASK = "feature-extraction", "tensor"
TRANSFORMERS_WEIGHTS = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)


@dataclass(frozen=True)
class Recognised:
    """What a folder of files is. `primary` is the file that holds the model; `note` says why, where it is unknown."""

    format: Format
    task: str
    signature: Signature | None
    classes: list[str] | None
    primary: Path
    note: str = ""


def recognise(folder: Path, trust: bool = False) -> Recognised:
    """What kind of model lies in `folder`.

    Raises UnsafeContent for pickles that would run code and, unless `trust` is given, for models that bring their own
    code; InvalidInput for damaged files and an empty folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise InvalidInput(f"The folder {folder.name} holds no files.", "Name the folder that holds the model.")
    _check_custom_code(folder, trust)
    pickles.check(folder, trust)
    _check_safetensors(files)
    config = _json(folder / CONFIG) if (folder / CONFIG).is_file() else None
    weights = next((folder / name for name in TRANSFORMERS_WEIGHTS if (folder / name).is_file()), None)
    if config is not None and weights is not None and "model_type" in config:
        _check_shards(weights)
        task = _task(config)
        return Recognised(Format.transformers, task, None, _classes(config, task), weights)
    if (primary := _onnx_file(folder)) is not None:
        return _recognise_onnx(primary, folder, config)
    return _recognise_torch(files, folder, config) or _unknown(files)


def _recognise_onnx(primary: Path, folder: Path, config: dict[str, Any] | None) -> Recognised:
    signature = onnx_graph.read_signature(primary)
    task, classes = _task_beside(folder, config)
    return Recognised(Format.onnx, task, signature, classes, primary)


def _task_beside(folder: Path, config: dict[str, Any] | None) -> tuple[str, list[str] | None]:
    """The task and the classes of a model that has config.json beside it: texts need a tokenizer, too."""
    if config is None:
        return PLAIN_TASK, None
    task = _task(config)
    if task not in IMAGE_TASKS and not (folder / TOKENIZER).is_file():
        return PLAIN_TASK, None
    return task, _classes(config, task)


def _onnx_file(folder: Path) -> Path | None:
    if (named := folder / "model.onnx").is_file():
        return named
    found = sorted(folder.glob("*.onnx"))
    if len(found) > 1:
        listed = ", ".join(path.name for path in found)
        raise InvalidInput(f"The folder holds {len(found)} ONNX models: {listed}.", "Fetch one of them.")
    return found[0] if found else None


def _recognise_torch(files: Sequence[Path], folder: Path, config: dict[str, Any] | None) -> Recognised | None:
    """Archives of PyTorch, told apart by what is in them, and bare pickles."""
    for path in files:
        if (format := _torch_format(path)) is not None:
            runs = format in (Format.exported, Format.torchscript)
            task, classes = _task_beside(folder, config) if runs else (PLAIN_TASK, None)
            return Recognised(format, task, None, classes, path)
    return None


def _torch_format(path: Path) -> Format | None:
    if not pickles.is_zip(path):
        return Format.torch if pickles.is_pickle(path) else None
    with zipfile.ZipFile(path) as package:
        inside = {name.partition("/")[2] for name in package.namelist()}
    if "models/model.json" in inside or "serialized_exported_program.json" in inside:
        return Format.exported
    if "constants.pkl" in inside and any(name.startswith("code/") for name in inside):
        return Format.torchscript
    return Format.torch if "data.pkl" in inside else None


def _unknown(files: Sequence[Path]) -> Recognised:
    primary = max(files, key=lambda path: path.stat().st_size)
    listed = ", ".join(path.name for path in files[:8])
    note = f"No known kind of model: neither config.json with weights, nor ONNX, nor a PyTorch archive among {listed}."
    return Recognised(Format.unknown, PLAIN_TASK, None, None, primary, note)


def _task(config: dict[str, Any]) -> str:
    """By the head that the architecture's name ends with; an encoder without one gives features."""
    architectures = config.get("architectures")
    named = [name for name in architectures if isinstance(name, str)] if isinstance(architectures, list) else []
    return next((task for name in named for head, task in TASKS_BY_HEAD.items() if name.endswith(head)), ENCODER_TASK)


def _classes(config: dict[str, Any], task: str) -> list[str] | None:
    """The names of the classes in the order of the model's outputs."""
    names = config.get("id2label")
    if not (task.endswith("-classification") or task in IMAGE_TASKS) or not isinstance(names, dict):
        return None
    try:
        return [str(name) for _, name in sorted(names.items(), key=lambda item: int(item[0]))]
    except ValueError as error:
        raise InvalidInput(f"{CONFIG} numbers its classes {list(names)[:5]}.", "They must be 0, 1, 2, …") from error


def _check_custom_code(folder: Path, trust: bool) -> None:
    for path in sorted(path for path in folder.rglob("*.json") if path.name in CONFIGS_WITH_CODE):
        settings = _json(path)
        for key in ("auto_map", "custom_pipelines"):
            if settings.get(key) and not trust:
                raise UnsafeContent(
                    f"{path.relative_to(folder)} asks to run the model's own code ({key}: {settings[key]}).",
                    "Read that code; if you trust it, fetch again and say so (trust). Nothing was added.",
                )


def _check_safetensors(files: Sequence[Path]) -> None:
    """The library checks the header's length, its JSON, and that the tensors fill the file without overlap."""
    import safetensors

    for path in files:
        if path.suffix != ".safetensors":
            continue
        try:
            with safetensors.safe_open(path, framework="numpy") as tensors:
                tensors.keys()
        except (safetensors.SafetensorError, OSError) as error:
            raise InvalidInput(
                f"{path.name} is not a sound safetensors file: {error}.", "Download it again."
            ) from error


def _check_shards(weights: Path) -> None:
    """Every file that an index names must lie beside it."""
    if not weights.name.endswith(".index.json"):
        return
    shards = _json(weights).get("weight_map")
    if not isinstance(shards, dict) or not shards:
        raise InvalidInput(f"{weights.name} lists no weights.", "Download it again.")
    for name in sorted({str(name) for name in shards.values()}):
        if Path(name).name != name:
            raise UnsafeContent(f"{weights.name} names {name!r}, outside its folder.", "Nothing was added.")
        if not (weights.parent / name).is_file():
            raise InvalidInput(f"{weights.name} needs {name}, which is missing.", "Fetch the whole folder.")


def _json(path: Path) -> dict[str, Any]:
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise InvalidInput(
            f"{path.name} is {path.stat().st_size} bytes, too big for a configuration.", "Check the file."
        )
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path.name} is not JSON: {error}.", "Download it again.") from error
    if not isinstance(value, dict):
        raise InvalidInput(f"{path.name} is not a JSON object.", "Download it again.")
    return value
