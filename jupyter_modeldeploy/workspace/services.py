"""Served endpoints."""

from __future__ import annotations

import ssl
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from jupyter_modeldeploy.errors import (
    Conflict,
    InvalidInput,
    ModelDeployError,
    NotFound,
    Overloaded,
    ServiceFailed,
    TimedOut,
    TooLarge,
    from_validation_error,
)
from jupyter_modeldeploy.records import Arm, RoutingPreview, ServedModel, Service, ServiceSpec, ShadowFigures, Usage
from jupyter_modeldeploy.records.figures import ReplicaFigures, ServiceFigures
from jupyter_modeldeploy.registry.moving import deprecation
from jupyter_modeldeploy.serving import changing, figures, lifecycle, observation, planning, recording, snippets
from jupyter_modeldeploy.serving.control import journal
from jupyter_modeldeploy.store import Store
from jupyter_modeldeploy.workspace.handle import JobHandle
from jupyter_modeldeploy.workspace.room import Room
from jupyter_modeldeploy.workspace.routing import routed, served_model
from jupyter_modeldeploy.workspace.tokens import ServiceTokens

if TYPE_CHECKING:
    import httpx

    from jupyter_modeldeploy.reporting.load import LoadPage
    from jupyter_modeldeploy.reporting.service import ServicePage


LOOKS_KEPT = 8
SECONDS_BESIDE = 30.0
"""Most of them are left to the service."""
PATHS = {"replay", "texts", "body", "token_file"}
"""Options of a load that name files; a job has a working folder of its own."""
SHORTEST_SPAN_S = 2.0
"""Of rates and percentiles: a shorter one holds too few requests."""

MADE_UP_UNITS = 1000
SHADOW_RECORDS = 100_000

Look = tuple[float, Mapping[str, figures.Counts]]


