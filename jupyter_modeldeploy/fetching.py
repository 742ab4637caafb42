"""A model's files for any library, by name, without a workspace:

from jupyter_modeldeploy import ModelFetcher

folder = ModelFetcher(source="huggingface").download("org/name", framework="onnx")
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from jupyter_modeldeploy import sources
from jupyter_modeldeploy.errors import NotAuthenticated, NotFound
from jupyter_modeldeploy.progress import Reporter, Silent
from jupyter_modeldeploy.records import Lineage, NewVersion, Step
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources import Resolution, Selection, safety, understanding
from jupyter_modeldeploy.sources.naming import scheme_of, suggested_name
from jupyter_modeldeploy.sources.reference import Framework
from jupyter_modeldeploy.workspace.downloads import folders

SourceName = Literal["huggingface", "modelscope", "github", "pypi", "folder"]


class ModelFetcher:
    """Downloads models from one kind of source into folders that any library can load.

    What was downloaded is kept in `cache_dir` (default: the workspace's own cache), shared between models, and not
    downloaded again; a download that was cut off goes on where it stopped. Nothing is registered in the workspace:
    `Workspace().models.fetch` does that."""

    def __init__(
        self, source: SourceName | str = "huggingface", cache_dir: str | os.PathLike[str] | None = None
    ) -> None:
        """`source` is one of the names above, or the scheme of any installed source (`https`, `s3`, …).

        Raises InvalidInput for a source that is not installed."""
        self._scheme = scheme_of(source)
        self._settings = Settings(cache_dir)
        self.source = source

    def __repr__(self) -> str:
        return f"ModelFetcher({self.source!r})"

    def exists(self, name: str, revision: str | None = None) -> bool:
        """Whether the source has this model and shows it to you; offline, whether it was found there before.

        `name` is what follows the scheme in a reference: `org/name`, `package`, a path. A gated model exists. Raises
        InvalidInput for a malformed name, Unavailable where the source cannot be reached."""
        try:
            sources.resolve(self._reference(name, revision), self._settings)
        except (NotFound, NotAuthenticated):
            return False
        return True

    def download(
        self,
        name: str,
        framework: Framework | None = None,
        include_weights: bool = True,
        revision: str | None = None,
        include: list[str] | None = None,
        exclude: list[str] | None = None,
        variant: str | None = None,
        trust: bool = False,
        reporter: Reporter | None = None,
    ) -> Path:
        """The folder with the model's files, downloaded unless it is there already. It is the caller's to read, not to
        change: the next call for the same revision and selection returns the same folder.

        `revision` is a branch, tag, commit or version. Without `framework` the weights are safetensors if there are
        any, else ONNX, else PyTorch's. `reporter.progress(done, total, "bytes", message)` is told how far it is.

        The files are looked through before they are handed out, and nothing of them is loaded. Raises UnsafeContent
        with all that was found where loading them could run code, unless `trust` is given; NotFound, NotAuthenticated,
        Forbidden, Unavailable, and StorageFull before the first byte where they cannot fit."""
        selection = Selection(
            include=include or [],
            exclude=exclude or [],
            variant=variant,
            framework=framework,
            include_weights=include_weights,
        )
        resolution = sources.resolve(self._reference(name, revision), self._settings, selection)
        folder = self._folder(resolution)
        if not folder.exists():
            self._place(resolution, selection, folder, reporter or Silent())
        os.utime(folder)  # it is as old as its last use, which `modeldeploy cache prune` goes by
        safety.check(folder, trust)
        return folder

    def generate_loader(self, path_or_name: str | os.PathLike[str], trust: bool = False) -> str:
        """Python source that loads the model in a folder (or that of this name, which is downloaded), asks it once and
        prints what came out. Nothing of the model is loaded to write it.

        Raises UnsafeContent, with what was found, for files that could run code unless `trust` is given; InvalidInput
        for files that are no model that anything loads; what `download` raises."""
        from jupyter_modeldeploy import loader  # it needs what a download does not
        from jupyter_modeldeploy.sources.recognise import recognise

        given = Path(path_or_name).expanduser()
        folder = given.resolve() if given.is_dir() else self.download(str(path_or_name), trust=trust)
        safety.check(folder, trust)
        recognised = recognise(folder)
        version = NewVersion(
            model=suggested_name(f"file:{folder}"),
            format=recognised.format,
            task=recognised.task,
            lineage=Lineage(step=Step.imported, source=f"file:{folder}"),
            signature=recognised.signature,
            classes=recognised.classes,
            facts=understanding.facts(folder, recognised),
        )
        return loader.generate(version, folder)

    def _reference(self, name: str, revision: str | None) -> str:
        name, number, path = name.removeprefix(f"{self._scheme}:").partition("#")
        return f"{self._scheme}:{name}" + (f"@{revision}" if revision else "") + number + path

    def _folder(self, resolution: Resolution) -> Path:
        """Where the files of this very resolution lie; of a path's also as they are now."""
        told = resolution.model_dump_json(exclude_none=True)
        if self._scheme == "file":
            told += "".join(str(_local(file.url).stat().st_mtime_ns) for file in resolution.files)
        key = hashlib.sha256(told.encode()).hexdigest()[:16]
        return folders(self._settings) / f"{suggested_name(resolution.source)}-{key}"

    def _place(self, resolution: Resolution, selection: Selection, folder: Path, reporter: Reporter) -> None:
        """Fill the folder beside its place, so that it is there whole or not at all."""
        staging = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
        try:
            sources.fetch(resolution.source, staging, reporter, self._settings, selection)
            try:
                staging.rename(folder)
            except OSError:
                if not folder.is_dir():  # else another process was first, with the same files
                    raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _local(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))
