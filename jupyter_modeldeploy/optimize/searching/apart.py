"""A process that is asked one thing after the other: what it does may take its memory, its time or its life, and costs
whoever asks nothing but the answer."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError, TimedOut, WorkerDied, described

Asked = dict[str, Any]
ENDING_S = 2.0
SHOWN_CHARACTERS = 400


class Apart:
    """A process of `python -m MODULE ARGUMENTS`, which calls `answer` below. It ends with whoever started it."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._told = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            env=_as_a_service(),
        )
        self._read = b""

    def ask(self, question: Asked, timeout_s: float | None = None) -> Asked:
        """Its answer. Raises the error that it met, WorkerDied where it was killed, TimedOut after `timeout_s` seconds;
        it is ended then."""
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            answer = json.loads(self._line(None if timeout_s is None else time.monotonic() + timeout_s))
        except BrokenPipeError:
            raise self._died() from None
        if "error" in answer:
            error = answer["error"]
            raise described(error["code"], error["message"], error["hint"])
        return dict(answer)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # what was asked last was never read
                    continue
        self._told.close()

    def _line(self, deadline: float | None) -> bytes:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._read:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and (left <= 0 or not select.select([descriptor], [], [], left)[0]):
                self.close()
                raise TimedOut("It took longer than there is time for.")
            if not (chunk := os.read(descriptor, 1 << 16)):
                raise self._died()
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        return line

    def _died(self) -> ModelDeployError:
        code = self._process.wait()
        self._told.seek(0)
        said = (self._told.read().strip().splitlines() or ["no message"])[-1][:SHOWN_CHARACTERS]
        self.close()
        if code < 0:
            name = signal.Signals(-code).name
            return WorkerDied(f"Its process was ended by {name}.", "Was there enough memory?")
        return InvalidInput(f"Its process ended: {said}")


def _as_a_service() -> dict[str, str]:
    """The environment of a service's processes: a job's own lets OpenMP's threads sleep at once."""
    environment = processes.serving_environment()
    if environment.get("OMP_WAIT_POLICY") == "passive":
        del environment["OMP_WAIT_POLICY"]
        environment.setdefault("GOMP_SPINCOUNT", processes.SPIN_COUNT)
    return environment


def answer(respond: Callable[[Asked], Asked]) -> None:
    """Answer what is asked on stdin, line by line, until nobody asks any more. What libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            found = respond(json.loads(line))
        except ModelDeployError as error:
            found = error.body()
        except Exception as error:  # noqa: BLE001 - whoever asked is told, whatever it was
            found = InvalidInput(f"{type(error).__name__}: {' '.join(str(error).split())[:SHOWN_CHARACTERS]}").body()
        print(json.dumps(found), file=answers, flush=True)
