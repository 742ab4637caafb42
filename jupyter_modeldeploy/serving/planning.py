"""From a spec to a plan: everything that can be known to be wrong is found here, before anything starts or changes."""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from jupyter_modeldeploy import devices, plugins, release
from jupyter_modeldeploy.errors import Conflict, InvalidInput, Unavailable, from_os_error
from jupyter_modeldeploy.records import Arm, ServedModel, ServiceSpec, Version
from jupyter_modeldeploy.serving.access import require_loopback
from jupyter_modeldeploy.serving.contradictions import check_routing
from jupyter_modeldeploy.serving.plan import Plan, PlannedModel, PlannedVersion, split_name
from jupyter_modeldeploy.serving.routing import versions_of
from jupyter_modeldeploy.serving.supervision import documents
from jupyter_modeldeploy.serving.supervision.listening import MAX_PATH_BYTES, listen, listen_unix, reserve
from jupyter_modeldeploy.store import Store


def plan_of(store: Store, spec: ServiceSpec, revision: int) -> Plan:
    """What the supervisor needs to know. Raises InvalidInput for a spec that contradicts itself or this machine,
    NotFound for a model version that is not there, Unavailable where nothing here can run one."""
    require_loopback(spec.host)
    _check_models(spec)
    _check_scaling(spec)
    _check_tls(spec)
    _check_device(spec)
    models = [
        PlannedModel(name=served.model, versions=[_version(store, served.model, arm) for arm in _held(served)])
        for served in spec.models
    ]
    stages = _stages(store, spec, revision)
    return Plan(
        revision=revision,
        stage=max(stages.values()),
        stages=stages,
        spec=spec,
        models=models,
        metrics_folder=store.service_folder(spec.name) / "metrics",
        plugins={group: plugins.available(group) for group in ("runtimes", "tasks")},
        package_version=release.version(),
    )


def write(store: Store, plan: Plan) -> None:
    """Leave the plan, and the token that it asks for, where the supervisor finds them. Raises StorageFull."""
    name = plan.spec.name
    if plan.spec.auth == "token":
        store.ensure_service_token(name)
    try:
        documents.write(store.service_folder(name), documents.PLAN, plan.document())
    except OSError as error:
        raise from_os_error(error, "writing the service's plan") from error


def stage(store: Store, name: str, split: str) -> int:
    """The revision since which the split of the service's traffic that is called so (`split_name`) is as it is; 0 where
    there is no plan that tells."""
    return int(_former(store, name).get("stages", {}).get(split, 0))


def _stages(store: Store, spec: ServiceSpec, revision: int) -> dict[str, int]:
    """By split the revision since which a unit of it gets the version that it gets: what was measured before is another
    experiment.

    A change of anything else leaves it as it is, also that of another split; the former plan tells, also of a service
    that was stopped."""
    former = _former(store, spec.name)
    before = dict(_splits(former["spec"]["models"])) if former else {}
    since = former.get("stages") or dict.fromkeys(before, former.get("stage", revision))
    return {
        name: min(since[name], revision) if name in since and before.get(name) == split else revision
        for name, split in _splits(spec.model_dump(mode="json")["models"])
    }


def _former(store: Store, name: str) -> dict[str, Any]:
    """The plan that a service has, or had; empty where nobody knows."""
    try:
        return documents.read(store.service_folder(name), documents.PLAN) or {}
    except ValueError:
        return {}


