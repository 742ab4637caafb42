"""Answers are named by their exact input, come back as they were, and take no more room than they may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from redis_process import RedisProcess, running

from jupyter_modeldeploy import records
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.serving.control import redis_cache
from jupyter_modeldeploy.serving.control.answers import key_of, packed, unpacked
from jupyter_modeldeploy.serving.control.cache import Cache
from jupyter_modeldeploy.serving.control.found import Found
from jupyter_modeldeploy.serving.control.memory_cache import ENTRY_BYTES, MemoryCache
from jupyter_modeldeploy.serving.control.redis_cache import RedisCache
from jupyter_modeldeploy.serving.metrics import Metrics

FIRST, SECOND = SimpleNamespace(content="files of one version"), SimpleNamespace(content="of another")


def strings(*values: bytes) -> np.ndarray:
    array = np.empty(len(values), np.object_)
    array[:] = values
    return array


DIFFERENT: list[tuple[Any, str, Any]] = [
    (FIRST, "tensors", {"x": np.array([1, 2], np.float32)}),
    (SECOND, "tensors", {"x": np.array([1, 2], np.float32)}),
    (FIRST, "tensors", {"x": np.array([1, 2], np.float64)}),
    (FIRST, "tensors", {"x": np.array([[1, 2]], np.float32)}),
    (FIRST, "tensors", {"x": np.array([[1], [2]], np.float32)}),
    (FIRST, "tensors", {"y": np.array([1, 2], np.float32)}),
    (FIRST, "tensors", {"x": strings(b"ab", b"c")}),
    (FIRST, "tensors", {"x": strings(b"a", b"bc")}),
    (FIRST, "items", ["ab", "c"]),
    (FIRST, "items", ["a", "bc"]),
    (FIRST, "items", ["abc"]),
    (FIRST, "items", [b"abc"]),
    (FIRST, "items", [["a", "b"], []]),
    (FIRST, "items", [["a"], ["b"]]),
    (FIRST, "items", [1]),
    (FIRST, "items", [True]),
    (FIRST, "items", [None]),
    (FIRST, "items", [{"x": np.array([1, 2], np.float32)}]),
]


def test_no_two_inputs_share_a_key() -> None:
    keys = [key_of(version, kind, payload) for version, kind, payload in DIFFERENT]
    assert None not in keys
    assert len(set(keys)) == len(DIFFERENT)


def test_a_key_is_the_same_in_whatever_order_and_memory_the_input_is() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    straight = key_of(FIRST, "tensors", {"a": array, "b": array})
    assert straight == key_of(FIRST, "tensors", {"b": np.asfortranarray(array), "a": array.copy()})


def test_an_input_that_cannot_be_told_has_no_key() -> None:
    assert key_of(FIRST, "items", [object()]) is None


def test_answers_come_back_as_they_were() -> None:
    tensors = {
        "numbers": np.arange(6, dtype=np.float16).reshape(2, 3),
        "texts": strings(b"", b"\xff\x00", "ü".encode()).reshape(3, 1),
        "scalar": np.array(7, np.int64),
        "none": np.zeros((0, 4), np.float32),
        "flags": np.array([True, False]),
    }
    found = unpacked(packed("tensors", tensors))
    assert list(found) == list(tensors)
    for name, array in tensors.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tolist() == array.tolist()
    items = [{"label": "positive", "scores": [0.1, 0.9]}, [1.5, None]]
    assert unpacked(packed("items", items)) == items
    assert packed("items", [object()]) is None


def cached(found: Found | None) -> bytes | None:
    return None if found is None else found.content


def test_memory_is_bounded_and_the_least_used_go_first() -> None:
    cache = MemoryCache(10 * (ENTRY_BYTES + 100), 60, keep_stale=False)
    for number in range(10):
        cache.put(b"%d" % number, bytes(100))
    assert cached(cache.get(b"0")) == bytes(100)
    cache.put(b"new", bytes(100))
    assert cache.get(b"1") is None
    assert cache.get(b"0") is not None
    assert cache.size == cache.max_bytes
    assert (len(cache), cache.evictions) == (10, 1)
    cache.put(b"huge", bytes(cache.max_bytes))
    assert len(cache) == 10
    cache.configure(1000, 60, keep_stale=False)
    assert cache.size <= 1000


def test_old_answers_are_gone_unless_they_are_better_than_none() -> None:
    now = [0.0]
    strict, lenient = (MemoryCache(10_000, 60, keep_stale, clock=lambda: now[0]) for keep_stale in (False, True))
    for cache in (strict, lenient):
        cache.put(b"key", b"answer")
        assert cache.get(b"key").fresh
    now[0] = 61.0
    assert strict.get(b"key") is None
    assert strict.size == 0
    assert not lenient.get(b"key").fresh


def run(scenario: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with asyncio.timeout(120):
            return await scenario()

    return asyncio.run(main())


async def get(cache: RedisCache, key: bytes) -> bytes | None:
    found: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
    cache.get(key, found.set_result)
    return cached(await found)


async def put(cache: RedisCache, key: bytes, content: bytes) -> None:
    cache.put(key, content)
    await asyncio.gather(*cache._tasks)


async def closed(cache: RedisCache) -> None:
    cache.close()
    await asyncio.gather(*cache._tasks)


@pytest.fixture
def redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """One that has as much time as a busy machine gives it."""
    for limit in ("TIMEOUT_S", "CONNECT_S", "LEFT_ALONE_S"):
        monkeypatch.setattr(redis_cache, limit, 120.0)
    with running(tmp_path) as process:
        yield process


def test_redis_keeps_answers_for_all(redis: RedisProcess) -> None:
    async def scenario() -> None:
        one, other = (RedisCache(redis.url, 60, False, pytest.fail) for _ in range(2))
        assert await get(one, b"key") is None
        await put(one, b"key", b"an answer")
        assert await get(other, b"key") == b"an answer"
        await closed(one)
        await closed(other)

    run(scenario)


def test_old_answers_of_redis_are_used_only_where_that_is_wanted(redis: RedisProcess) -> None:
    async def scenario() -> None:
        cache = RedisCache(redis.url, 0.01, True, pytest.fail)
        await put(cache, b"key", b"old")
        await asyncio.sleep(0.02)
        found: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
        cache.get(b"key", found.set_result)
        old = await found
        assert old is not None
        assert not old.fresh
        await closed(cache)

    run(scenario)


def test_a_redis_that_hangs_or_is_gone_costs_one_short_wait(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[None] = []

    async def scenario() -> None:
        cache = RedisCache(redis.url, 60, False, lambda: failures.append(None))
        await put(cache, b"key", b"answer")
        redis.hang()
        with monkeypatch.context() as patched:
            patched.setattr(redis_cache, "TIMEOUT_S", 0.05)
            assert await get(cache, b"key") is None
        assert len(failures) == 1
        for _ in range(1000):  # left alone: nobody waits any more
            assert await get(cache, b"key") is None
        assert len(failures) == 1
        redis.go_on()
        cache._left_alone_until = 0.0
        assert await get(cache, b"key") == b"answer"
        redis.stop()
        assert await get(cache, b"key") is None
        assert len(failures) == 2
        redis.start()
        cache._left_alone_until = 0.0
        await put(cache, b"key", b"again")
        assert await get(cache, b"key") == b"again"
        await closed(cache)

    run(scenario)


def test_what_is_no_redis_is_refused() -> None:
    with pytest.raises(InvalidInput, match="redis://HOST"):
        RedisCache("http://elsewhere", 60, False, pytest.fail)


def test_what_redis_knows_memory_learns(redis: RedisProcess, tmp_path: Path) -> None:
    settings = records.Cache(cache_bytes=100_000, cache_url=redis.url)

    async def scenario() -> None:
        metrics = Metrics(tmp_path, 0)
        one, other = Cache(metrics), Cache(metrics)
        for cache in (one, other):
            cache.configure(settings, keep_stale=False)
        one.put(b"key", b"answer")
        await asyncio.gather(*one._redis._tasks)
        sources = []
        for _ in range(2):
            found: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
            other.find(b"key", found.set_result)
            sources.append((await found).source)
        assert sources == ["redis", "memory"]
        for cache in (one, other):
            await closed(cache._redis)

    run(scenario)


def test_without_room_and_redis_there_is_no_cache(tmp_path: Path) -> None:
    cache = Cache(Metrics(tmp_path, 0))
    cache.configure(records.Cache(cache_bytes=1000), keep_stale=False)
    assert cache.on
    cache.configure(records.Cache(), keep_stale=False)
    assert not cache.on
