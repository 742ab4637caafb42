"""Pipelines of the package diffusers: several models in folders of their own."""

from __future__ import annotations

from pathlib import Path

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.formats import safetensors_file
from jupyter_modeldeploy.sources.formats.bounded import json_object
from jupyter_modeldeploy.sources.formats.recognised import Recognised
from jupyter_modeldeploy.sources.formats.weights import Weights

INDEX = "model_index.json"
WEIGHTS = ("diffusion_pytorch_model", "model")
NOTE = "A pipeline of diffusers of several models, which is not run here: run it with diffusers in a notebook."


def recognise(folder: Path) -> Recognised | None:
    """The pipeline in `folder`. Raises InvalidInput for a damaged index."""
    primary = folder / INDEX
    if not primary.is_file():
        return None
    name = str(json_object(primary).get("_class_name") or "")[:80] or None
    task = "text-to-video" if name and "Video" in name else "text-to-image"
    return Recognised(Format.diffusers, task, None, None, primary, NOTE, framework="diffusers", architecture=name)


def weights(recognised: Recognised) -> Weights | None:
    """The parameters of all parts, each in one variant."""
    folders = [path for path in recognised.primary.parent.iterdir() if path.is_dir()]
    files = [path for folder in sorted(folders) for path in _of_part(folder)]
    return safetensors_file.count(files) if files else None


def _of_part(folder: Path) -> list[Path]:
    """The files without a variant's name (`.fp16`), else of the first variant; shards have numbers."""
    by_variant: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        name, _, variant = path.name.removesuffix(".safetensors").partition("-0")[0].partition(".")
        if name in WEIGHTS:
            by_variant.setdefault(variant, []).append(path)
    return by_variant[min(by_variant)] if by_variant else []
