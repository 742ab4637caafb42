"""Tries what may make a service faster: beside it, under the same load, and without touching it."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from jupyter_modeldeploy import processes, runtimes, tasks
from jupyter_modeldeploy.errors import ModelDeployError, ServiceFailed
from jupyter_modeldeploy.jobs.context import Context
from jupyter_modeldeploy.jobs.kinds.service_evidence import Found
from jupyter_modeldeploy.profiling.advice import bodies, rules, trials
from jupyter_modeldeploy.profiling.advice.rules import Candidate
from jupyter_modeldeploy.profiling.advice.trials import Gain
from jupyter_modeldeploy.profiling.load.plan import Plan
from jupyter_modeldeploy.profiling.load.target import Body
from jupyter_modeldeploy.records.service_reports import Advice, AdviceTrial

BESIDE = "jupyter_modeldeploy.serving.beside"

log = logging.getLogger(__name__)


def try_all(context: Context, plan: Plan, found: Found, seconds: float) -> tuple[list[Advice], list[AdviceTrial]]:
    """The advice, by what it gains, and all that was tried, in about so many seconds of load."""
    wanted = rules.candidates(found.evidence)
    share_s = seconds / max(1, len(wanted))
    advice: list[Advice] = []
    tried: list[AdviceTrial] = []
    for candidate in wanted:
        try:
            gain = _try(context, plan, found, candidate, share_s)
        except ModelDeployError as error:  # one that cannot be tried is no reason against the others
            log.warning("%s could not be tried: %s", candidate.title, error)
            tried.append(_trial(candidate, None, f"It could not be tried: {error}"))
            continue
        tried.append(_trial(candidate, gain, _why(gain)))
        if gain.worth:
            advice.append(_advice(candidate, gain, found.evidence.concurrency))
    return sorted(advice, key=lambda each: -each.speed_up.value), tried


def _try(context: Context, plan: Plan, found: Found, candidate: Candidate, seconds: float) -> Gain:
    """Other bodies go to a service of their own too: one that also reads the ones of now is not what clients will meet
    that send the others only."""
    with tempfile.TemporaryDirectory(prefix="modeldeploy-trial-") as scratch:
        folders = {}
        if candidate.quantized is not None:
            folders[found.version.ref] = str(_quantized(context, found, candidate, Path(scratch) / "version"))
        with _beside(context, found, candidate, folders, plan) as other:
            if candidate.bodies is not None:
                other = replace(other, bodies=_other_bodies(context, plan, found, candidate))
            concurrency = found.evidence.concurrency
            return trials.compare(plan, other, concurrency, seconds, context.reporter, candidate.title)


def _other_bodies(context: Context, plan: Plan, found: Found, candidate: Candidate) -> list[Body]:
    if candidate.bodies == "binary":
        return bodies.binary(plan.bodies)
    folder = context.store.versions.path(found.version)
    runtime = runtimes.load(found.version.format, folder)
    try:
        task = tasks.load(found.version.task, folder, runtime.signature)
        assert found.evidence.preparation is not None
        return bodies.shortened(task, plan.bodies, found.evidence.preparation.enough)
    finally:
        runtime.close()


def _quantized(context: Context, found: Found, candidate: Candidate, out: Path) -> Path:
    """The version in INT8, as good as a trial of speed needs it: static ranges are those of the bodies sent."""
    from jupyter_modeldeploy.optimize.quantizing.options import QuantizeOptions
    from jupyter_modeldeploy.optimize.quantizing.quantize import quantize

    assert candidate.quantized is not None
    options = QuantizeOptions(method=candidate.quantized)
    quantize(context.store.versions.path(found.version), out, options, context.reporter, found.inputs)
    return out


@contextlib.contextmanager
def _beside(
    context: Context, found: Found, candidate: Candidate, folders: dict[str, str], plan: Plan
) -> Iterator[Plan]:
    """The plan of the same load on a service that stands beside the running one, changed as the candidate says.

    Raises ServiceFailed where it does not come up."""
    name = found.service.name
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-P", "-m", BESIDE, str(context.store.service_folder(name))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=processes.clean_environment(),
        ) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps({"spec": candidate.spec, "folders": folders}) + "\n")
        child.stdin.flush()
        said = child.stdout.readline()
        told = json.loads(said) if said else {"failed": "Its process ended without a word."}
        if "failed" in told:
            raise ServiceFailed(f"{name} does not run so: {told['failed']}")
        yield _moved(plan, str(found.service.url), told["url"], told["token"])


def _moved(plan: Plan, here: str, there: str, token: str | None) -> Plan:
    """The same load on another service."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return replace(
        plan,
        url=plan.url.replace(here, there, 1),
        headers=headers,
        unix_socket=None,
        statistics_url=None,
    )


def _advice(candidate: Candidate, gain: Gain, concurrency: int) -> Advice:
    return Advice(
        cause=candidate.cause,
        title=candidate.title,
        evidence=candidate.evidence,
        speed_up=gain.speed_up,
        latency_ratio=gain.latency_ratio,
        trial=f"{gain.seconds:.0f} s of load at {concurrency} connections, in {gain.rounds} turns with the service.",
        caution=candidate.caution,
        action=candidate.action,
    )


def _trial(candidate: Candidate, gain: Gain | None, why: str) -> AdviceTrial:
    kept, speed_up = (gain.worth, gain.speed_up) if gain else (False, None)
    return AdviceTrial(cause=candidate.cause, title=candidate.title, speed_up=speed_up, kept=kept, why=why)


def _why(gain: Gain) -> str:
    if gain.failed > trials.MOST_FAILED:
        return f"{gain.failed:.0%} of its requests failed."
    if gain.worth:
        return "It gains more than its noise."
    return "It gains no more than its noise, or less than is worth a change."
