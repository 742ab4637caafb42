"""Put a single downloaded file where it belongs: unpacked, if it is an archive."""

from __future__ import annotations

import shutil
from pathlib import Path

from jupyter_modeldeploy.sources import archive
from jupyter_modeldeploy.sources.download import ensure_space
from jupyter_modeldeploy.sources.file import ONNX_NAME
from jupyter_modeldeploy.sources.reference import Selection


def put(content: Path, name: str, path: str, into: Path, selection: Selection) -> None:
    """Unpack `path` of the downloaded archive `content`, or copy what is no archive, to the folder `into`."""
    if not archive.is_archive(name):
        ensure_space(into, content.stat().st_size)
        shutil.copyfile(content, into / (ONNX_NAME if name.endswith(".onnx") else name))
        return
    archive.extract(content, into, path or archive.only_folder(archive.names(content)), selection=selection)