def _splits(models: list[dict[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    for model in models:
        yield split_name(model["model"]), [model["arms"], model["rules"], model["namespace"]]
        for one in model.get("ranges", ()):
            yield split_name(model["model"], one["name"]), [one["namespace"], one["arms"], model["rules"]]


def check_address(spec: ServiceSpec) -> None:
    """Raise Conflict where the address of a service that does not run yet belongs to somebody else."""
    try:
        if spec.unix_socket is not None:
            _check_path(spec.unix_socket)
            listener = listen_unix(spec.unix_socket)
            listener.close()
            os.unlink(spec.unix_socket)
        else:
            listen(spec.host, spec.port).close()
    except OSError as error:
        where = spec.unix_socket or f"The port {spec.port} of {spec.host}"
        raise Conflict(f"{where} cannot be had: {error.strerror or error}.", "Choose another.") from error
    check_grpc_port(spec)


def check_grpc_port(spec: ServiceSpec) -> None:
    """Raise Conflict where the port for gRPC is somebody else's."""
    if spec.grpc_port is None:
        return
    try:
        reserve(spec.host, spec.grpc_port).close()
    except OSError as error:
        message = f"The gRPC port {spec.grpc_port} of {spec.host} cannot be had: {error.strerror}."
        raise Conflict(message, "Choose another, or 0 for any.") from error


def check_served(store: Store, served: ServedModel) -> None:
    """Raise what `plan_of` raises for this model alone, so that it can be known before anything changes."""
    check_routing(served)
    for arm in _held(served):
        _version(store, served.model, arm)


def _held(served: ServedModel) -> list[Arm]:
    """The arms, and what else is to be in memory: the fallback, versions of rules and shadows."""
    weights = {arm.version: arm.weight for arm in served.arms}
    return [Arm(version=number, weight=weights.get(number, 0)) for number in versions_of(served)]


def _version(store: Store, model: str, arm: Arm) -> PlannedVersion:
    version = store.versions.get(f"{model}@{arm.version}")
    for group, name in (("runtimes", version.format.value), ("tasks", version.task)):
        if name not in plugins.available(group):
            told = version.facts.note if version.facts else ""
            raise Unavailable(
                f"{version.ref} cannot be served: there is no {name!r} among the {group}.",
                told or f"Installed: {', '.join(sorted(plugins.available(group)))}. Convert the model to ONNX perhaps.",
            )
    return PlannedVersion(
        number=arm.version,
        weight=arm.weight,
        format=version.format,
        task=version.task,
        folder=store.versions.path(version),
        content=_digest(version),
    )


def _digest(version: Version) -> str:
    files = sorted(f"{file.path}\0{file.sha256}" for file in version.files)
    return hashlib.sha256("\0".join([version.task, version.format.value, *files]).encode()).hexdigest()


def _check_models(spec: ServiceSpec) -> None:
    names = [served.model for served in spec.models]
    if len(set(names)) != len(names):
        raise InvalidInput(f"A model is named twice: {', '.join(names)}.", "Give its versions as arms of one entry.")
    for served in spec.models:
        check_routing(served)
    if strange := set(spec.unloaded) - set(names):
        raise InvalidInput(
            f"{', '.join(strange)} cannot be unloaded: it is not served.", f"Models: {', '.join(names)}."
        )


def _check_scaling(spec: ServiceSpec) -> None:
    scaling = spec.scaling
    most = scaling.max_replicas
    if most is not None and scaling.min_replicas > most:
        raise InvalidInput(f"At least {scaling.min_replicas} replicas and at most {most}.", "Raise max_replicas.")
    if scaling.min_replicas == 0 and spec.grpc_port is not None:
        raise InvalidInput(
            "A service with a gRPC port cannot scale to zero: a call to that port would wake nobody.",
            "Leave the gRPC port out, or let min_replicas be 1.",
        )


def _check_device(spec: ServiceSpec) -> None:
    if (spec.instance_type or "").startswith("gpu") and not any(one.kind == "cuda" for one in devices.list_devices()):
        raise Unavailable(
            f"The instance type {spec.instance_type!r} needs a GPU, and this machine has none that can be used.",
            f"Use cpu{str(spec.instance_type)[3:]}, or a machine with an NVIDIA GPU and its driver.",
        )


def _check_tls(spec: ServiceSpec) -> None:
    certificate, key = spec.tls.tls_certificate, spec.tls.tls_key
    if not certificate and not key:
        return
    if not certificate or not key:
        raise InvalidInput("TLS needs a certificate and its key.", "Give both tls_certificate and tls_key.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        raise InvalidInput(
            f"{certificate} and {key} are no certificate with its key: {error.reason or error}.",
            "They must be PEM files that belong to each other; the key without a password.",
        ) from error
    except OSError as error:
        wrong = next((path for path in _unreadable(certificate, key)), certificate)
        raise InvalidInput(f"{wrong} cannot be read: {error.strerror}.", "Check the path.") from error


def _unreadable(*paths: str) -> Iterator[str]:
    return (path for path in paths if not os.access(path, os.R_OK))


def _check_path(path: str) -> None:
    if not hasattr(socket, "AF_UNIX"):
        raise InvalidInput("This system has no Unix sockets.", "Use a port.")
    if not os.path.isabs(path):
        raise InvalidInput(f"{path!r} is no absolute path.", "Write it from the root: /run/user/1000/model.sock.")
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise InvalidInput(f"{path!r} is too long for a socket.", f"The system takes {MAX_PATH_BYTES} bytes.")
