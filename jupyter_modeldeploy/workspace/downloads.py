"""The cache of downloads below the workspace's root: how much it holds, whether it is whole, and what can go."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.workspace.room import Room

if TYPE_CHECKING:
    from jupyter_modeldeploy.sources.transfer.cache import Cache
    from jupyter_modeldeploy.sources.transfer.contents import Usage

MONTH_S = 30 * 24 * 3600.0


@dataclass(frozen=True)
class Verified:
    """How many files were hashed again, and the SHA-256 that the damaged ones should have had, which were removed."""

    checked: int
    damaged: list[str]


@dataclass(frozen=True)
class Pruned:
    files: int
    bytes_freed: int


def folders(settings: Settings) -> Path:
    """Where `ModelFetcher` puts the folders that it hands out; each is as old as its last use."""
    return settings.root / "cache" / "folders"


class Downloads(Room):
    def usage(self) -> Usage:
        """How much the cache holds; what versions share with it is counted apart."""
        return self._cache.usage()

    def verify(self) -> Verified:
        """Hash every download again and remove the damaged ones, which the next fetch brings anew."""
        return Verified(*self._cache.verify())

    def prune(self, older_than_s: float = MONTH_S) -> Pruned:
        """Remove the downloads that nobody has used for so long (0: all of them), and what `ModelFetcher` made of
        them. No version loses anything. Raises InvalidInput for a negative time."""
        pruned = Pruned(*self._cache.prune(older_than_s))
        handed_out = folders(self._store.settings)
        for folder in list(handed_out.iterdir()) if handed_out.is_dir() else []:
            if time.time() - folder.stat().st_mtime >= older_than_s:
                shutil.rmtree(folder)
        return pruned

    @property
    def _cache(self) -> Cache:
        from jupyter_modeldeploy.sources.transfer.cache import Cache  # an HTTP client that most workspaces never need

        return Cache(self._store.settings)
