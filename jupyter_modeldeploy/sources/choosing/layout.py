"""Where in a package's files the model is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from jupyter_modeldeploy.errors import InvalidInput

CONFIG = "config.json"
WEIGHTS = (".safetensors", ".bin", ".onnx", ".pt", ".pth", ".pt2")


def model_folder(names: Iterable[str], where: str) -> str:
    """The one folder that holds a model: `config.json` next to weights, else an ONNX file; "" is the top.

    A folder below another candidate (a pooling layer, a second precision) is part of it. Raises InvalidInput when
    there is none, or several (listing them)."""
    paths = [PurePosixPath(name) for name in names]
    with_config = {path.parent for path in paths if path.name == CONFIG}
    with_weights = {path.parent for path in paths if path.suffix in WEIGHTS}
    found = with_config & with_weights or {path.parent for path in paths if path.suffix == ".onnx"}
    outermost = sorted(str(folder) for folder in found if not found & set(folder.parents))
    if len(outermost) == 1:
        return "" if outermost[0] == "." else outermost[0]
    if outermost:
        raise InvalidInput(
            f"{where} holds {len(outermost)} models: {', '.join(outermost)}.", f"Choose one: {where}#{outermost[0]}"
        )
    sample = ", ".join(str(path) for path in paths[:5])
    raise InvalidInput(
        f"No model was found in {where} (config.json next to weights, or an ONNX file).",
        f"Name a file or folder of it: {where}#PATH. Among its {len(paths)} files: {sample}.",
    )
