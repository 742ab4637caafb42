"""Starts the process that sends a load, and hears from it: alone in a process, nothing else of ours delays it."""

from __future__ import annotations

import contextlib
import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Unavailable, WorkerDied
from jupyter_modeldeploy.profiling.load.plan import Plan, Step
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records.loads import LoadStep

SENDER = "jupyter_modeldeploy.profiling.load.sender"


class Sending:
    """A process that sends the requests of a plan, step after step, and waits while it has none to do."""

    def __init__(self, plan: Plan, child: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._plan = plan
        self._child = child
        self._errors = errors

    def measure(self, step: Step, tell: Callable[[float], None] = lambda share: None) -> LoadStep:
        """One step; `tell` hears which share of its longest time is over.

        Raises Unavailable when not one request was answered, WorkerDied."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended, and `_ended` says why
            pickle.dump(step, self._child.stdin)
            self._child.stdin.flush()
        for line in self._child.stdout:
            told = json.loads(line)
            if "step" in told:
                found = LoadStep.model_validate(told["step"])
                _require_answers(self._plan, found)
                return found
            tell(told["share"])
        raise self._ended()

    def _ended(self) -> WorkerDied:
        status = self._child.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines() or ["no message"]
        return WorkerDied(f"The load's process ended with status {status}: {said[-1][:400]}")


@contextlib.contextmanager
def sending(plan: Plan) -> Iterator[Sending]:
    """A process that has the plan's requests, but none of its steps yet. Killed when the context ends.

    Raises InvalidInput for a URL that cannot be sent to."""
    plan.target()
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-m", SENDER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=processes.clean_environment(),
        ) as child,
    ):
        assert child.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError):
                pickle.dump(replace(plan, steps=[]), child.stdin)
                child.stdin.flush()
            yield Sending(plan, child, errors)
        finally:
            child.kill()
            with contextlib.suppress(BrokenPipeError):  # what it did not read is of no use to anybody
                child.stdin.close()


def measure(plan: Plan, reporter: Reporter) -> list[LoadStep]:
    """The plan's steps, measured by a process of its own, which ends with this call however it ends.

    Raises InvalidInput for a URL that cannot be sent to, Unavailable when not one request was answered, WorkerDied."""
    longest = [step.length.warmup_s + step.length.longest_s for step in plan.steps]
    total = sum(longest)
    found: list[LoadStep] = []
    with sending(plan) as sender:
        for number, step in enumerate(plan.steps):
            over = sum(longest[:number])

            def tell(share: float, over: float = over, seconds: float = longest[number]) -> None:
                reporter.progress(over + share * seconds, total, "s", f"Sending to {plan.url}")

            found.append(sender.measure(step, tell))
            tell(1.0)
    return found


def _require_answers(plan: Plan, step: LoadStep) -> None:
    if step.errors and step.failed == step.requests:
        reason = max(step.errors, key=lambda each: step.errors[each])
        raise Unavailable(f"{plan.url} answered none of {step.requests} requests: {reason}.", "Is it running?")
