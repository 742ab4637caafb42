"""What a service's doors want to be served, as its supervisor and its server processes are told: everything they need,
so that they never open the store.

Plain classes of the standard library, as all that a server process knows: the doors have checked what is in them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from jupyter_modeldeploy.signatures import Format

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import ServiceSpec


@dataclass(frozen=True, kw_only=True)
class PlannedVersion:
    """`content` is a digest of the version's files, which tells it from others of its name elsewhere."""

    number: int
    weight: float
    format: Format
    task: str
    folder: Path
    content: str = ""


@dataclass(frozen=True, kw_only=True)
class PlannedModel:
    name: str
    versions: list[PlannedVersion]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The supervisor reads it from the service's folder and sends it to each server process as the first JSON line on
    its standard input, which stays open while the supervisor lives.

    `metrics_folder` is where the replicas of the service leave their counts for each other. The rest is the
    supervisor's to say: which `replica` that is, its number of threads `instances`, the port found for gRPC.

    `stages` are the revisions since which each split of the traffic is as it is, by `split_name`, and `stage` is the
    newest of them.

    `plugins` are the runtimes and tasks (`plugins.available`) and `package_version` is this package's, both as the
    doors found them: a server process that looked through what is installed would stay 1.8 MB larger."""

    spec: ServiceSpec
    models: list[PlannedModel]
    metrics_folder: Path
    plugins: dict[str, dict[str, str]] = field(default_factory=dict)
    package_version: str | None = None
    revision: int = 1
    stage: int = 1
    stages: dict[str, int] = field(default_factory=dict)
    replica: int = 0
    instances: int = 1
    grpc_port: int | None = None

    @property
    def token_folder(self) -> Path | None:
        """Where the service's tokens are, which may change at any time; None where it asks for none."""
        return self.metrics_folder.parent if self.spec.auth == "token" else None

    def document(self) -> dict[str, Any]:
        """The plan in JSON's values, whole: what is at its default is written, too."""
        models = [asdict(model) for model in self.models]
        for version in (version for model in models for version in model["versions"]):
            version["folder"] = str(version["folder"])
        folder = str(self.metrics_folder)
        return {**vars(self), "spec": self.spec.model_dump(mode="json"), "models": models, "metrics_folder": folder}


def split_name(model: str, experiment: str = "") -> str:
    """What a split is called among `Plan.stages`: that of a model's arms, or of an experiment's range on it."""
    return f"{model}/{experiment}" if experiment else model


def read_plan(line: bytes) -> Plan:
    """The plan of such a document, as JSON."""
    document = json.loads(line)
    models = [
        PlannedModel(name=model["name"], versions=[_version(version) for version in model["versions"]])
        for model in document["models"]
    ]
    folder = Path(document["metrics_folder"])
    return Plan(**{**document, "spec": read_spec(document["spec"]), "models": models, "metrics_folder": folder})


def read_spec(document: dict[str, Any]) -> ServiceSpec:
    """A whole spec in JSON's values, by the names of its fields; it has no methods."""
    return cast("ServiceSpec", _named(document))


def _version(document: dict[str, Any]) -> PlannedVersion:
    known = {"format": Format(document["format"]), "folder": Path(document["folder"])}
    return PlannedVersion(**{**document, **known})


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return SimpleNamespace(**{name: _named(inner) for name, inner in value.items()})
    return [_named(inner) for inner in value] if isinstance(value, list) else value