class Services(Room):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._looks: dict[str, deque[Look]] = {}

    def list(self) -> Sequence[Service]:
        lifecycle.reconcile(self._store)
        return [self._noted(service) for service in self._store.services.list()]

    def get(self, name: str) -> Service:
        lifecycle.reconcile(self._store)
        return self._noted(self._store.services.get(name))

    def running(self, name: str) -> Service:
        """The service, where it answers. Raises NotFound, and Conflict where it is not running."""
        service = self.get(name)
        if service.url is None or service.state.ended:
            raise Conflict(f"The service {name!r} is {service.state}.", f"Start it: modeldeploy services start {name}.")
        return service

    def spec(
        self,
        name: str,
        versions: Sequence[str],
        weights: Sequence[float] = (),
        fallbacks: Sequence[str] = (),
        **settings: Any,
    ) -> ServiceSpec:
        """The spec of a service for `versions`; several versions of one model share its traffic by `weights`,
        equally without them. Each of `fallbacks` answers where the other versions of its model fail. `settings` are
        the other fields of ServiceSpec."""
        if weights and len(weights) != len(versions):
            raise InvalidInput(f"{len(weights)} weights for {len(versions)} versions.", "Give one weight a version.")
        arms: dict[str, list[tuple[int, float]]] = {}
        for ref, weight in zip(versions, weights or [1.0] * len(versions), strict=True):
            version = self._store.versions.get(ref)
            arms.setdefault(version.model, []).append((version.number, weight))
        try:
            models = [
                ServedModel(model=model, arms=[Arm(version=number, weight=weight) for number, weight in its])
                for model, its in arms.items()
            ]
            return ServiceSpec(name=name, models=self.with_fallbacks(models, fallbacks), **settings)
        except ValidationError as error:
            raise from_validation_error(error, f"the service {name!r}") from error

    def with_fallbacks(self, models: Sequence[ServedModel], fallbacks: Sequence[str]) -> Sequence[ServedModel]:
        """The served models, those that `fallbacks` names versions of with these to fall back on. Raises InvalidInput
        for a version of another model."""
        found = [self._store.versions.get(ref) for ref in fallbacks]
        numbers = {version.model: version.number for version in found}
        if foreign := numbers.keys() - {served.model for served in models}:
            raise InvalidInput(f"{', '.join(sorted(foreign))} is not served, so nothing falls back on it.")
        return [served.model_copy(update={"fallback": numbers.get(served.model, served.fallback)}) for served in models]

    def start(self, spec: ServiceSpec) -> Service:
        """Start a service, or a stopped one again; returns when it is ready. Raises Conflict when it runs already,
        ServiceFailed with the reason when it does not come up."""
        return self._noted(lifecycle.start(self._store, spec, self._store.settings.owner))

    def _noted(self, service: Service) -> Service:
        """The service with what is to be known of its address and of the versions that it gives traffic to."""
        served = [(one.model, arm.version) for one in service.spec.models for arm in one.arms if arm.weight > 0]
        said = {f"{model}@{number}": self._store.versions.deprecated(model, number) for model, number in served}
        notes = [*observation.moved(self._store, service), *(deprecation(ref, one) for ref, one in said.items() if one)]
        return service.model_copy(update={"notes": notes}) if notes else service

    def stop(self, name: str) -> Service:
        """Let requests in flight end, then stop. Stopping a stopped service changes nothing."""
        return lifecycle.stop(self._store, name)

    def change(self, name: str, /, **fields: Any) -> Service:
        """Change these fields of a service's spec, such as `max_queue=10` or `cache={"cache_bytes": 2**20}`, without
        losing a request; returns when all replicas serve so.

        Limits and weights are taken over at once, other fields by new replicas that are warm before old ones are
        drained. Raises InvalidInput, NotFound, Conflict for its address, and ServiceFailed with the reason when a new
        replica does not become ready: the change is undone then."""
        return self._noted(changing.change(self._store, name, fields))

    def route(self, name: str, model: str | None = None, **routing: Any) -> Service:
        """Set who gets which version of a service's model (of its only one, or `model`): `rules`, `namespace`, `shadow`
        as they are fields of ServedModel; what is left out stays, an empty list or None ends it. Raises as `change`
        does."""
        models = routed(self.get(name).spec.models, routing, model)
        return self.change(name, models=[served.model_dump() for served in models])

    def preview(
        self,
        name: str,
        units: Sequence[str] = (),
        count: int | None = None,
        attributes: Mapping[str, Any] | None = None,
        input: Any = None,
        model: str | None = None,
        routing: Mapping[str, Any] | None = None,
    ) -> RoutingPreview:
        """Who gets which version of a service's model, and why: these `units`, and `count` made-up ones (1,000 where
        there are neither), with `attributes` such as `{"region": "eu"}` and a request's `input`. By the code that
        requests are routed with, also of a stopped service. With `routing` (as for `route`), who would get what with
        that in place of what it has. Raises NotFound and InvalidInput, for `routing` whatever `route` would raise."""
        from jupyter_modeldeploy.serving import previewing

        made_up = count if count is not None else 0 if units else MADE_UP_UNITS
        served = served_model(self.get(name).spec.models, model)
        if routing is not None:
            (served,) = routed([served], routing)
            planning.check_served(self._store, served)
        asked = [*units, *(f"unit-{number}" for number in range(made_up))]
        if not asked:
            raise InvalidInput("A preview of no unit.", "Give units, or a count above 0.")
        return previewing.preview(name, served, asked, attributes or {}, input)

    def shadow(self, name: str) -> ShadowFigures:
        """How the shadow versions of a service answered copies of its requests, by the latest records: agreement,
        differences, times and errors with their intervals. Raises NotFound."""
        from jupyter_modeldeploy.serving.shadow_figures import shadow_figures

        path = self._store.service_folder(self.get(name).name) / journal.SHADOW_LOG
        return shadow_figures(name, journal.latest(path, SHADOW_RECORDS))

    def scale(self, name: str, replicas: int) -> Service:
        """Serve with so many replicas, without losing a request."""
        return self._noted(changing.scale(self._store, name, replicas))

    def rollback(self, name: str) -> Service:
        """Go back to how the service was before its last change; once more, to before the one before."""
        return self._noted(changing.rollback(self._store, name))

    def switch(self, name: str, version: str) -> Service:
        """Give all the traffic of a model to one version; the others stay loaded, so that a rollback is instant."""
        return self._noted(changing.switch(self._store, name, version))

    def resume(self) -> Sequence[Service]:
        """Start again the services that want it at boot (`start_at_boot`) and that ended with the machine."""
        return lifecycle.resume(self._store)

    def live(self, name: str) -> dict[str, Any]:
        """What each replica is busy with, at most a second ago: `{"replicas": [{"index", "pid", "rps", "queue_ms",
        "in_flight", "utilization", "rss_bytes", …}]}`. Raises NotFound."""
        return observation.live(self._store, self.get(name).name)

    def figures(self, name: str) -> ServiceFigures:
        """How each version of a running service answered since the last look a moment ago, and what its replicas are
        busy with. The first look has nothing to compare with, so its rates are None. Raises NotFound, Conflict where
        it is not running, ServiceFailed where it does not answer."""
        service = self.running(name)
        now = time.monotonic(), figures.counted(self._asked(service, "GET", "/metrics").text)
        looks = self._looks.setdefault(name, deque(maxlen=LOOKS_KEPT))
        before = next((look for look in reversed(looks) if now[0] - look[0] >= SHORTEST_SPAN_S), now)
        looks.append(now)
        seconds = now[0] - before[0]
        return ServiceFigures(
            service=name,
            at=datetime.now(UTC),
            seconds=seconds,
            versions=figures.figures(before[1], now[1], seconds),
            replicas=[
                ReplicaFigures.model_validate(
                    {field: one[field] for field in ReplicaFigures.model_fields if field in one}
                )
                for one in self.live(name)["replicas"]
            ],
        )

    def profile(self, name: str | None = None, **options: Any) -> JobHandle:
        """Put load on a running service, or on the endpoint `url`, and see how it answers: latency, throughput, where
        the knee is. `options` are the fields of LoadParameters, such as `duration="30s"`, `rate="50,100"`,
        `concurrency="1,2,4,8"`, `replay="trace.jsonl"`. Raises InvalidInput, and NotFound or Conflict for a service."""
        if name is not None:
            self.running(name)
            if options.get("replay") == "log":
                options["replay"] = recording.request_log(self._store, name)
        return self._submit("load", service=name, **_absolute(options))

    def report(self, name: str, **options: Any) -> JobHandle:
        """Put load on a running service, look where its time goes, and try what may make it faster beside it. `options`
        are the fields of ServiceReportParameters, such as `duration="60s"`, `concurrency="1,4,16"`, `trials=False`.
        Raises InvalidInput, NotFound, and Conflict where it is not running."""
        self.running(name)
        return self._submit("service-report", service=name, **_absolute(options))

    def report_page(self, job_id: str) -> ServicePage:
        """What the job of a report found: it shows itself in a notebook, and writes itself as a page (`write`) and as
        Markdown (`markdown`). Raises NotFound, Conflict where there is nothing yet."""
        from jupyter_modeldeploy.reporting.service import ServicePage

        return ServicePage(**self._found(job_id, "service-report")["service_report"])

    def profile_operators(self, name: str, **options: Any) -> JobHandle:
        """Measure operators and memory of the version that gets most of a running service's requests, in a process
        beside it, which leaves it nearly all of the processor. The options are those of `ProfileParameters`."""
        model = self.running(name).spec.models[0]
        version = max(model.arms, key=lambda arm: arm.weight).version
        asked = {"seconds": SECONDS_BESIDE, **options}
        return self._submit("profile", version=f"{model.model}@{version}", service=name, beside=True, **asked)

    def load_report(self, job_id: str) -> LoadPage:
        """What the job of a load found, which shows itself in a notebook and writes itself as a page. Raises NotFound,
        Conflict where there is nothing yet."""
        from jupyter_modeldeploy.reporting.load import LoadPage

        return LoadPage(**self._found(job_id, "load")["load"])

    def _found(self, job_id: str, kind: str) -> dict[str, Any]:
        job = self._store.jobs.get(job_id)
        if job.kind != kind or job.result is None:
            raise Conflict(f"The job {job_id} has no {kind} to show.", "Wait for it: modeldeploy jobs wait ID.")
        return job.result

    def remove(self, name: str) -> None:
        """Forget a stopped service, its token and its log. Raises NotFound, and Conflict where it runs."""
        lifecycle.reconcile(self._store)
        lifecycle.remove(self._store, name)

    def token(self, name: str) -> str | None:
        """The token that callers send as `Authorization: Bearer …`; None where the service asks for none."""
        return self._store.service_token(name)

    def tokens(self, name: str) -> ServiceTokens:
        """The tokens of the service's callers, to create, rotate and revoke."""
        return ServiceTokens(self._store, name)

    def snippets(self, name: str) -> dict[str, str]:
        """Language to code that calls the running service's first model: `curl`, `python`, `tritonclient` and
        `javascript`. Raises NotFound, and Conflict where it is not running."""
        return self.usage(name)[0].snippets

    def usage(self, name: str) -> Sequence[Usage]:
        """How each model of a running service is called, as what its first version is. Raises NotFound, and Conflict
        where it is not running."""
        service = self.running(name)
        return [self._usage(service, served) for served in service.spec.models]

    def _usage(self, service: Service, served: ServedModel) -> Usage:
        version = self._store.versions.get(f"{served.model}@{served.arms[0].version}")
        task, signature, asks_token = version.task, version.signature, service.spec.auth == "token"
        return Usage(
            model=served.model,
            task=task,
            takes=snippets.takes(task),
            example=snippets.example(task, signature),
            snippets=snippets.snippets(str(service.url), served.model, task, signature, asks_token),
        )

    def log(self, name: str, lines: int = 50) -> str:
        self._store.services.get(name)
        return lifecycle.log_tail(self._store, name, lines)

    def records(
        self, name: str, kind: Literal["requests", "review"] = "requests", last: int = 50
    ) -> Sequence[dict[str, Any]]:
        """The latest records that a service keeps, the newest last: of the share `log_sample` of its requests, or those
        for `review`, which no version could answer. None of them holds contents. Raises NotFound."""
        file = journal.REVIEW_LOG if kind == "review" else journal.REQUEST_LOG
        return journal.latest(self._store.service_folder(self.get(name).name) / file, last)

    def record_outcomes(self, name: str, outcomes: Sequence[Mapping[str, Any]]) -> int:
        """Tell what became of a service's units or requests, for its experiments, also when it is stopped; gives how
        many were taken. Each is `{"unit" or "request_id", "metric", "value", "id", "at", "before"}`: `value` is 1 when
        left out, `id` lets it count once, `at` is in seconds since 1970 or ISO 8601 with its zone, and `before` says
        that it is from before the experiment.

        Raises NotFound, Conflict where the service records no exposures, and InvalidInput that says which is wrong:
        none was taken then."""
        return recording.record_outcomes(self._store, name, outcomes)

    def predict(self, name: str, body: Any, model: str | None = None) -> dict[str, Any]:
        """Send a request in the task's own words (`{"text": …}`) to a running service.

        Returns `{"model": "name@3", "predictions": […]}`. Raises InvalidInput for a request that the service refuses,
        TooLarge, Overloaded and TimedOut as it says, ServiceFailed when it does not answer."""
        service = self.running(name)
        if model is not None and model not in {served.model for served in service.spec.models}:
            raise NotFound(f"The service {name!r} has no model {model!r}.")
        response = self._asked(service, "POST", "/predict" + (f"/{model}" if model else ""), json=body)
        answer: dict[str, Any] = response.json()
        return answer

    def _asked(self, service: Service, method: str, path: str, **body: Any) -> httpx.Response:
        """The service's answer to a request with its own token. Raises what it refuses with, InvalidInput for a body
        that is no JSON, ServiceFailed when it does not answer."""
        import httpx

        token = self.token(service.name)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        patience = service.spec.timeout_s + 5  # the service's own refusal comes first
        try:
            with _client(service, patience) as connected:
                response = connected.request(method, path, headers=headers, **body)
        except httpx.HTTPError as error:
            raise ServiceFailed(f"The service {service.name!r} did not answer: {error}.", "See its log.") from error
        except (TypeError, ValueError) as error:  # by the encoder: an object, a NaN
            raise InvalidInput(f"The request is not JSON: {error}.", "Send text, numbers and lists.") from error
        if response.is_success:
            return response
        raise _refusal(service.name, response)


