"""Versions as jobs are given them."""

from __future__ import annotations

import logging

from jupyter_modeldeploy.records import Version
from jupyter_modeldeploy.registry.moving import deprecation
from jupyter_modeldeploy.workspace.room import Room

log = logging.getLogger(__name__)


class Versions(Room):
    def version(self, ref: str) -> Version:
        """The version that `name@3`, `name@alias` or `name` means."""
        return self._store.versions.get(ref)

    def _loadable(self, ref: str) -> Version:
        """The version, unless it is in quarantine: then UnsafeContent, before a job is made for nothing."""
        version = self._told(self.version(ref))
        self._store.versions.path(version)
        return version

    def _told(self, version: Version) -> Version:
        """The version, with a word to whoever uses it where it is deprecated."""
        if version.deprecated is not None:
            log.warning("%s", deprecation(version.ref, version.deprecated))
        return version

    def _dataset(self, ref: str | None) -> str | None:
        return self._store.datasets.get(ref).ref if ref else None
