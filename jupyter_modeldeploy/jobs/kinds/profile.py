"""Profile a version: its operators, its memory, and how it answers through a service."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds import held_out, traffic
from jupyter_modeldeploy.records import Format, Name, Profile, Version

OPERATOR_INPUTS = 64
OPERATOR_REPEATS = 3


class ProfileParameters(Parameters):
    version: str = Field(description="the version to profile: NAME, NAME@3 or NAME@alias")
    service: Name = Field(description="the running service that the requests go through")
    dataset: str | None = Field(default=None, description="send its held-out rows; else the version's own")
    requests: int = Field(default=300, ge=10, le=1_000_000, description="requests in turn, and again at once")
    concurrency: int = Field(default=4, ge=1, le=1024, description="connections for the throughput")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.profiling import load
    from jupyter_modeldeploy.profiling.memory import peak_memory
    from jupyter_modeldeploy.profiling.operators import profile_onnx

    parameters: ProfileParameters = context.parameters
    store = context.store
    version = store.versions.get(parameters.version)
    if version.format is not Format.onnx:
        raise InvalidInput(f"{version.ref} has the format {version.format}.", "Convert it first.")
    service = store.services.get(parameters.service)
    _check_served(version, [f"{m.model}@{arm.version}" for m in service.spec.models for arm in m.arms], service.name)
    dataset = held_out.chosen_dataset(store, version, parameters.dataset)
    requests = traffic.make_traffic(store, version, dataset, parameters.requests, pinned=True)
    url, headers = traffic.endpoint(store, service)
    folder = store.versions.path(version)

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
    profile = Profile(
        version=version.ref,
        operators=profile_onnx(folder, requests.inputs[:OPERATOR_INPUTS], OPERATOR_REPEATS, context.reporter),
        peak_memory_bytes=peak_memory(folder, version.format, requests.inputs[:OPERATOR_INPUTS]),
        latency=load.summary(measure(1)),
        throughput=load.summary(measure(parameters.concurrency)),
        created_at=datetime.now(UTC),
    )
    return {"service": service.name, "profile": profile.model_dump(mode="json")}


def _check_served(version: Version, served: list[str], service: str) -> None:
    if version.ref not in served:
        raise NotFound(f"The service {service!r} does not serve {version.ref}.", f"It serves: {', '.join(served)}.")


KIND = Kind("profile", ProfileParameters, lambda p: f"Profile {p.version} through {p.service}", run)
