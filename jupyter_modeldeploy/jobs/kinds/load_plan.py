"""What a load sends where, and in which steps, from what was asked for."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_modeldeploy.errors import InvalidInput, NotFound, Unavailable
from jupyter_modeldeploy.jobs.kinds import held_out, traffic
from jupyter_modeldeploy.jobs.kinds import load as asked
from jupyter_modeldeploy.profiling.load import inputs
from jupyter_modeldeploy.profiling.load.inputs import Trace
from jupyter_modeldeploy.profiling.load.plan import Plan, Step
from jupyter_modeldeploy.profiling.load.target import Body, Target
from jupyter_modeldeploy.profiling.load.windows import Length
from jupyter_modeldeploy.records import ServedModel, Service, TensorSpec
from jupyter_modeldeploy.store import Store

MOST_ROWS = 2000
METADATA_TIMEOUT_S = 60.0
AFTER_LAST_S = 1.0
"""A trace ends with its last request; this is so that its time does not end before."""
_INFER = re.compile(r"(?P<base>https?://[^/]+(?:/.*?)?)(?P<model>/v2/models/[^/]+(?:/versions/[^/]+)?)(?:/infer)?/?$")


@dataclass(frozen=True)
class Planned:
    """`sent` says what the requests are made of."""

    plan: Plan
    sent: str
    notes: list[str]


@dataclass(frozen=True)
class _Sent:
    path: str
    bodies: Sequence[Body]
    told: str


def make(store: Store, parameters: asked.LoadParameters) -> Planned:
    """Raises NotFound, Conflict for a service that does not run, InvalidInput for what cannot be sent."""
    trace = inputs.read_trace(Path(parameters.replay)) if parameters.replay is not None else None
    steps = _steps(parameters, trace)
    notes = []
    if trace is not None and not trace.bodies:
        notes.append("The trace has no bodies: only its times are its own. A service's log holds a share (log_sample).")
    if parameters.service is not None:
        service = store.services.get(parameters.service)
        base, headers = traffic.endpoint(store, service)
        sent = _to_service(store, service, parameters, trace, base, headers)
        plan = Plan(
            url=base + sent.path,
            bodies=sent.bodies,
            steps=steps,
            headers=headers,
            unix_socket=service.spec.unix_socket,
            certificate=service.spec.tls.tls_certificate,
            timeout_s=parameters.timeout_s,
            statistics_url=f"{base}/v2/models/stats",
        )
        return Planned(plan, sent.told, notes)
    assert parameters.url is not None
    headers = {"Authorization": f"Bearer {asked.read_token(parameters.token_file)}"} if parameters.token_file else {}
    Target.parse(parameters.url, headers)
    found = _INFER.match(parameters.url)
    sent = _to_url(parameters, headers, trace, is_v2=found is not None)
    statistics = f"{found['base']}/v2/models/stats" if found else None
    plan = Plan(sent.path, sent.bodies, steps, headers, None, None, parameters.timeout_s, statistics)
    return Planned(plan, sent.told, notes)


def _steps(parameters: asked.LoadParameters, trace: Trace | None) -> list[Step]:
    whole = asked.seconds_of(parameters.duration)
    connections, arrivals = parameters.connections, parameters.arrivals
    if trace is not None:
        last = (trace.times[-1] - trace.times[0]) / parameters.speed
        length = _length(parameters, min(whole, last + AFTER_LAST_S), warmup_s=0.0, to_the_end=True)
        return [Step(length, times=trace.times, speed=parameters.speed, connections=connections)]
    if parameters.rate is not None:
        rates = asked.numbers(parameters.rate)
        length = _length(parameters, whole / len(rates))
        return [Step(length, rate=rate, arrivals=arrivals, connections=connections) for rate in rates]
    concurrencies = asked.numbers(parameters.concurrency or asked.CONCURRENCIES)
    length = _length(parameters, whole / len(concurrencies))
    return [Step(length, concurrency=int(each)) for each in concurrencies]


def _length(
    parameters: asked.LoadParameters, longest_s: float, warmup_s: float | None = None, to_the_end: bool = False
) -> Length:
    if warmup_s is None:
        warmup_s = min(asked.LONGEST_WARMUP_S, asked.WARMUP_SHARE * longest_s)
    measured_s = longest_s - warmup_s
    return Length(
        longest_s=measured_s,
        warmup_s=warmup_s,
        window_s=max(asked.SHORTEST_WINDOW_S, measured_s / asked.WINDOWS),
        percentile=parameters.percentile,
        tolerance=parameters.tolerance,
        to_the_end=to_the_end or parameters.whole_duration,
    )


def _given(parameters: asked.LoadParameters, trace: Trace | None) -> tuple[Sequence[Body], str] | None:
    """Bodies that were given as they are."""
    if trace is not None and trace.bodies:
        return trace.bodies, f"{len(trace.bodies):,} recorded requests"
    if parameters.body is not None:
        bodies = inputs.read_bodies(Path(parameters.body))
        return bodies, f"{len(bodies):,} file{'s' * (len(bodies) > 1)}"
    return None


def _to_service(
    store: Store,
    service: Service,
    parameters: asked.LoadParameters,
    trace: Trace | None,
    base: str,
    headers: dict[str, str],
) -> _Sent:
    chosen = served(service, parameters.model)
    version = store.versions.get(f"{chosen.model}@{chosen.arms[0].version}")
    predict = f"/predict/{chosen.model}"
    if given := _given(parameters, trace):
        return _Sent(predict, *given)
    if parameters.texts is not None:
        return _Sent(predict, *_texts(parameters.texts))
    if version.task not in traffic.TEXT_TASKS or parameters.binary or parameters.shapes:
        url = f"{base}/v2/models/{chosen.model}"
        specs = version.signature.inputs if version.signature else _metadata(url, headers)
        return _Sent(f"/v2/models/{chosen.model}/infer", *_random(specs, parameters))
    dataset = held_out.chosen_dataset(store, version, parameters.dataset)
    made = traffic.make_traffic(store, version, dataset, MOST_ROWS, pinned=False)
    told = f"{len(made.bodies):,} rows of {dataset.ref}" if dataset else f"{len(made.bodies)} sentences of ours"
    return _Sent(made.path, inputs.plain(made.bodies), told)


def _to_url(parameters: asked.LoadParameters, headers: dict[str, str], trace: Trace | None, is_v2: bool) -> _Sent:
    url = str(parameters.url)
    if given := _given(parameters, trace):
        return _Sent(url, *given)
    if parameters.texts is not None:
        return _Sent(url, *_texts(parameters.texts))
    if not is_v2:
        raise InvalidInput(
            f"What {url} takes is not known.",
            "Say what to send: --body FILE, --texts FILE, or a URL such as http://HOST/v2/models/NAME/infer.",
        )
    model_url = url.rstrip("/").removesuffix("/infer")
    return _Sent(f"{model_url}/infer", *_random(_metadata(model_url, headers), parameters))


def served(service: Service, name: str | None) -> ServedModel:
    """The model of the service, its first without a name. Raises NotFound."""
    models = {model.model: model for model in service.spec.models}
    if name is not None and name not in models:
        raise NotFound(f"The service {service.name!r} has no model {name!r}.", f"It serves: {', '.join(models)}.")
    return models[name] if name else service.spec.models[0]


def _texts(path: str) -> tuple[Sequence[Body], str]:
    texts = inputs.read_texts(Path(path))
    return inputs.plain(inputs.predict_payloads(texts)), f"{len(texts):,} texts"


def _random(specs: Sequence[TensorSpec], parameters: asked.LoadParameters) -> tuple[Sequence[Body], str]:
    try:
        shapes = {name: [int(size) for size in text.split(",")] for name, text in parameters.shapes.items()}
    except ValueError as error:
        raise InvalidInput(f"This is no shape: {error}.", "Write --shapes ids=1,128.") from error
    made = inputs.random_tensors(specs, shapes, inputs.RANDOM_INPUTS)
    first = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in made[0].items())
    form = "binary" if parameters.binary else "JSON"
    return [
        inputs.infer_body(specs, each, parameters.binary) for each in made
    ], f"values of chance for {first}, in {form}"


def _metadata(url: str, headers: dict[str, str]) -> list[TensorSpec]:
    """The inputs that a V2 server says its model has."""
    request = urllib.request.Request(url, headers=headers)  # its scheme was checked
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # nothing stands between, as in the load
    try:
        with opener.open(request, timeout=METADATA_TIMEOUT_S) as reply:
            told = json.load(reply)["inputs"]
        return [TensorSpec(name=one["name"], dtype=one["datatype"], shape=one["shape"]) for one in told]
    except (urllib.error.URLError, OSError) as error:
        raise Unavailable(
            f"{url} does not say what its model takes: {error}.", "Is it running? Or use --body FILE."
        ) from error
    except (ValueError, LookupError, TypeError) as error:
        raise InvalidInput(f"{url} is no V2 model's description: {error}.", "Say what to send: --body FILE.") from error
