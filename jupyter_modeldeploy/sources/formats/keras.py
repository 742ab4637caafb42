"""Keras models: .keras archives, and the HDF5 files before them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.sources.formats.bounded import (
    HDF5_MAGIC,
    ZIP_MAGIC,
    beginning,
    member,
    opened_zip,
    parsed,
    starts_with,
)
from jupyter_modeldeploy.sources.formats.recognised import PLAIN_TASK, Recognised

CONFIG, METADATA = "config.json", "metadata.json"
HDF5_SUFFIXES = (".h5", ".hdf5", ".keras")
SEARCHED_BYTES = 8 << 20
MODEL_CLASS = re.compile(rb'"class_name": ?"(\w{1,80})"')
NOTE = "A Keras model. With Keras, save it as ONNX (model.export('model.onnx', format='onnx')) and fetch that file."
WEIGHTS_NOTE = (
    "Weights of Keras without the layers that they are for. Load them into their model in the code that made them, and "
    "save that as ONNX (model.export('model.onnx', format='onnx'))."
)


def recognise(files: Sequence[Path]) -> Recognised | None:
    """The first Keras model among the files; weights alone count where there is no model."""
    found = [one for path in files if path.suffix.lower() in HDF5_SUFFIXES and (one := _recognise(path))]
    return min(found, key=lambda one: one.note == WEIGHTS_NOTE, default=None)


def _recognise(path: Path) -> Recognised | None:
    if starts_with(path, ZIP_MAGIC):
        return _archive(path)
    if not starts_with(path, HDF5_MAGIC):
        return None
    # The whole model is described by one attribute at the top, which lies near the beginning.
    searched = beginning(path, SEARCHED_BYTES)
    if b"model_config" in searched:
        named = MODEL_CLASS.search(searched)
        return _keras(path, NOTE, named[1].decode() if named else None)
    return _keras(path, WEIGHTS_NOTE, None) if b"layer_names" in searched or b"keras_version" in searched else None


def _archive(path: Path) -> Recognised | None:
    with opened_zip(path) as package:
        if CONFIG not in package.namelist() or METADATA not in package.namelist():
            return None
        config: Any = parsed(member(package, CONFIG), f"{CONFIG} in {path.name}")
    named = config.get("class_name") if isinstance(config, dict) else None
    return _keras(path, NOTE, named if isinstance(named, str) else None)


def _keras(path: Path, note: str, architecture: str | None) -> Recognised:
    return Recognised(Format.keras, PLAIN_TASK, None, None, path, note, framework="keras", architecture=architecture)
