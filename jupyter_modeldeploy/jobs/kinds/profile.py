"""Profile a version: its operators, its memory, and how it answers through a service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import held_out, model_graphs, traffic
from jupyter_modeldeploy.processes import Promptly, at_once, stepping_aside
from jupyter_modeldeploy.records import Latency, Name, Profile, Service, Version
from jupyter_modeldeploy.store import Store

OPERATOR_INPUTS, INPUTS_BESIDE = 8, 3
"""Beside a service few are run, so that each is run often enough to leave out the runs that the service disturbed."""
OPERATOR_SECONDS = 8.0
SHARE_BESIDE = 0.04
"""Of the time, while a service answers: its requests lose at most that much of one core (decision 6)."""


class ProfileParameters(Parameters):
    version: str = Field(description="the version to profile: NAME, NAME@3 or NAME@alias")
    service: Name | None = Field(
        default=None, description="the running service that the requests go through; without it, none are sent"
    )
    dataset: str | None = Field(default=None, description="run and send its held-out rows; else the version's own")
    requests: int = Field(default=300, ge=10, le=1_000_000, description="requests in turn, and again at once")
    concurrency: int = Field(default=4, ge=1, le=1024, description="connections for the throughput")
    seconds: float = Field(default=OPERATOR_SECONDS, ge=0.1, le=600, description="how long to time the operators")
    threads: int | None = Field(
        default=None, ge=1, le=256, description="processor threads of a run; else those that the service uses, or 1"
    )
    beside: bool = Field(
        default=False,
        description="send the service nothing and leave it nearly all of the processor: for one that others use",
    )


def run(context: Context) -> dict[str, Any]:
    if not context.parameters.beside:
        return _found(context, at_once, share=1.0)
    with stepping_aside() as promptly:
        return _found(context, promptly, SHARE_BESIDE)


def _found(context: Context, promptly: Promptly, share: float) -> dict[str, Any]:
    from jupyter_modeldeploy.profiling.memory import LEAK_SECONDS, measure_memory
    from jupyter_modeldeploy.profiling.operators import Pace, profile_operators

    parameters: ProfileParameters = context.parameters
    beside, store = parameters.beside, context.store
    service = store.services.get(parameters.service) if parameters.service else None
    version, requests = _prepared(context, service)
    folder, inputs = store.versions.path(version), requests.inputs[: INPUTS_BESIDE if beside else OPERATOR_INPUTS]
    answers = _answers(context, service, requests) if service and not beside else {}
    threads = parameters.threads or (service.spec.threads if service else 0) or 1
    pace = Pace(parameters.seconds, share, promptly)
    found = profile_operators(version.format, folder, inputs, pace, threads, context.reporter)
    leak_seconds = 0.0 if beside else min(parameters.seconds, LEAK_SECONDS)
    memory = measure_memory(folder, version.format, inputs, threads, leak_seconds)
    measured = found._asdict()
    model_graphs.keep(context.folder, measured.pop("graph"))
    profile = Profile(
        version=version.ref,
        **measured,
        memory=memory,
        peak_memory_bytes=memory.peak_bytes,
        service=parameters.service,
        **answers,
        created_at=datetime.now(UTC),
    )
    return {"service": parameters.service, "profile": profile.model_dump(mode="json")}


def _prepared(context: Context, service: Service | None) -> tuple[Version, traffic.Traffic]:
    """The version, and what to run and send; its runtime is imported."""
    parameters: ProfileParameters = context.parameters
    store = context.store
    version = _with_signature(store, store.versions.get(parameters.version))
    if service:
        _check_served(version, service)
    elif parameters.beside:
        raise InvalidInput("There is no service to profile it beside.", "Name one, or leave `beside` out.")
    dataset = held_out.chosen_dataset(store, version, parameters.dataset)
    plugins.load("runtimes", version.format.value)
    return version, traffic.make_traffic(store, version, dataset, parameters.requests, pinned=True)


def _with_signature(store: Store, version: Version) -> Version:
    """The version with the tensors that its runtime takes, which a checkpoint's own files do not tell."""
    if version.signature is not None:
        return version
    from jupyter_modeldeploy import runtimes

    runtime = runtimes.load(version.format, store.versions.path(version), device="cpu")
    try:
        return version.model_copy(update={"signature": runtime.signature})
    finally:
        runtime.close()


def _answers(context: Context, service: Service, requests: traffic.Traffic) -> dict[str, Latency]:
    """One request after the other, then several at once."""
    from jupyter_modeldeploy.profiling import load

    parameters: ProfileParameters = context.parameters
    url, headers = traffic.endpoint(context.store, service)

    def measure(concurrency: int) -> load.LoadResult:
        plan = load.Load(
            url=url + requests.path,
            headers=headers,
            payloads=requests.bodies,
            concurrency=concurrency,
            requests=parameters.requests,
        )
        return load.run(plan, context.reporter)

    measure(1)  # warm: the first answers pay for memory that later ones find ready
    return {"latency": load.summary(measure(1)), "throughput": load.summary(measure(parameters.concurrency))}


def _check_served(version: Version, service: Service) -> None:
    served = [f"{model.model}@{arm.version}" for model in service.spec.models for arm in model.arms]
    if version.ref not in served:
        raise NotFound(
            f"The service {service.name!r} does not serve {version.ref}.", f"It serves: {', '.join(served)}."
        )


def _title(parameters: ProfileParameters) -> str:
    return f"Profile {parameters.version}" + (f" through {parameters.service}" if parameters.service else "")


KIND = Kind("profile", ProfileParameters, _title, run)
