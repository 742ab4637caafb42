"""Answers of one round of the event loop leave together, in order, and none waits for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from jupyter_modeldeploy.serving.http import outbox
from jupyter_modeldeploy.serving.http.outbox import ALONE, SINGLES, Outbox, OutboxTransport


class Wire(asyncio.Transport):
    """Notes what is done to it in a list that several share."""

    def __init__(self, name: str, seen: list[str]) -> None:
        super().__init__()
        self._name, self._seen, self.broken = name, seen, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.broken
        self._seen.append(f"{self._name}:{bytes(data).decode()}")

    def close(self) -> None:
        self._seen.append(f"{self._name} closed")

    def abort(self) -> None:
        self._seen.append(f"{self._name} aborted")

    def write_eof(self) -> None:
        self._seen.append(f"{self._name} ended")

    def is_closing(self) -> bool:
        return self.broken


async def two() -> tuple[OutboxTransport, OutboxTransport, Wire, list[str]]:
    held, seen = Outbox(asyncio.get_running_loop()), []  # type: tuple[Outbox, list[str]]
    wires = Wire("a", seen), Wire("b", seen)
    return OutboxTransport(wires[0], held), OutboxTransport(wires[1], held), wires[0], seen


async def test_answers_of_one_round_leave_at_its_end_in_order() -> None:
    a, b, _, seen = await two()
    for turn in range(3):
        a.write_later(b"1")
        b.write_later(b"2")
        assert not seen, turn
        await asyncio.sleep(0)
        assert seen == ["a:1", "b:2"]
        seen.clear()


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (OutboxTransport.close, "b closed"),
        (OutboxTransport.abort, "b aborted"),
        (OutboxTransport.write_eof, "b ended"),
        (lambda transport: transport.write(b"3"), "b:3"),
    ],
)
async def test_whatever_else_is_done_comes_after(end: Callable[[OutboxTransport], None], told: str) -> None:
    a, b, _, seen = await two()
    a.write_later(b"1")
    b.write_later(b"2")
    end(b)
    assert seen == ["a:1", "b:2", told]
    await asyncio.sleep(0)
    assert len(seen) == 3


async def test_a_connection_that_broke_meanwhile_costs_no_other_its_answer() -> None:
    a, b, wire, seen = await two()
    a.write_later(b"1")
    b.write_later(b"2")
    wire.broken = True
    await asyncio.sleep(0)
    assert seen == ["b:2"]


async def test_who_is_alone_waits_for_nobody() -> None:
    a, b, _, seen = await two()
    for _ in range(SINGLES):
        a.write_later(b"0")
        await asyncio.sleep(0)
    seen.clear()
    for number in range(ALONE):
        a.write_later(b"x")
        assert len(seen) == number + 1
    a.write_later(b"1")
    b.write_later(b"2")
    assert seen[-1] == "a:x", "others may have come meanwhile"
    await asyncio.sleep(0)
    a.write_later(b"3")
    assert seen[-2:] == ["a:1", "b:2"], "who is not alone any more has company again"


async def test_slow_answers_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(outbox.time, "monotonic", lambda: now)
    a, b, _, seen = await two()
    a.write_later(b"1")
    now += 2 * outbox.HOLD_S
    b.write_later(b"2")
    assert seen == ["a:1", "b:2"]
