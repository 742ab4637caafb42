"""A folder of contents that several users share, each named by its SHA-256.

Nobody in it is trusted: what another user stored is copied and the copy hashed before it is used, so that a later
change of theirs changes nothing for us. Only one's own files are linked to. Whoever may not write there only takes."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from pathlib import Path

from jupyter_modeldeploy.errors import StorageFull
from jupyter_modeldeploy.sources.reference import RemoteFile
from jupyter_modeldeploy.sources.transfer import local_copy
from jupyter_modeldeploy.sources.transfer.answers import ensure_space

log = logging.getLogger(__name__)
FOLDER_MODE = 0o3770
"""Group-writable, new files belong to the folder's group, and nobody removes another's."""
FILE_MODE = 0o440


class SharedFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, file: RemoteFile) -> Path | None:
        """What is said to be the file's content; its hash is still to be checked. Only a SHA-256 tells."""
        path = self._folder / file.sha256 if file.sha256 else None
        try:
            found = path is not None and stat.S_ISREG(path.lstat().st_mode)
        except OSError:
            return None
        return path if found else None

    def offer(self, content: Path) -> None:
        """Store a verified content of ours for the others, by another name of the same file where that is possible.

        Raises nothing: the others download it for themselves then."""
        target = self._folder / content.name
        fresh = self._folder / f".{content.name}.{os.getpid()}"
        try:
            self._make()
            if target.exists():
                return
            if content.stat().st_dev != self._folder.stat().st_dev:
                ensure_space(self._folder, content.stat().st_size)
            local_copy.place(content, fresh)
            fresh.chmod(FILE_MODE)
            fresh.rename(target)
        except (OSError, StorageFull) as error:
            log.info("%s is not shared: %s", content.name, error)
            with contextlib.suppress(OSError):  # where we may not write, nothing of ours is left
                fresh.unlink()

    def _make(self) -> None:
        if not self._folder.exists():
            self._folder.mkdir(parents=True)
            self._folder.chmod(FOLDER_MODE)
