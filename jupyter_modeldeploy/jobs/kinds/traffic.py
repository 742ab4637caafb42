"""Requests for a version, in its task's own words and as tensors, from its data or made from its signature."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_modeldeploy import tasks
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.jobs.kinds import held_out
from jupyter_modeldeploy.records import Dataset, Service, Version
from jupyter_modeldeploy.store import Store

TEXT_TASKS = ("text-classification", "feature-extraction")
SENTENCES = (
    "It works.",
    "The room was quiet and the view was worth the climb.",
    "I ordered it twice and both times the box came half empty, with no word from the shop.",
    "A slow first half, then two actors who seem to have read a different and far better script take over.",
)
"""Texts of several lengths for versions that have no data of their own."""


@dataclass(frozen=True)
class Traffic:
    """What to send: `bodies` of `POST` requests to `path` below a service's URL, the same as `inputs` for a runtime
    (none where texts go to a version whose tensors are not known), and each one's right class index where it is known.
    """

    path: str
    bodies: list[bytes]
    inputs: list[Tensors]
    labels: list[int] | None


def make_traffic(store: Store, version: Version, dataset: Dataset | None, count: int, pinned: bool) -> Traffic:
    """`count` different requests at most; `pinned` ones go to this very version, others to the service's split. Raises
    InvalidInput where they would be tensors and the version has no signature."""
    from jupyter_modeldeploy.profiling.load import predict_payloads

    if version.task not in TEXT_TASKS:
        return _random(version, pinned)
    examples = held_out.examples(store, dataset)[:count] if dataset else None
    texts = [example.text for example in examples] if examples else list(SENTENCES)
    judgeable = dataset is not None and examples is not None and held_out.can_judge(version, dataset)
    suffix = f"/versions/{version.number}" if pinned else ""
    return Traffic(
        path=f"/predict/{version.model}{suffix}",
        bodies=predict_payloads(texts),
        inputs=_encoded(store, version, texts),
        labels=[example.label for example in examples] if examples and judgeable else None,
    )


def endpoint(store: Store, service: Service) -> tuple[str, dict[str, str]]:
    """A running service's URL and the headers that it asks for. Raises Conflict when it does not run."""
    if service.url is None or service.state.ended:
        raise Conflict(f"The service {service.name!r} is {service.state}.", "Start it first.")
    token = store.service_token(service.name)
    return service.url, {"Authorization": f"Bearer {token}"} if token else {}


def _encoded(store: Store, version: Version, texts: list[str]) -> list[Tensors]:
    if version.signature is None:
        return []
    task = tasks.load(version.task, store.versions.path(version), version.signature)
    return [task.encode([text]) for text in texts]


def _random(version: Version, pinned: bool) -> Traffic:
    from jupyter_modeldeploy.profiling.load import inputs

    if version.signature is None:
        raise InvalidInput(f"{version.ref} has no signature.", "Convert it to ONNX first.")
    specs = version.signature.inputs
    tensors = inputs.random_tensors(specs, {}, inputs.RANDOM_INPUTS)
    suffix = f"/versions/{version.number}" if pinned else ""
    bodies = [inputs.infer_body(specs, each).content for each in tensors]
    return Traffic(path=f"/v2/models/{version.model}{suffix}/infer", bodies=bodies, inputs=tensors, labels=None)
