"""One look at the workspace for everybody who waits for a change of it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor

from jupyter_modeldeploy.errors import Unavailable
from jupyter_modeldeploy.workspace import Workspace
from jupyter_modeldeploy.workspace.onlooker import LOOK_S, Onlooker


class Watch:
    """Looks for new changes while anybody waits for them: every `LOOK_S` seconds, however many they are."""

    def __init__(self, workspace: Workspace, executor: Executor) -> None:
        self._onlooker = Onlooker(workspace)
        self._executor = executor
        self._look: asyncio.Task[int] | None = None
        self._closed = False

    async def next_look(self) -> int:
        """The number of the latest change, a moment from now. Raises Unavailable when the server stops."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._look_after_a_pause())
        try:
            return await asyncio.shield(self._look)
        except asyncio.CancelledError:
            if self._closed:
                raise Unavailable("The server is stopping.", "Ask again when it has started.") from None
            raise

    def close(self) -> None:
        """Send away who waits."""
        self._closed = True
        if self._look is not None:
            self._look.cancel()

    async def _look_after_a_pause(self) -> int:
        await asyncio.sleep(LOOK_S)
        if self._onlooker.is_due():
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._onlooker.look)
        return self._onlooker.latest
