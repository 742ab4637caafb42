"""One server process, as its supervisor sees it."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from typing import Any

READ_BYTES = 65536

log = logging.getLogger(__name__)

Failure = dict[str, Any]
"""`{"code", "message", "hint"}`"""


class Member:
    """A server process of generation `generation` (those of one generation can become each other by `configure`).

    What its messages and its end told is in the attributes, once `look` was called."""

    def __init__(self, index: int, generation: int) -> None:
        self.index = index
        self.generation = generation
        self.started_at = self.heard_at = time.monotonic()
        self.ready = self.draining = self.outworn = False
        self.accepting = True
        """Whether new connections may still come to it, as long as it lives."""
        self.failure: Failure | None = None
        self.code: int | None = None
        self.configured = 0
        self.refusal: tuple[int, Failure] | None = None
        self.asked: list[dict[str, Any]] = []
        self.vitals: dict[str, Any] = {}
        self.rps = self.utilization = 0.0
        self.messages: int | None = None
        """The descriptor that its messages come from, while it is open."""
        self._process: subprocess.Popen[bytes] | None = None
        self._killed_for = ""
        self._incoming = self._outgoing = b""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, plan: dict[str, Any], descriptors: list[int]) -> None:
        """Start the process, which inherits the `descriptors`; the first is the listening socket."""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "jupyter_modeldeploy.serving.replica", str(descriptors[0])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=descriptors,
                bufsize=0,
            )
        except OSError as error:
            self.failure = {"code": "service_failed", "message": f"A process cannot be started: {error}.", "hint": ""}
            self.code = 1
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        self.messages = self._process.stdout.fileno()
        os.set_blocking(self.messages, False)
        self.send(plan)

    def look(self) -> None:
        """Take in what it said and whether it has ended; send what its pipe had no room for."""
        if self._process is None or self.code is not None:
            return
        code = self._process.poll()
        self._read()
        self._flush()
        if code is not None:
            self.code = code
            self._close()

    def send(self, message: dict[str, Any]) -> None:
        self._outgoing += json.dumps(message).encode() + b"\n"
        self._flush()

    def configure(self, revision: int, plan: dict[str, Any]) -> None:
        """Have it serve by `spec` without a new process; `configured` or `refusal` tell what came of it."""
        self.configured = 0  # a model is loaded or unloaded within a revision, which may be followed already
        since = {"stage": plan.get("stage", 1), "stages": plan.get("stages", {})}
        self.send({"configure": plan["spec"], "revision": revision, **since})

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

    def _read(self) -> None:
        while self.messages is not None:
            try:
                piece = os.read(self.messages, READ_BYTES)
            except BlockingIOError:
                break
            if not piece:
                self.messages = None
            self._incoming += piece
        *lines, self._incoming = self._incoming.split(b"\n")
        for line in lines:
            self._note(json.loads(line))

    def _flush(self) -> None:
        if self._process is None or self._process.stdin is None or self._process.stdin.closed:
            return
        try:
            while self._outgoing:
                self._outgoing = self._outgoing[os.write(self._process.stdin.fileno(), self._outgoing) :]
        except BlockingIOError:
            log.debug("replica %d does not read its messages now", self.index)
        except BrokenPipeError:
            self._outgoing = b""  # it is about to be seen to have ended

    def _close(self) -> None:
        self.messages = None
        for pipe in (self._process.stdin, self._process.stdout) if self._process else ():
            if pipe is not None:
                pipe.close()

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
        elif "closed" in message:
            self.accepting = False
        if "configured" not in message and "ask" not in message:
            self.heard_at = now

    def _measure(self, vitals: dict[str, Any], seconds: float) -> None:
        if self.vitals and seconds > 0:
            self.rps = max(0, vitals["requests"] - self.vitals["requests"]) / seconds
            self.utilization = (vitals["cpu_s"] - self.vitals["cpu_s"]) / seconds
        self.vitals = vitals

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.code is None:
            self._process.send_signal(number)  # which does nothing where it has ended
