"""For whoever looks for changes of the workspace again and again, as long as somebody watches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_modeldeploy.workspace import Workspace

LOOK_S = 0.2
"""Between two looks."""
THOROUGH_S = 0.6
"""After this long it also looks where no write is seen: a job or a service that died writes nothing, and of two writes
within one tick of the file system's clock only the first may be seen."""
QUIET_S = 10.0
"""The same where nothing lives and nothing was written."""


class Onlooker:
    """Knows the number of the latest change, and costs next to nothing while nothing happens."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._written: object = None
        self._next_thorough = 0.0
        self.latest = 0
        """As of the last look."""

    def is_due(self) -> bool:
        """Whether a look can find anything. Takes microseconds, and needs no thread of its own."""
        return time.monotonic() >= self._next_thorough or self._workspace.store.changes.written() != self._written

    def look(self) -> int:
        """Read the number of the latest change, and find jobs and services that died. Raises what the store raises."""
        written = self._workspace.store.changes.written()
        busy = self._workspace.reconcile() or written != self._written
        self.latest = self._workspace.store.changes.latest()
        self._written, self._next_thorough = written, time.monotonic() + (THOROUGH_S if busy else QUIET_S)
        return self.latest
