"""Answers kept in Redis, for all processes and services that use it.

A Redis that is down or slow costs a request next to nothing: a call has a twentieth of a second, and after one that
failed nothing is asked for a while."""

from __future__ import annotations

import asyncio
import logging
import struct
import time
from collections.abc import Callable, Coroutine
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.serving.control.found import Found

TIMEOUT_S = 0.05
CONNECT_S = 0.5
LEFT_ALONE_S = 2.0
MAX_CALLS = 64
MAX_VALUE_BYTES = 8 * 2**20
STALE_S = 24 * 3600.0
PREFIX = b"modeldeploy:1:"
_HEAD = struct.Struct("<d")

log = logging.getLogger(__name__)


class RedisCache:
    """To be used on the event loop. `failed` is told of each call that failed."""

    def __init__(self, url: str, ttl_s: float, keep_stale: bool, failed: Callable[[], None]) -> None:
        """Raises Unavailable without the package redis, InvalidInput for what is no URL of a Redis."""
        try:
            import redis.asyncio as redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
            from redis.exceptions import RedisError
        except ImportError as error:
            raise Unavailable(
                "Answers cannot be kept in Redis: its client is not installed.",
                "pip install 'jupyter_modeldeploy[redis]'",
            ) from error
        try:
            self._client = redis.Redis.from_url(
                url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=CONNECT_S, max_connections=MAX_CALLS
            )
        except ValueError as error:
            raise InvalidInput(
                "cache_url is not the URL of a Redis.", "Write redis://HOST:PORT/DB, rediss:// for TLS, or unix://PATH."
            ) from error
        self.url, self.ttl_s, self.keep_stale = url, ttl_s, keep_stale
        self._errors = (RedisError, OSError, TimeoutError)
        self._failed = failed
        self._left_alone_until = -1.0
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, key: bytes, then: Callable[[Found | None], None]) -> None:
        """Call `then` with what is there, later; or at once with None where Redis cannot be asked now."""
        if not self._start(self._get(key, then)):
            then(None)

    def put(self, key: bytes, content: bytes) -> None:
        """Keep the answer, if Redis can be asked now."""
        if len(content) <= MAX_VALUE_BYTES:
            self._start(self._put(key, _HEAD.pack(time.time() + self.ttl_s) + content))

    def connect(self) -> None:
        """Open a connection before it is needed."""
        self._start(self._ping())

    def close(self) -> None:
        """Let go of the connections once the calls under way have ended."""
        closing = asyncio.get_running_loop().create_task(self._close())
        self._tasks.add(closing)
        closing.add_done_callback(self._tasks.discard)

    def _start(self, call: Coroutine[Any, Any, None]) -> bool:
        if len(self._tasks) >= MAX_CALLS or time.monotonic() < self._left_alone_until:
            call.close()
            return False
        task = asyncio.get_running_loop().create_task(call)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _get(self, key: bytes, then: Callable[[Found | None], None]) -> None:
        found = None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                value = await self._client.get(PREFIX + key)
        except self._errors as error:
            self._leave_alone(error)
        else:
            if isinstance(value, bytes) and len(value) > _HEAD.size:
                found = Found(value[_HEAD.size :], _HEAD.unpack_from(value)[0] - time.time(), "redis")
                if not found.fresh and not self.keep_stale:
                    found = None
        then(found)

    async def _put(self, key: bytes, value: bytes) -> None:
        kept_s = max(self.ttl_s, STALE_S) if self.keep_stale else self.ttl_s
        try:
            async with asyncio.timeout(TIMEOUT_S):
                await self._client.set(PREFIX + key, value, px=max(1, int(kept_s * 1000)))
        except self._errors as error:
            self._leave_alone(error)

    async def _ping(self) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._client.ping()
        except self._errors as error:
            self._leave_alone(error)

    async def _close(self) -> None:
        await asyncio.gather(*(self._tasks - {asyncio.current_task()}), return_exceptions=True)
        await self._client.aclose()

    def _leave_alone(self, error: Exception) -> None:
        self._failed()
        now = time.monotonic()
        if now >= self._left_alone_until:
            log.warning("Redis does not answer and is left alone for %g s: %s", LEFT_ALONE_S, type(error).__name__)
        self._left_alone_until = now + LEFT_ALONE_S
