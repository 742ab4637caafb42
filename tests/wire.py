"""A wire between a client and a server on this machine, which tests cut or let fall silent, as a closed laptop does."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

CHUNK_BYTES = 65536

log = logging.getLogger(__name__)


class Wire:
    """Carries every connection to its `port` on to the server's port `leads_to`, which may be set to another's."""

    def __init__(self, leads_to: int) -> None:
        self.leads_to = leads_to
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._flows = asyncio.Event()
        self._carried: set[asyncio.Task[Any]] = set()
        self._listener: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire")
        self._thread.start()

    def connect(self) -> None:
        """Let everything pass, again where it was refused or silent. What was sent into the silence arrives now."""
        self._do(self._connect)

    def refuse(self) -> None:
        """Cut all connections and refuse new ones, as where the server or the network is gone."""
        self._do(self._refuse)

    def fall_silent(self) -> None:
        """Answer nothing and refuse nothing: connections stay, new ones are accepted, and no byte arrives."""
        self._do(self._fall_silent)

    def cut(self) -> None:
        """End all connections, as their other end does that has given them up meanwhile; what is on its way is lost."""
        self._do(self._cut)

    def close(self) -> None:
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(what(), self._loop).result(30)

    async def _connect(self) -> None:
        self._flows.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            self.port = self._listener.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        await self._cut()

    async def _fall_silent(self) -> None:
        self._flows.clear()

    async def _cut(self) -> None:
        for connection in self._carried:
            connection.cancel()
        await asyncio.gather(*self._carried, return_exceptions=True)

    async def _close(self) -> None:
        await self._refuse()
        await asyncio.sleep(0)  # for what their transports have left to do

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._carried.add(connection)
        try:
            await self._flows.wait()
            answers, asks = await asyncio.open_connection("127.0.0.1", self.leads_to)
            try:
                await asyncio.gather(self._pass(reader, asks), self._pass(answers, writer))
            finally:
                asks.transport.abort()
        except (OSError, asyncio.CancelledError) as error:
            log.info("a connection of the wire is over: %r", error)
        finally:
            writer.transport.abort()
            self._carried.discard(connection)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._flows.wait()
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()


@contextmanager
def wired(leads_to: int) -> Iterator[Wire]:
    """A wire that lets everything pass, for now."""
    wire = Wire(leads_to)
    wire.connect()
    try:
        yield wire
    finally:
        wire.close()
