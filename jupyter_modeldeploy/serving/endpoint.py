"""All that one server process serves: which route means which version, and the way of a request through it.

authenticate → route → decode → run → encode → count, where the model is fast and nothing else is asked for; otherwise
the way of `control.request.Request`.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, cast

from jupyter_modeldeploy.errors import NotFound, Unavailable
from jupyter_modeldeploy.serving.access import Guard, Headers
from jupyter_modeldeploy.serving.conditions import facts_of
from jupyter_modeldeploy.serving.control.policy import Policy
from jupyter_modeldeploy.serving.control.request import Request
from jupyter_modeldeploy.serving.execution.apart import LARGE_BYTES
from jupyter_modeldeploy.serving.execution.instances import Instances
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.metrics import Metrics
from jupyter_modeldeploy.serving.protocols.call import Call, Language
from jupyter_modeldeploy.serving.protocols.infer import Infer
from jupyter_modeldeploy.serving.protocols.predict import Predict
from jupyter_modeldeploy.serving.protocols.triton.shared_memory import Regions
from jupyter_modeldeploy.serving.protocols.v1 import V1
from jupyter_modeldeploy.serving.request_headers import ID_HEADER
from jupyter_modeldeploy.serving.routing import Choice, Routing, by_share, versions_of

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import ServedModel, ServiceSpec

log = logging.getLogger(__name__)

PREDICT, PREDICT_V1 = Predict(), V1()


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
        self._loaded = True
        self._seed = f"{service}/{name}"
        self.configure(_by_weights(versions, weights))

    @property
    def only(self) -> ServedVersion | None:
        """The version that answers whoever asks, where there is just one."""
        return self._routing.only if self.loaded else None

    @property
    def loaded(self) -> bool:
        """Whether its versions are in memory."""
        return self._loaded

    @loaded.setter
    def loaded(self, loaded: bool) -> None:
        self._loaded = loaded
        self._settle()

    @property
    def reads(self) -> bool:
        """Whether the version depends on what a request holds."""
        return self._routing.reads

    def configure(self, wanted: ServedModel) -> None:
        """Share the traffic as `wanted`. Raises NotFound for a version that is not in this process."""
        routing = Routing(self._seed, wanted, lambda number: self.get(str(number)))
        self.fallback = None if wanted.fallback is None else self.get(str(wanted.fallback))
        self._routing = routing
        self._first = next(self.get(str(arm.version)) for arm in wanted.arms if arm.weight > 0)
        self._alike = {version for version in self.versions.values() if version.reads_as(self._first)}
        self._settle()

    def route(self, language: Language, headers: Headers, body: Any) -> tuple[Choice[ServedVersion], Call | None]:
        """What such a request gets, and the request decoded where that was needed to know it. Raises Unavailable while
        the model is unloaded, and what the language raises."""
        if not self.loaded:
            raise Unavailable(
                f"The model {self.name!r} is unloaded.", f"Load it: POST /v2/repository/models/{self.name}/load."
            )
        if self._routing.reads:
            return self.route_read(language.decode(self._first, headers, body), language, headers, body)
        return self._routing.choose(headers), None

    def route_read(
        self, call: Call, language: Language, headers: Headers, body: Any
    ) -> tuple[Choice[ServedVersion], Call]:
        """As `route`, of a request that was decoded for the first version: again where the chosen one reads it in
        another way."""
        choice = self._routing.choose(headers, facts_of(call.payload, call.rows))
        if choice.version not in self._alike:
            return choice, language.decode(choice.version, headers, body)
        call.version = choice.version
        return choice, call

    def get(self, number: str | None) -> ServedVersion:
        """The version of that number (for None the first that has traffic). Raises NotFound."""
        version = self._first if number is None else self.versions.get(number)
        if version is None:
            raise NotFound(f"{self.name}@{number} is not served here.", f"Versions: {', '.join(self.versions)}.")
        return version

    def _settle(self) -> None:
        self.choose = self._routing.choose if self._loaded and not self._routing.reads else None
        """The shortest way to a version, where the headers alone tell it; else `route`."""


@dataclass(slots=True)
class Target:
    """What an inference route means: a model, the version where the route or the traffic leaves no choice, and the
    language spoken there."""

    model: ModelRoute
    version: ServedVersion | None
    language: Language
    pinned: ServedVersion | None = None
    """The version that the route names."""


@dataclass(slots=True)
class Attempt:
    """How far a request got that could not be answered at once."""

    begun: float
    choice: Choice[ServedVersion] | None
    version: ServedVersion | None
    call: Call | None
    error: Exception | None


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
        folder: Path | None = None,
    ) -> None:
        """`folder` is the service's, for the records of requests; there are none without one."""
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
        versions = [version for model in models for version in model.versions.values()]
        self.policy = Policy(versions, instances, metrics, folder)

    def configure(self, spec: ServiceSpec, stage: int = 1, stages: Mapping[str, int] | None = None) -> None:
        """Serve as `spec` says from the next request on, in everything that needs no new process. `stage` is the
        revision since which all of the traffic is split so, and `stages` are those of single splits.

        Raises, having changed nothing, NotFound where it names a model or version that is not in this process, and what
        a cache in Redis raises that cannot be used."""
        for wanted in spec.models:
            model = self.model(wanted.model)
            for number in versions_of(wanted):
                model.get(str(number))
        self.policy.configure(spec, stage, stages)
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
    ) -> Request | None:
        """Answer a request of the authenticated `caller` by calling `reply` once, at once or later on the event loop.

        Gives the request that is under way, which may be handed to `cancel` while `reply` has not been called."""
        answer = self.at_once(target, headers, body)
        if type(answer) is Attempt:
            return self.go_on(answer, target, caller, headers, body, reply)
        reply(answer)
        return None

    def at_once(self, target: Target, headers: Headers, body: Any) -> Any:
        """The answer to a request that a run of its own, by this very thread, can give: that of a fast model, while
        nothing waits and nothing is asked for that takes longer. Else an `Attempt`, to `go_on` from."""
        begun = time.perf_counter()
        choice, version, call, error = None, target.version, None, None
        if not (
            self.policy.attended
            or self._instances.busy
            or ID_HEADER in headers
            or b"content-encoding" in headers
            or (type(body) is bytes and len(body) > LARGE_BYTES)
        ):
            try:
                if version is None:
                    if (choose := target.model.choose) is not None:
                        choice = choose(headers)
                    else:
                        choice, call = target.model.route(target.language, headers, body)
                    version = choice.version
                if call is None:
                    call = target.language.decode(version, headers, body)
                if call.rows <= version.plain_rows and version.inline(call.kind, call.rows):
                    result = version.run_inline(call.kind, call.payload, call.rows)
                    answer = call.answer(result)
                    seconds = time.perf_counter() - begun
                    version.metrics.ran_inline(call.rows, version.inline_s, seconds)
                    if (exposures := self.policy.exposures) is not None and target.pinned is None and by_share(choice):
                        items = result if call.kind == "items" else None
                        experiment = "" if choice is None else choice.experiment
                        exposures.at_once(version, headers, seconds, items, answer, experiment)
                    return answer
            except Exception as raised:  # noqa: BLE001  # the request tells of it
                error = raised
        return Attempt(begun, choice, version, call, error)

    def go_on(
        self, attempt: Attempt, target: Target, caller: str, headers: Headers, body: Any, reply: Callable[[Any], None]
    ) -> Request | None:
        """As `infer`, from where the attempt to answer at once got to."""
        request = Request(self.policy, target, caller, headers, body, reply, attempt.begun)
        request.start(attempt.version, attempt.call, attempt.error, attempt.choice)
        return None if request.done else request

    def cancel(self, request: Request) -> None:
        """Whoever asked is gone."""
        request.cancel()

    def tick(self) -> None:
        """To be called some times a second."""
        self.policy.tick()

    def close(self) -> None:
        """Write what is left to be written."""
        self.policy.close()


def _by_weights(versions: list[ServedVersion], weights: list[float]) -> ServedModel:
    """Before the first `configure`."""
    arms = [SimpleNamespace(version=each.name, weight=weight) for each, weight in zip(versions, weights, strict=True)]
    return cast(
        "ServedModel", SimpleNamespace(arms=arms, fallback=None, rules=[], namespace=None, ranges=[], shadow=[])
    )


def _routes(models: list[ModelRoute], infer: Infer) -> Iterator[tuple[bytes, Target]]:
    yield b"/predict", Target(models[0], models[0].only, PREDICT)
    for model in models:
        for prefix, suffix, language in (
            ("/v2/models/", "/infer", infer),
            ("/v1/models/", ":predict", PREDICT_V1),
            ("/predict/", "", PREDICT),
        ):
            yield f"{prefix}{model.name}{suffix}".encode(), Target(model, model.only, language)
            for number, version in model.versions.items():
                path = f"{prefix}{model.name}/versions/{number}{suffix}"
                yield path.encode(), Target(model, version, language, pinned=version)
