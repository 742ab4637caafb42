"""All that one server process serves: which route means which version, and the way of a request through it.

authenticate → route → decode → queue and batch → run → encode → count
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from jupyter_modeldeploy.errors import ModelDeployError, NotFound, Unavailable
from jupyter_modeldeploy.records import ServedModel, ServiceSpec
from jupyter_modeldeploy.serving.access import Guard, Headers
from jupyter_modeldeploy.serving.execution.instances import Instances, Outcome, Work
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.protocols.call import Answer, Call, Language
from jupyter_modeldeploy.serving.protocols.compression import decompressed
from jupyter_modeldeploy.serving.protocols.infer import Infer
from jupyter_modeldeploy.serving.protocols.predict import Predict
from jupyter_modeldeploy.serving.protocols.triton.shared_memory import Regions
from jupyter_modeldeploy.serving.routing import Split

log = logging.getLogger(__name__)

UNIT_HEADER = b"x-unit-id"
PREDICT = Predict()


class Repository(Protocol):
    """Loads and unloads a model in all server processes of the service."""

    async def load(self, name: str) -> None: ...

    async def unload(self, name: str) -> None: ...


class ModelRoute:
    """One served model: its versions, whether they are in memory, and how the traffic is split among them."""

    def __init__(self, service: str, name: str, versions: list[ServedVersion], weights: list[float]) -> None:
        self.name = name
        self.versions = {version.name: version for version in versions}
        self.fallback: ServedVersion | None = None
        self.loaded = True
        self._seed = f"{service}/{name}"
        self._share(versions, weights)

    @property
    def only(self) -> ServedVersion | None:
        """The version that answers whoever asks, where there is just one."""
        return self._arms[0] if self.loaded and len(self._arms) == 1 else None

    def configure(self, wanted: ServedModel) -> None:
        """Share the traffic as `wanted`. Raises NotFound for a version that is not in this process."""
        arms = [self.get(str(arm.version)) for arm in wanted.arms]
        self.fallback = None if wanted.fallback is None else self.get(str(wanted.fallback))
        self._share(arms, [arm.weight for arm in wanted.arms])

    def choose(self, unit: bytes | None) -> ServedVersion:
        """The version for a request of `unit`, or of nobody in particular. Raises Unavailable while it is unloaded."""
        if not self.loaded:
            raise Unavailable(
                f"The model {self.name!r} is unloaded.", f"Load it: POST /v2/repository/models/{self.name}/load."
            )
        return self._arms[self._split.choose(None if unit is None else unit.decode("utf-8", "replace"))]

    def get(self, number: str | None) -> ServedVersion:
        """The version of that number (the first of the spec for None). Raises NotFound."""
        version = self._arms[0] if number is None else self.versions.get(number)
        if version is None:
            raise NotFound(f"{self.name}@{number} is not served here.", f"Versions: {', '.join(self.versions)}.")
        return version

    def _share(self, arms: list[ServedVersion], weights: list[float]) -> None:
        self._arms = arms
        self._split = Split(self._seed, weights)


@dataclass(slots=True)
class Target:
    """What an inference route means: a model, the version where the route or the traffic leaves no choice, and the
    language spoken there."""

    model: ModelRoute
    version: ServedVersion | None
    language: Language
    pinned: ServedVersion | None = None
    """The version that the route names."""


class Endpoint:
    """`routes` maps a path to its target; every path not in it belongs to the ASGI application."""

    def __init__(
        self,
        service: str,
        models: list[ModelRoute],
        guard: Guard,
        instances: Instances,
        metrics: Metrics,
        max_body_bytes: int,
    ) -> None:
        self.service = service
        self.models = {model.name: model for model in models}
        self.guard = guard
        self.max_body_bytes = max_body_bytes
        self.metrics = metrics
        self.repository: Repository | None = None
        self.spec: ServiceSpec | None = None
        self.regions = Regions(metrics.folder, os.getppid(), max_body_bytes)
        self.routes: dict[bytes, Target] = dict(_routes(models, Infer(self.regions)))
        self._instances = instances

    def configure(self, spec: ServiceSpec) -> None:
        """Serve as `spec` says from the next request on, in everything that needs no new process.

        Raises NotFound, having changed nothing, where it names a model or version that is not in this process."""
        for wanted in spec.models:
            model = self.model(wanted.model)
            for number in [arm.version for arm in wanted.arms] + ([wanted.fallback] if wanted.fallback else []):
                model.get(str(number))
        for wanted in spec.models:
            self.model(wanted.model).configure(wanted)
        for target in self.routes.values():
            loaded = target.model.loaded
            target.version = target.model.only if target.pinned is None or not loaded else target.pinned
        for model in self.models.values():
            for version in model.versions.values():
                version.configure(spec.max_batch_rows, spec.input_limits)
        self.spec = spec
        self.max_body_bytes = self.regions.max_bytes = spec.max_body_bytes
        self._instances.configure(spec.max_queue, spec.timeout_s)

    def model(self, name: str) -> ModelRoute:
        """The served model of that name. Raises NotFound."""
        if name not in self.models:
            raise NotFound(f"The model {name!r} is not served here.", f"Models: {', '.join(self.models)}.")
        return self.models[name]

    def infer(
        self, target: Target, caller: str, headers: Headers, body: Any, reply: Callable[[Any], None]
    ) -> Work | None:
        """Answer a request of the authenticated `caller` by calling `reply` once, at once or later on the event loop.

        Gives the work that is under way, which may be handed to `cancel` while `reply` has not been called."""
        begun = time.perf_counter()
        version = target.version
        try:
            if version is None:
                version = target.model.choose(headers.get(UNIT_HEADER))
            if b"content-encoding" in headers:
                body = decompressed(body, headers[b"content-encoding"], self.max_body_bytes)
            call = target.language.decode(version, headers, body)
            if not version.inline(call.kind, call.rows):
                return self._queued(call, version, target, begun, reply)
            answer: Answer = call.answer(version.run_inline(call.kind, call.payload, call.rows))
        except ModelDeployError as error:
            answer = target.language.refuse(error, version.ref if version else None)
            metrics = version.metrics if version else self.metrics.version("", "")
            metrics.answered(answer.status, time.perf_counter() - begun)
        else:
            version.metrics.ran_inline(call.rows, version.inline_s, time.perf_counter() - begun)
        reply(answer)
        return None

    def cancel(self, work: Work) -> None:
        """Whoever asked is gone."""
        self._instances.cancel(work)

    def _queued(
        self, call: Call, version: ServedVersion, target: Target, begun: float, reply: Callable[[Any], None]
    ) -> Work:
        def finish(outcome: Outcome) -> None:
            try:
                if isinstance(outcome, ModelDeployError):
                    raise outcome
                answer: Answer = call.answer(outcome)
            except ModelDeployError as error:
                answer = target.language.refuse(error, version.ref)
            version.metrics.answered(answer.status, time.perf_counter() - begun)
            reply(answer)

        work = Work(version, call.kind, call.payload, call.rows, finish)
        self._instances.submit(work)
        return work


def _routes(models: list[ModelRoute], infer: Infer) -> Iterator[tuple[bytes, Target]]:
    yield b"/predict", Target(models[0], models[0].only, PREDICT)
    for model in models:
        for prefix, suffix, language in (("/v2/models/", "/infer", infer), ("/predict/", "", PREDICT)):
            yield f"{prefix}{model.name}{suffix}".encode(), Target(model, model.only, language)
            for number, version in model.versions.items():
                path = f"{prefix}{model.name}/versions/{number}{suffix}"
                yield path.encode(), Target(model, version, language, pinned=version)
