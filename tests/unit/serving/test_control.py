"""Callers are limited, versions that fail are left alone, and priorities and deadlines are understood."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import orjson
import pytest

from jupyter_modeldeploy import records
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.serving.control import rates, urgency
from jupyter_modeldeploy.serving.control.breaker import Breaker, State
from jupyter_modeldeploy.serving.control.journal import MAX_PENDING, Journal
from jupyter_modeldeploy.serving.control.rates import TokenBuckets
from jupyter_modeldeploy.serving.control.urgency import Urgency
from jupyter_modeldeploy.serving.execution.waiting import DEFAULT, LOWEST


class Clock:
    """Time that passes when the test says so, in seconds."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_caller_may_ask_in_bursts_and_then_at_the_rate() -> None:
    clock = Clock()
    buckets = TokenBuckets(rate=2, burst=3, clock=clock)
    assert [buckets.take("alice") for _ in range(5)] == pytest.approx([0, 0, 0, 0.5, 0.5])
    clock.now += 0.5
    assert [buckets.take("alice") for _ in range(2)] == pytest.approx([0, 0.5])
    assert buckets.take("bob") == 0
    clock.now += 100
    assert [buckets.take("alice") for _ in range(4)] == pytest.approx([0, 0, 0, 0.5])


def test_a_slow_rate_lets_one_request_through_at_once() -> None:
    buckets = TokenBuckets(rate=0.1, clock=Clock())
    assert [buckets.take("alice") for _ in range(2)] == pytest.approx([0, 10])


def test_many_callers_take_bounded_memory_and_the_eager_ones_stay_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_CALLERS", 100)
    buckets = TokenBuckets(rate=1, burst=5, clock=Clock())
    while not buckets.take("eager"):
        pass
    for number in range(1000):
        assert buckets.take(f"caller {number}") == 0
    assert buckets.take("eager") > 0
    assert len(buckets._full_at) <= 100


class Observed:
    """A breaker of a version whose successes are counted elsewhere."""

    def __init__(self, **settings: float) -> None:
        self.clock, self.succeeded, self.changes = Clock(), 0, []
        limits = {"breaker_share": 0.5, "breaker_requests": 4, "breaker_window_s": 10, "breaker_open_s": 5} | settings
        self.breaker = Breaker(
            records.Breaker.model_validate(limits), lambda: self.succeeded, self.changes.append, self.clock
        )

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.now += 0.1
            self.breaker.tick()


def test_a_version_that_fails_too_often_is_left_alone() -> None:
    observed = Observed()
    observed.succeeded += 2
    observed.breaker.failed()
    assert observed.breaker.admits()
    observed.breaker.failed()
    assert not observed.breaker.admits()
    assert observed.breaker.retry_after_s == 5
    assert observed.changes == [State.open]


def test_few_failures_among_many_requests_do_no_harm() -> None:
    observed = Observed()
    for _ in range(100):
        observed.succeeded += 2
        observed.breaker.failed()
        observed.wait(0.1)
    assert observed.breaker.state is State.closed


def test_failures_are_forgotten_with_time() -> None:
    observed = Observed()
    for _ in range(10):
        observed.breaker.failed()
        observed.wait(11)
    assert observed.breaker.state is State.closed


def test_successes_of_long_ago_do_not_hide_failures() -> None:
    observed = Observed()
    observed.succeeded = 1_000_000
    observed.wait(12)
    for _ in range(4):
        observed.breaker.failed()
    assert observed.breaker.state is State.open


def test_after_a_while_one_request_tries_the_version() -> None:
    observed = Observed(breaker_requests=1)
    breaker = observed.breaker
    breaker.failed()
    observed.wait(5.1)
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.failed()
    assert not breaker.admits()
    observed.wait(5.1)
    assert breaker.admits()
    breaker.passed()
    assert breaker.admits()
    assert breaker.admits()
    assert observed.changes == [State.open, State.half_open, State.open, State.half_open, State.closed]


def test_a_try_that_tells_nothing_leaves_the_next_one_its_turn() -> None:
    observed = Observed(breaker_requests=1)
    observed.breaker.failed()
    observed.wait(5.1)
    assert observed.breaker.admits()
    observed.breaker.undecided()
    assert [observed.breaker.admits() for _ in range(2)] == [True, False]


def test_without_a_share_there_is_no_breaker() -> None:
    observed = Observed(breaker_share=0)
    for _ in range(100):
        observed.breaker.failed()
    assert observed.breaker.admits()


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, Urgency()),
        ({b"x-request-timeout-ms": b"250"}, Urgency(0.25)),
        ({b"x-request-priority": b"1"}, Urgency(None, 1)),
        ({b"x-request-priority": b"0"}, Urgency(None, DEFAULT)),
        ({b"x-request-priority": b"99999"}, Urgency(None, LOWEST)),
        ({b"x-request-timeout-ms": b"0"}, Urgency()),
    ],
)
def test_headers_say_how_urgent_a_request_is(headers: dict[bytes, bytes], wanted: Urgency) -> None:
    assert urgency.of_headers(headers) == wanted


def test_parameters_say_it_in_tritons_units_and_before_headers() -> None:
    otherwise = Urgency(9.0, 2)
    assert urgency.of_parameters({"timeout": 1500, "priority": 3}, otherwise) == Urgency(0.0015, 3)
    assert urgency.of_parameters({"other": 1}, otherwise) == otherwise
    assert urgency.of_parameters({"priority": 0}, otherwise) == otherwise


def test_infinities_are_the_most_there_is() -> None:
    headers = {b"x-request-timeout-ms": b"inf", b"x-request-priority": b"inf"}
    assert urgency.of_headers(headers) == Urgency(math.inf, LOWEST)


@pytest.mark.parametrize("value", [b"soon", b"-1", b"nan", b""])
def test_what_is_no_time_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidInput):
        urgency.of_headers({b"x-request-timeout-ms": value})
    with pytest.raises(InvalidInput):
        urgency.of_parameters({"timeout": value.decode()}, Urgency())


def test_a_journal_is_bounded_and_several_processes_may_write_it(tmp_path: Path) -> None:
    dropped: list[int] = []
    journals = [Journal(tmp_path / "log.jsonl", dropped.append, max_bytes=1000) for _ in range(2)]
    for number in range(200):
        journal = journals[number % 2]
        journal.add({"number": number})
        journal.flush()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["log.jsonl", "log.jsonl.1"]
    assert all(file.stat().st_size <= 1000 for file in files)
    lines = [orjson.loads(line)["number"] for file in reversed(files) for line in file.read_bytes().splitlines()]
    assert lines == list(range(200 - len(lines), 200))
    assert not dropped


def test_a_journal_that_cannot_be_written_loses_its_records_and_nothing_else(tmp_path: Path) -> None:
    dropped: list[int] = []
    journal = Journal(tmp_path / "nowhere" / "log.jsonl", dropped.append)
    for number in range(MAX_PENDING + 5):
        journal.add({"number": number})
    journal.flush()
    assert sum(dropped) == MAX_PENDING + 5
    assert np.all(np.array(dropped) > 0)
