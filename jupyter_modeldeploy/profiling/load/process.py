"""Starts the process that sends a load, and hears from it: alone in a process, nothing else of ours delays it."""

from __future__ import annotations

import contextlib
import json
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from jupyter_modeldeploy import processes
from jupyter_modeldeploy.errors import Unavailable, WorkerDied
from jupyter_modeldeploy.profiling.load.plan import Plan
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records.loads import LoadStep

SENDER = "jupyter_modeldeploy.profiling.load.sender"


def measure(plan: Plan, reporter: Reporter) -> list[LoadStep]:
    """The plan's steps, measured by a process of its own, which ends with this call however it ends.

    Raises InvalidInput for a URL that cannot be sent to, Unavailable when not one request was answered, WorkerDied."""
    plan.target()
    total = sum(step.length.warmup_s + step.length.longest_s for step in plan.steps)
    found: list[LoadStep] = []
    over = 0.0
    with _generator(plan) as lines:
        for line in lines:
            told = json.loads(line)
            step = plan.steps[len(found)]
            longest = step.length.warmup_s + step.length.longest_s
            if "step" in told:
                found.append(LoadStep.model_validate(told["step"]))
                over += longest
                _require_answers(plan, found[-1])
                reporter.progress(over, total, "s", f"Sending to {plan.url}")
            else:
                reporter.progress(over + told["share"] * longest, total, "s", f"Sending to {plan.url}")
    return found


def _require_answers(plan: Plan, step: LoadStep) -> None:
    if step.errors and step.failed == step.requests:
        reason = max(step.errors, key=lambda each: step.errors[each])
        raise Unavailable(f"{plan.url} answered none of {step.requests} requests: {reason}.", "Is it running?")


@contextlib.contextmanager
def _generator(plan: Plan) -> Iterator[IO[bytes]]:
    """The lines that a process with this plan writes. Killed when the context ends before it does."""
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
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            with contextlib.suppress(BrokenPipeError), child.stdin as pipe:
                pickle.dump(plan, pipe)
            yield child.stdout
            if child.wait() != 0:
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip().splitlines() or ["no message"]
                raise WorkerDied(f"The load's process ended with status {child.returncode}: {said[-1][:400]}")
        finally:
            child.kill()
