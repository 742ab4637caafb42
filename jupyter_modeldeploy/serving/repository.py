"""Which of a service's models are kept in memory: the same in all its server processes.

Whoever asks one of them to load or unload a model asks all: the wish goes to the supervisor, which tells every server
process and answers when each has followed."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import itertools
import logging
import sys
from typing import Any

from jupyter_modeldeploy.errors import ModelDeployError, ServiceFailed
from jupyter_modeldeploy.serving.endpoint import Endpoint, ModelRoute
from jupyter_modeldeploy.serving.supervision.link import Link

log = logging.getLogger(__name__)


class Repository:
    """The models of `endpoint`. To be used on the event loop."""

    def __init__(self, endpoint: Endpoint, link: Link) -> None:
        self._endpoint = endpoint
        self._link = link
        self._asks = itertools.count(1)
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._following = asyncio.Lock()

    async def load(self, name: str) -> None:
        """Return when every server process has the model in memory and warm. Raises NotFound for a name that is not
        served, ServiceFailed where it cannot be loaded."""
        await self._ask("load", name)

    async def unload(self, name: str) -> None:
        """Return when no server process has the model in memory; requests to it are refused. Raises NotFound."""
        await self._ask("unload", name)

    def answered(self, ask: int, failure: dict[str, Any] | None) -> None:
        """The supervisor's word on an earlier wish."""
        waiting = self._asked.pop(ask, None)
        if waiting is None or waiting.done():
            return
        if failure is None:
            waiting.set_result(None)
        else:
            waiting.set_exception(ServiceFailed(failure["message"], failure["hint"]))

    async def follow(self, unloaded: list[str]) -> None:
        """Free the models of these names and load the others, in a thread. Raises ModelDeployError with nothing
        changed of the model that cannot be loaded."""
        async with self._following:
            for model in self._endpoint.models.values():
                wanted = model.name not in unloaded
                if wanted and not model.loaded:
                    await asyncio.to_thread(_load, model)
                    model.loaded = True
                elif model.loaded and not wanted:
                    model.loaded = False
                    await asyncio.to_thread(_release, model)

    async def _ask(self, verb: str, name: str) -> None:
        self._endpoint.model(name)
        ask = next(self._asks)
        self._asked[ask] = asyncio.get_running_loop().create_future()
        self._link.tell({"ask": ask, verb: name})
        await self._asked[ask]


def failure_of(error: Exception) -> dict[str, Any]:
    """What the supervisor is told of an error."""
    if isinstance(error, ModelDeployError):
        return {"code": error.code, "message": error.message, "hint": error.hint}
    return {"code": "service_failed", "message": f"{type(error).__name__}: {error}", "hint": ""}


def give_back_memory() -> None:
    """Collect what nothing holds any more and return free memory to the system, where its allocator can."""
    gc.collect()
    if sys.platform == "linux" and hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)


def _load(model: ModelRoute) -> None:
    for version in model.versions.values():
        version.load()
        version.warm_up()


def _release(model: ModelRoute) -> None:
    for version in model.versions.values():
        version.release()
    give_back_memory()
