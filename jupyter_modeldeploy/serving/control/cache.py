"""The cache of answers: memory before Redis, and the runs that are to fill it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_modeldeploy.serving.control.flights import Flights
from jupyter_modeldeploy.serving.control.found import Found
from jupyter_modeldeploy.serving.control.memory_cache import MemoryCache
from jupyter_modeldeploy.serving.control.redis_cache import RedisCache
from jupyter_modeldeploy.serving.metrics import Metrics

if TYPE_CHECKING:
    from jupyter_modeldeploy import records


class Cache:
    def __init__(self, metrics: Metrics) -> None:
        self.flights = Flights()
        self._metrics = metrics
        self._memory: MemoryCache | None = None
        self._redis: RedisCache | None = None

    @property
    def on(self) -> bool:
        return self._memory is not None or self._redis is not None

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self._memory.size if self._memory else 0

    def __len__(self) -> int:
        return len(self._memory) if self._memory else 0

    def configure(self, settings: records.Cache, keep_stale: bool) -> None:
        """Keep what may be kept on. Raises Unavailable or InvalidInput for a Redis that cannot be used."""
        redis = self._redis
        wanted = (settings.cache_url, settings.cache_ttl_s, keep_stale)
        if redis is None or (redis.url, redis.ttl_s, redis.keep_stale) != wanted:
            redis = self._new_redis(*wanted)
            if self._redis is not None:
                self._redis.close()
            self._redis = redis
        limits = (settings.cache_bytes, settings.cache_ttl_s, keep_stale)
        if not settings.cache_bytes:
            self._memory = None
        elif self._memory is None:
            self._memory = MemoryCache(*limits)
        else:
            self._memory.configure(*limits)

    def find(self, key: bytes, then: Callable[[Found | None], None]) -> None:
        """Call `then` with what is there, now or later."""
        found = self._memory.get(key) if self._memory else None
        if found is not None and (found.fresh or self._redis is None):
            then(found)
        elif self._redis is None:
            then(None)
        else:
            self._redis.get(key, lambda later: then(self._learned(key, later) or found))

    def put(self, key: bytes, content: bytes) -> None:
        if self._memory is not None:
            self._memory.put(key, content)
            self._count_evictions(self._memory)
        if self._redis is not None:
            self._redis.put(key, content)

    def close(self) -> None:
        if self._redis is not None:
            self._redis.close()

    def _learned(self, key: bytes, found: Found | None) -> Found | None:
        if found is not None and found.fresh and self._memory is not None:
            self._memory.put(key, found.content, found.left_s)
        return found

    def _count_evictions(self, memory: MemoryCache) -> None:
        if memory.evictions:
            self._metrics.count("cache_evictions_total", memory.evictions)
            memory.evictions = 0

    def _new_redis(self, url: str | None, ttl_s: float, keep_stale: bool) -> RedisCache | None:
        if url is None:
            return None
        redis = RedisCache(url, ttl_s, keep_stale, lambda: self._metrics.count("redis_errors_total"))
        redis.connect()
        return redis
