"""All that one server process serves: which route means which version, and the way of a request through it.

authenticate → route → decode → queue and batch → run → encode → count
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jupyter_modeldeploy.errors import ModelDeployError, NotFound
from jupyter_modeldeploy.serving.access import Guard, Headers
from jupyter_modeldeploy.serving.execution.instances import Instances, Outcome, Work
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.protocols.call import Answer, Call, Language
from jupyter_modeldeploy.serving.protocols.compression import decompressed
from jupyter_modeldeploy.serving.protocols.infer import Infer
from jupyter_modeldeploy.serving.protocols.predict import Predict
from jupyter_modeldeploy.serving.routing import Split

log = logging.getLogger(__name__)

UNIT_HEADER = b"x-unit-id"
INFER, PREDICT = Infer(), Predict()


class ModelRoute:
    """One served model: its versions and how the traffic is split among them."""

    def __init__(self, service: str, name: str, versions: list[ServedVersion], weights: list[float]) -> None:
        self.name = name
        self.versions = {version.name: version for version in versions}
        self.only = versions[0] if len(versions) == 1 else None
        self._versions = versions
        self._split = Split(f"{service}/{name}", weights)

    def choose(self, unit: bytes | None) -> ServedVersion:
        """The version for a request of `unit`, or of nobody in particular."""
        return self._versions[self._split.choose(None if unit is None else unit.decode("utf-8", "replace"))]

    def get(self, number: str | None) -> ServedVersion:
        """The version of that number (the first of the spec for None). Raises NotFound."""
        version = self._versions[0] if number is None else self.versions.get(number)
        if version is None:
            raise NotFound(f"{self.name}@{number} is not served here.", f"Versions: {', '.join(self.versions)}.")
        return version


@dataclass(slots=True)
class Target:
    """What an inference route means: a model, the version where the route or the traffic leaves no choice, and the
    language spoken there."""

    model: ModelRoute
    version: ServedVersion | None
    language: Language


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
        self.routes: dict[bytes, Target] = dict(_routes(models))
        self._instances = instances

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
        version = target.version or target.model.choose(headers.get(UNIT_HEADER))
        try:
            if b"content-encoding" in headers:
                body = decompressed(body, headers[b"content-encoding"], self.max_body_bytes)
            call = target.language.decode(version, headers, body)
            if not version.inline(call.kind, call.rows):
                return self._queued(call, version, target, begun, reply)
            answer: Answer = call.answer(version.run_inline(call.kind, call.payload, call.rows))
        except ModelDeployError as error:
            answer = target.language.refuse(error, version.ref)
        version.metrics.answered(answer.status, time.perf_counter() - begun)
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


def _routes(models: list[ModelRoute]) -> Iterator[tuple[bytes, Target]]:
    yield b"/predict", Target(models[0], models[0].only, PREDICT)
    for model in models:
        for prefix, suffix, language in (("/v2/models/", "/infer", INFER), ("/predict/", "", PREDICT)):
            yield f"{prefix}{model.name}{suffix}".encode(), Target(model, model.only, language)
            for number, version in model.versions.items():
                path = f"{prefix}{model.name}/versions/{number}{suffix}"
                yield path.encode(), Target(model, version, language)
