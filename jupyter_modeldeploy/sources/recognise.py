"""Tell from its files what a model is, without running or loading it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources import onnx_graph
from jupyter_modeldeploy.sources.formats import (
    adapter,
    checkpoint,
    diffusers,
    gguf,
    keras,
    paddle,
    scikit_learn,
    tensorflow,
    timm,
    torch_archive,
    ultralytics,
)
from jupyter_modeldeploy.sources.formats.bounded import json_object
from jupyter_modeldeploy.sources.formats.recognised import PLAIN_TASK
from jupyter_modeldeploy.sources.formats.recognised import Recognised as Recognised
from jupyter_modeldeploy.sources.formats.tasks import CONFIG, IMAGE_TASKS, architecture, classes_of, task_of

TOKENIZER = "tokenizer.json"
WEIGHTS_ALONE = (
    "Weights of PyTorch without the program that they are for. Load them in the code that made them and save the model "
    "with torch.export or as ONNX."
)


def recognise(folder: Path) -> Recognised:
    """What kind of model lies in `folder`; whether it is safe to load, `safety.examine` tells.

    Raises InvalidInput for damaged files and an empty folder, UnsafeContent for weights outside the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise InvalidInput(f"The folder {folder.name} holds no files.", "Name the folder that holds the model.")
    config = json_object(folder / CONFIG) if (folder / CONFIG).is_file() else None
    return (
        timm.recognise(folder, config)
        or checkpoint.recognise(folder, config)
        or adapter.recognise(folder)
        or diffusers.recognise(folder)
        or _recognise_onnx(folder, config)
        or _recognise_openvino(folder, config)
        or gguf.recognise(files)
        or tensorflow.recognise(folder)
        or keras.recognise(files)
        or paddle.recognise(files)
        or scikit_learn.recognise(files)
        or ultralytics.described(folder)
        or _recognise_torch(files, folder, config)
        or checkpoint.untrained(folder, config)
        or _unknown(files)
    )


def _recognise_onnx(folder: Path, config: dict[str, Any] | None) -> Recognised | None:
    if (primary := _onnx_file(folder)) is None:
        return None
    signature = onnx_graph.read_signature(primary)
    task, classes = _task_beside(folder, config)
    made = architecture(config) if config else None
    return Recognised(Format.onnx, task, signature, classes, primary, framework="onnx", architecture=made)


def _task_beside(folder: Path, config: dict[str, Any] | None) -> tuple[str, list[str] | None]:
    """The task and the classes of a model that has config.json beside it: texts need a tokenizer, too."""
    if config is None:
        return PLAIN_TASK, None
    task = task_of(config)
    if task not in IMAGE_TASKS and not (folder / TOKENIZER).is_file():
        return PLAIN_TASK, None
    return task, classes_of(config, task)


def _onnx_file(folder: Path) -> Path | None:
    if (named := folder / "model.onnx").is_file():
        return named
    found = sorted(folder.glob("*.onnx"))
    if len(found) > 1:
        listed = ", ".join(path.name for path in found)
        raise InvalidInput(f"The folder holds {len(found)} ONNX models: {listed}.", "Fetch one of them.")
    return found[0] if found else None


def _recognise_openvino(folder: Path, config: dict[str, Any] | None) -> Recognised | None:
    """The model whose weights lie beside it under the same name."""
    primary = next((path for path in sorted(folder.glob("*.xml")) if path.with_suffix(".bin").is_file()), None)
    if primary is None:
        return None
    task, classes = _task_beside(folder, config)
    made = architecture(config) if config else None
    return Recognised(Format.openvino, task, None, classes, primary, framework="openvino", architecture=made)


def _recognise_torch(files: Sequence[Path], folder: Path, config: dict[str, Any] | None) -> Recognised | None:
    """Archives of PyTorch, told apart by what is in them, and bare pickles."""
    for path in files:
        format = torch_archive.format_of(path)
        if format is Format.torch:
            alone = Recognised(format, PLAIN_TASK, None, None, path, WEIGHTS_ALONE, framework="torch")
            return ultralytics.recognise(path) or alone
        if format is not None:
            task, classes = _task_beside(folder, config)
            made = architecture(config) if config else None
            return Recognised(format, task, None, classes, path, framework="torch", architecture=made)
    return None


def _unknown(files: Sequence[Path]) -> Recognised:
    primary = max(files, key=lambda path: path.stat().st_size)
    listed = ", ".join(path.name for path in files[:8])
    note = (
        "No known kind of model: neither config.json with weights, nor ONNX, a PyTorch archive, GGUF, TensorFlow, "
        f"Keras, Paddle or scikit-learn among {listed}."
    )
    return Recognised(Format.unknown, PLAIN_TASK, None, None, primary, note)
