"""From a model's files to its endpoint in one call: `DeploymentManager(model_path="model.onnx").deploy()`.

Thin words over a `Workspace`: what is deployed is one of its services, and everything else can be done to it there."""

from __future__ import annotations

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.records import NAME_PATTERN, Service, Version
from jupyter_modeldeploy.workspace import Workspace

MAX_REPLICAS = 64


class DeployedEndpoint:
    """A running service; it prints as its URL, and goes on when this process ends."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.name = name
        self._workspace = workspace

    def __repr__(self) -> str:
        return self.url

    @property
    def service(self) -> Service:
        """The service as it is now."""
        return self._workspace.services.get(self.name)

    @property
    def url(self) -> str:
        """Where it answers. Raises Conflict where it was stopped."""
        return str(self._workspace.services.running(self.name).url)

    @property
    def token(self) -> str | None:
        """What callers send as `Authorization: Bearer …`; None where the service asks for no token."""
        return self._workspace.services.token(self.name)

    @property
    def snippets(self) -> dict[str, str]:
        """How to call it: `curl`, `python`, `tritonclient`, `javascript`."""
        return self._workspace.services.snippets(self.name)

    def predict(self, body: Any, model: str | None = None) -> list[Any]:
        """The predictions for a request in the task's own words: a text, texts, or `{"inputs": …}`."""
        predictions: list[Any] = self._workspace.services.predict(self.name, body, model)["predictions"]
        return predictions

    def stop(self) -> None:
        """Let requests under way end, then stop."""
        self._workspace.services.stop(self.name)


class ModelServer:
    """Serves a model: a folder or file of one, a source such as `hf:org/name`, or a version of the workspace.

    `instance_type` is a device, cores and gibibytes (`cpu-2c4g`, `gpu-4c8g`), or whatever the machine has. With
    `max_replicas`, there are so many server processes as the load asks for. `settings` are fields of `ServiceSpec`."""

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        instance_type: str | None = None,
        min_replicas: int = 1,
        max_replicas: int | None = None,
        *,
        name: str | None = None,
        workspace: Workspace | None = None,
        **settings: Any,
    ) -> None:
        self.model_path = model_path
        self.name = name
        self._given_workspace = workspace
        scaling = {"min_replicas": min_replicas, "max_replicas": max_replicas}
        self._settings = {**settings, "instance_type": instance_type, "scaling": scaling}
        if max_replicas is None and min_replicas > 1:
            self._settings = {"replicas": min_replicas, **self._settings, "scaling": {}}

    @cached_property
    def workspace(self) -> Workspace:
        return self._given_workspace or Workspace()

    def deploy(self) -> DeployedEndpoint:
        """The endpoint, ready. A path is imported first, unless its very files were before; a service of that name is
        changed to this, without losing a request.

        Raises NotFound for what is not there, JobFailed for what cannot be imported, Unavailable where this machine has
        no such device or runtime, ServiceFailed where the service does not become ready."""
        version = self._version()
        name = self.name or version.model
        services = self.workspace.services
        spec = services.spec(name, [version.ref], **self._settings)
        if self._exists(name):
            wanted = spec.model_dump()
            services.change(name, **{field: wanted[field] for field in ("models", *self._settings)})
        if not self._exists(name) or services.get(name).state.ended:
            services.start(services.get(name).spec if self._exists(name) else spec)
        return DeployedEndpoint(self.workspace, name)

    def _exists(self, name: str) -> bool:
        return any(service.name == name for service in self.workspace.services.list())

    def _version(self) -> Version:
        text = os.fspath(self.model_path)
        models = self.workspace.models
        if isinstance(self.model_path, str) and re.fullmatch(NAME_PATTERN, text.partition("@")[0]):
            try:
                return models.version(text)
            except NotFound:
                if not Path(text).exists():
                    raise
        source = text if re.match(r"[a-z]+:[^\\]", text) else f"file:{Path(text).expanduser().resolve()}"
        return models.fetch(source, self._model_name(source), reuse=True).version()

    def _model_name(self, source: str) -> str:
        """The name of the file or folder in the letters that names have; that of the folder for `model.onnx`."""
        path = Path(source.partition("@")[0])
        stem = path.stem if path.suffix else path.name
        name = path.parent.name if stem == "model" else stem
        return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("._-")[:64] or "model"


class DeploymentManager(ModelServer):
    """Deploys a model as `ModelServer` does. With `auto_scaling` the load decides how many server processes there are,
    at most one for each core of the instance type."""

    def __init__(
        self,
        model_path: str | os.PathLike[str],
        instance_type: str | None = None,
        auto_scaling: bool = False,
        **more: Any,
    ) -> None:
        most = min(MAX_REPLICAS, _cores(instance_type)) if auto_scaling else None
        super().__init__(model_path, instance_type, max_replicas=most, **more)


def _cores(instance_type: str | None) -> int:
    found = re.search(r"-(\d+)c", instance_type or "")
    return max(1, int(found[1])) if found else len(os.sched_getaffinity(0))
