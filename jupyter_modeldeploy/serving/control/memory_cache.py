"""Answers kept in memory: those used least recently go first."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from jupyter_modeldeploy.serving.control.found import Found

ENTRY_BYTES = 300  # of an entry's key, number and places in the table, beside its content


class MemoryCache:
    """At most `max_bytes` of answers, each for `ttl_s` seconds. With `keep_stale`, those that are older stay as long as
    there is room."""

    def __init__(
        self, max_bytes: int, ttl_s: float, keep_stale: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.max_bytes = max_bytes
        self.ttl_s = ttl_s
        self.keep_stale = keep_stale
        self.size = 0
        self.evictions = 0
        self._clock = clock
        self._entries: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes) -> Found | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        found = Found(entry[0], entry[1] - self._clock(), "memory")
        if not found.fresh and not self.keep_stale:
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return found

    def put(self, key: bytes, content: bytes, left_s: float | None = None) -> None:
        """Keep the answer (for `left_s` seconds, where it is not new), if need be in the place of others. One that
        takes more than an eighth of the room is not kept."""
        if len(content) + ENTRY_BYTES > self.max_bytes // 8:
            return
        self._remove(key)
        self._entries[key] = content, self._clock() + (self.ttl_s if left_s is None else left_s)
        self.size += len(content) + ENTRY_BYTES
        self._make_room()

    def configure(self, max_bytes: int, ttl_s: float, keep_stale: bool) -> None:
        self.max_bytes, self.ttl_s, self.keep_stale = max_bytes, ttl_s, keep_stale
        self._make_room()

    def _make_room(self) -> None:
        while self.size > self.max_bytes:
            self._remove(next(iter(self._entries)))
            self.evictions += 1

    def _remove(self, key: bytes) -> None:
        if entry := self._entries.pop(key, None):
            self.size -= len(entry[0]) + ENTRY_BYTES
