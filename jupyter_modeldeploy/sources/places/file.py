"""Files and folders of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import ClassVar

from jupyter_modeldeploy.errors import InvalidInput, NotFound, UnsafeContent
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import archive
from jupyter_modeldeploy.sources.choosing.choice import matching
from jupyter_modeldeploy.sources.reference import Reference, RemoteFile, Resolution, Selection
from jupyter_modeldeploy.sources.transfer.answers import ensure_space
from jupyter_modeldeploy.sources.transfer.cache import Cache

ONNX_NAME = "model.onnx"
CHUNK = 4 << 20


class FileSource:
    """`file:PATH`: a folder or a file is copied, an archive (.zip, .tar.gz) unpacked.

    A lone ONNX file is named `model.onnx`, any other file keeps its name; an archive's one top folder is left out. Of a
    folder or an archive the files that match the selection's patterns are taken, without any all of them."""

    local: ClassVar[bool] = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        path = Path(reference.name)
        try:
            real = path.resolve(strict=True)
        except (FileNotFoundError, NotADirectoryError, RuntimeError) as error:
            raise NotFound(f"There is no file or folder {path}.", "Check the path.") from error
        found = dict(_files(real))
        if not found:
            raise InvalidInput(f"The folder {real} holds no files.", "Name the folder that holds the model.")
        wanted = matching(list(found), str(reference), selection) if real.is_dir() else list(found)
        files = [RemoteFile(path=name, url=found[name].as_uri(), size=found[name].stat().st_size) for name in wanted]
        return Resolution(source=f"file:{real}", files=files, selection=selection)

    def headers(self, url: str) -> dict[str, str]:
        return {}

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        path = Path(reference.name).resolve()
        if path.is_file() and archive.is_archive(path.name):
            inside = archive.only_folder(archive.names(path))
            return archive.extract(path, into, inside, selection=resolution.selection)
        wanted = {file.path for file in resolution.files}
        total = sum(file.size or 0 for file in resolution.files)
        ensure_space(into, total)
        done = 0
        for name, source in _files(path):
            if name not in wanted:
                continue
            target = into / name
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o600)
            done += target.stat().st_size
            reporter.progress(done, total, "bytes", f"Copying {path.name}")


def _files(path: Path) -> list[tuple[str, Path]]:
    """The files to copy: their names below the new folder and where each one really lies.

    Links may point to files inside the folder (a hub's cache is laid out so); those that leave it are refused."""
    if path.is_file():
        return [(ONNX_NAME if path.suffix == ".onnx" else path.name, path)]
    if not path.is_dir():
        raise InvalidInput(f"{path} is neither a file nor a folder.", "Name a regular file or a folder.")
    found = []
    for one in sorted(path.rglob("*")):
        name = one.relative_to(path).as_posix()
        real = one.resolve()
        if one.is_symlink() and not (real.is_relative_to(path) and real.is_file()):
            raise UnsafeContent(f"{name} is a link out of {path}, to {real}.", "Copy the file in place of the link.")
        if real.is_file():
            found.append((name, real))
        elif not real.is_dir():
            raise UnsafeContent(f"{name} is neither a file nor a folder.", f"Take it out of {path}.")
    return found
