"""One look at the workspace for all panels of a kernel that wait for a change of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.workspace import Workspace
from jupyter_modeldeploy.workspace.onlooker import LOOK_S, Onlooker

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Waiting:
    """Who waits for a change after number `since`, until `deadline` on the monotonic clock, and what to do then, which
    must not take long."""

    since: int
    deadline: float
    then: Callable[[], object]


class Watch:
    """Looks for new changes while anybody waits for them, every `LOOK_S` seconds, however many they are.

    A kernel's event loop stands still while a cell computes, so this has a thread, and only while anybody waits."""

    def __init__(self, workspace: Workspace) -> None:
        self._onlooker = Onlooker(workspace)
        self._lock = threading.Lock()
        self._waiting: set[Waiting] = set()
        self._thread: threading.Thread | None = None

    def add(self, waiting: Waiting) -> None:
        """Tell of the next change, or that none came in time."""
        with self._lock:
            self._waiting.add(waiting)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="modeldeploy changes", daemon=True)
                self._thread.start()

    def forget(self, waiting: Waiting) -> None:
        """Nobody waits for this any more."""
        with self._lock:
            self._waiting.discard(waiting)

    def _look(self) -> None:
        while self._anybody():
            latest = self._latest()
            for due in self._take_due(latest):
                due.then()
            time.sleep(LOOK_S)

    def _anybody(self) -> bool:
        with self._lock:
            if not self._waiting:
                self._thread = None
            return bool(self._waiting)

    def _latest(self) -> int | None:
        """None where the workspace cannot be read: then everybody is told, and hears why when reading it again."""
        try:
            return self._onlooker.look() if self._onlooker.is_due() else self._onlooker.latest
        except ModelDeployError as error:
            log.warning("The workspace's changes cannot be read: %s", error)
            return None

    def _take_due(self, latest: int | None) -> set[Waiting]:
        now = time.monotonic()
        with self._lock:
            due = {one for one in self._waiting if latest is None or latest > one.since or now >= one.deadline}
            self._waiting -= due
        return due
