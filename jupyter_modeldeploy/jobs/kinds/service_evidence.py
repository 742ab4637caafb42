"""What is measured of a running service before advice is looked for."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace

import psutil

from jupyter_modeldeploy import devices, runtimes, tasks
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.jobs.context import Context
from jupyter_modeldeploy.jobs.kinds import load_plan, model_graphs
from jupyter_modeldeploy.profiling.advice import bodies
from jupyter_modeldeploy.profiling.advice.evidence import Evidence, Layout, Preparation
from jupyter_modeldeploy.profiling.load.plan import Plan, Step
from jupyter_modeldeploy.profiling.load.process import measure
from jupyter_modeldeploy.profiling.load.windows import Length
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import Service, Version
from jupyter_modeldeploy.records.loads import LoadStep
from jupyter_modeldeploy.records.profiles import DISPATCH, MemoryParts, Operator, OperatorRun, grouped

LOOK_S, WARMUP_S = 2.5, 0.5
INPUTS = 8
OPERATOR_S = 3.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """`inputs` are the model's inputs of the bodies that are sent, as far as they can be told."""

    evidence: Evidence
    service: Service
    version: Version
    operators: list[Operator]
    run: OperatorRun | None
    operators_note: str
    memory: MemoryParts | None
    inputs: list[Tensors]


def look(context: Context, plan: Plan, concurrency: int) -> Found:
    """Put the service under load once more and read what it does meanwhile; then run its model alone."""
    store, parameters = context.store, context.parameters
    service = store.services.get(parameters.service)
    served = load_plan.served(service, parameters.model)
    version = store.versions.get(f"{served.model}@{served.arms[0].version}")
    step, cores_busy, switches = _under_load(service, plan, concurrency)
    preparation, inputs = _prepared(context, version, plan)
    operators, run, note = _operators(context, version, inputs)
    evidence = Evidence(
        service=service.name,
        version=version.ref,
        format=version.format.value,
        cores=devices.usable_cores(),
        int8_dot=devices.has_int8_dot(),
        layout=_layout(service),
        concurrency=concurrency,
        stages=step.stages,
        operators={one.type: one.share for one in grouped(operators, "type") if one.type != DISPATCH},
        cores_busy=cores_busy,
        switches_per_s=switches,
        preparation=preparation,
        beside=tuple(f"{m.model}@{arm.version}" for m in service.spec.models if m != served for arm in m.arms),
        json_tensors=bodies.json_tensors(plan.bodies[0]) is not None,
        body_bytes=sum(len(body.content) for body in plan.bodies) // len(plan.bodies),
    )
    return Found(evidence, service, version, operators, run, note, _memory(context, version, inputs), inputs)


def _layout(service: Service) -> Layout:
    spec = service.spec
    return Layout(spec.replicas, spec.instances, spec.threads, spec.max_batch_rows)


def _under_load(service: Service, plan: Plan, concurrency: int) -> tuple[LoadStep, float, float]:
    """The step, how many cores the service kept busy, and how often a second one of its threads lost its core."""
    length = Length(LOOK_S, WARMUP_S, LOOK_S / 5, percentile=50, tolerance=1.0, to_the_end=True)
    before = _spent(service)
    (step,) = measure(replace(plan, steps=[Step(length, concurrency=concurrency)]), Silent())
    seconds, switches = (after - was for after, was in zip(_spent(service), before, strict=True))
    return step, seconds / (step.seconds + WARMUP_S), switches / (step.seconds + WARMUP_S)


def _spent(service: Service) -> tuple[float, float]:
    """Seconds of processor time and involuntary switches of all the service's processes so far."""
    seconds = switches = 0.0
    if service.process is None:
        return seconds, switches
    with suppress(psutil.NoSuchProcess):  # a replica that ends meanwhile: what is left is told
        supervisor = psutil.Process(service.process.pid)
        for process in [supervisor, *supervisor.children(recursive=True)]:
            seconds += sum(process.cpu_times()[:2])
            switches += process.num_ctx_switches().involuntary
    return seconds, switches


def _prepared(context: Context, version: Version, plan: Plan) -> tuple[Preparation | None, list[Tensors]]:
    """How long a request is prepared for the model, where it is in the task's words; and the model's inputs."""
    told = [bodies.json_tensors(body) for body in plan.bodies[:INPUTS]]
    if all(told):
        return None, [found[1] for found in told if found]
    if "/predict" not in plan.url:
        return None, []
    folder = context.store.versions.path(version)
    runtime = runtimes.load(version.format, folder)
    try:
        task = tasks.load(version.task, folder, runtime.signature)
        return bodies.prepared(task, runtime, plan.bodies[:INPUTS])
    except (ModelDeployError, ValueError) as error:  # bodies of the user's own need not fit
        log.warning("What is sent could not be run here: %s", error)
        return None, []
    finally:
        runtime.close()


def _operators(
    context: Context, version: Version, inputs: list[Tensors]
) -> tuple[list[Operator], OperatorRun | None, str]:
    from jupyter_modeldeploy.profiling.operators import FORMATS, Pace, profile_operators

    if version.format not in FORMATS:
        return [], None, f"What runs the format {version.format} tells nothing of operators."
    if not inputs:
        return [], None, "What the requests hold could not be read, so the model was not run alone."
    folder = context.store.versions.path(version)
    found = profile_operators(version.format, folder, inputs[:INPUTS], Pace(OPERATOR_S), 1, context.reporter)
    model_graphs.keep(context.folder, found.graph)
    return found.operators, found.run, ""


def _memory(context: Context, version: Version, inputs: list[Tensors]) -> MemoryParts | None:
    if not inputs:
        return None
    from jupyter_modeldeploy.profiling.memory import measure_memory

    return measure_memory(context.store.versions.path(version), version.format, inputs[:INPUTS], leak_seconds=0)
