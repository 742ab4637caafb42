"""One server process, as its supervisor sees it."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import Any

MESSAGE_BYTES = 2**20

log = logging.getLogger(__name__)

Failure = dict[str, Any]
"""`{"code", "message", "hint"}`"""


class Member:
    """A server process of generation `generation` (those of one generation can become each other by `configure`).

    `heard` is called after each of its messages and at its end; what they told is in the attributes."""

    def __init__(self, index: int, generation: int, heard: Callable[[], None]) -> None:
        self.index = index
        self.generation = generation
        self.started_at = self.heard_at = time.monotonic()
        self.ready = self.draining = self.outworn = False
        self.failure: Failure | None = None
        self.code: int | None = None
        self.configured = 0
        self.refusal: tuple[int, Failure] | None = None
        self.asked: list[dict[str, Any]] = []
        self.vitals: dict[str, Any] = {}
        self.rps = self.utilization = 0.0
        self._heard = heard
        self._process: Process | None = None
        self._killed_for = ""
        self._following: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, plan: dict[str, Any], descriptors: list[int]) -> None:
        """Start the process, which inherits the `descriptors`; the first is the listening socket."""
        self._following = asyncio.create_task(self._follow(plan, descriptors))

    def send(self, message: dict[str, Any]) -> None:
        if self._process is not None and self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(message).encode() + b"\n")

    def configure(self, revision: int, spec: dict[str, Any]) -> None:
        """Have it serve by `spec` without a new process; `configured` or `refusal` tell what came of it."""
        self.send({"configure": spec, "revision": revision})

    def drain(self, idle_s: float) -> None:
        """Let it finish what is under way, and close connections only after they were idle for `idle_s`."""
        self.draining = True
        self.send({"drain": idle_s})

    def terminate(self) -> None:
        self.draining = True
        self._signal(signal.SIGTERM)

    def kill(self, reason: str) -> None:
        self._killed_for = reason
        self._signal(signal.SIGKILL)

    def ended_how(self) -> str:
        if self._killed_for:
            return self._killed_for
        if self.code is not None and self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}"
        return f"exit status {self.code}"

    async def _follow(self, plan: dict[str, Any], descriptors: list[int]) -> None:
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "jupyter_modeldeploy.serving.replica", str(descriptors[0])),
                stdin=PIPE,
                stdout=PIPE,
                pass_fds=descriptors,
                limit=MESSAGE_BYTES,
            )
        except OSError as error:
            self.failure = {"code": "service_failed", "message": f"A process cannot be started: {error}.", "hint": ""}
            self.code = 1
            self._heard()
            return
        self.send(plan)
        if self.draining:  # while it was being started
            self._signal(signal.SIGTERM)
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self._note(json.loads(line))
            self._heard()
        self.code = await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        self._heard()

    def _note(self, message: dict[str, Any]) -> None:
        now = time.monotonic()
        if "ready" in message:
            self.ready = message["ready"]
            self.failure = message["failure"]
            self.vitals = message.get("vitals") or {}
        elif "vitals" in message:
            self._measure(message["vitals"], now - self.heard_at)
        elif "configured" in message:
            self.configured = message["configured"]
            if message["failure"] is not None:
                self.refusal = (message["configured"], message["failure"])
        elif "ask" in message:
            self.asked.append(message)
        if "configured" not in message and "ask" not in message:
            self.heard_at = now

    def _measure(self, vitals: dict[str, Any], seconds: float) -> None:
        if self.vitals and seconds > 0:
            self.rps = max(0, vitals["requests"] - self.vitals["requests"]) / seconds
            self.utilization = (vitals["cpu_s"] - self.vitals["cpu_s"]) / seconds
        self.vitals = vitals

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.code is None:
            try:
                self._process.send_signal(number)
            except ProcessLookupError:
                log.debug("process %d has ended already", self._process.pid)
