"""Put a single downloaded file where it belongs: unpacked, if it is an archive."""

from __future__ import annotations

from pathlib import Path

from jupyter_modeldeploy.sources import archive
from jupyter_modeldeploy.sources.places.file import ONNX_NAME
from jupyter_modeldeploy.sources.reference import Selection
from jupyter_modeldeploy.sources.transfer import local_copy


def put(content: Path, name: str, path: str, into: Path, selection: Selection) -> None:
    """Unpack `path` of the downloaded archive `content`, or put what is no archive, into the folder `into`."""
    if not archive.is_archive(name):
        return local_copy.place(content, into / (ONNX_NAME if name.endswith(".onnx") else name))
    archive.extract(content, into, path or archive.only_folder(archive.names(content)), selection=selection)