def _absolute(options: dict[str, Any]) -> dict[str, Any]:
    """The options with the files that they name as they are found from here."""
    given = {name: options[name] for name in PATHS & options.keys() if options[name] is not None}
    return options | {name: str(Path(path).expanduser().absolute()) for name, path in given.items()}


def _client(service: Service, timeout_s: float) -> httpx.Client:
    """A client of the service, by its port or its Unix socket; it trusts the service's own certificate."""
    import httpx

    spec = service.spec
    verify = True if spec.tls.tls_certificate is None else _trusting(spec.tls.tls_certificate)
    transport = httpx.HTTPTransport(verify=verify, uds=spec.unix_socket, trust_env=False)
    scheme = "https" if spec.tls.tls_certificate else "http"
    base = f"{scheme}://localhost" if spec.unix_socket else str(service.url)
    return httpx.Client(transport=transport, base_url=base, timeout=timeout_s, trust_env=False)


def _trusting(certificate: str) -> ssl.SSLContext:
    """Whoever shows this very certificate is the service; it need not name this machine."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # also where an authority signed it
    return context


def _refusal(name: str, response: httpx.Response) -> ModelDeployError:
    """What the service says went wrong. That it did not know this caller is no matter of the caller's own login."""
    default = InvalidInput if response.is_client_error else ServiceFailed
    refused = {error.status: error for error in (TooLarge, Overloaded, TimedOut)}.get(response.status_code, default)
    try:
        said = response.json()["error"]
        return refused(said["message"], said["hint"])
    except (ValueError, LookupError, TypeError):  # not the service: something else has its port now
        return ServiceFailed(f"The service {name!r} gave an answer of status {response.status_code}.", "See its log.")
