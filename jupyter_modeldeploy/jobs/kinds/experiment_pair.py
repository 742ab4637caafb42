"""Which two versions of a service an experiment holds against each other."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.experiments.live.arms import share_of
from jupyter_modeldeploy.experiments.live.asked import namespace_of
from jupyter_modeldeploy.experiments.live.traffic import InRange, Traffic, Whole
from jupyter_modeldeploy.jobs.kinds.experiment import ExperimentParameters
from jupyter_modeldeploy.records import Arm, Experiment, Namespace, RangeSplit, ServedModel, Service
from jupyter_modeldeploy.serving.contradictions import check_routing
from jupyter_modeldeploy.store import Store


@dataclass(frozen=True)
class Pair:
    """Two versions of one `model`, by their numbers; an `experiment` with a range of a `namespace` has its units alone,
    any other one all."""

    model: str
    base: int
    candidate: int
    namespace: Namespace | None = None
    experiment: str = ""

    @property
    def traffic(self) -> Traffic:
        if self.namespace is None:
            return Whole(self.base, self.candidate)
        return InRange(self.experiment, self.namespace, self.base, self.candidate)

    @property
    def base_ref(self) -> str:
        return f"{self.model}@{self.base}"

    @property
    def candidate_ref(self) -> str:
        return f"{self.model}@{self.candidate}"


def find(store: Store, parameters: ExperimentParameters, experiment: str = "new") -> Pair:
    """Raises NotFound for what there is not, Conflict where the service does not run or does not serve the base, and
    InvalidInput for two versions that are none of one model, or are the same."""
    service = store.services.get(parameters.service)
    if service.url is None or service.state.ended:
        raise Conflict(
            f"The service {service.name!r} is {service.state}.", f"modeldeploy services start {service.name}"
        )
    candidate = store.versions.get(parameters.candidate)
    served = served_model(service, candidate.model)
    arms = served.arms
    if parameters.base is not None:
        base = store.versions.get(parameters.base)
    else:
        others = [arm for arm in arms if arm.version != candidate.number] or arms
        number = max(others, key=lambda arm: arm.weight).version
        base = store.versions.get(f"{candidate.model}@{number}")
    if base.model != candidate.model:
        raise InvalidInput(
            f"{base.ref} and {candidate.ref} are versions of different models.", "Compare two versions of one."
        )
    if base.number == candidate.number:
        raise InvalidInput(f"{base.ref} cannot be held against itself.", "Name another version as the candidate.")
    if not any(arm.version == base.number and arm.weight for arm in arms):
        told = ", ".join(f"{base.model}@{arm.version}" for arm in arms if arm.weight)
        raise Conflict(f"{service.name!r} sends no traffic to {base.ref}.", f"It is served: {told}.")
    if parameters.namespace is None:
        return Pair(candidate.model, base.number, candidate.number)
    return Pair(candidate.model, base.number, candidate.number, namespace_of(parameters.namespace), experiment)


def check_range(store: Store, service: str, pair: Pair) -> None:
    """Raise InvalidInput where a range that somebody set on the service by hand may have units of its range."""
    if pair.namespace is not None:
        served = served_model(store.services.get(service), pair.model)
        mine = RangeSplit(name=pair.experiment, namespace=pair.namespace, arms=pair.traffic.before(served))
        check_routing(served.model_copy(update={"ranges": [*served.ranges, mine]}))


def served_model(service: Service, model: str) -> ServedModel:
    """One of the service's models. Raises InvalidInput where it is none of them."""
    for served in service.spec.models:
        if served.model == model:
            return served
    names = ", ".join(served.model for served in service.spec.models)
    raise InvalidInput(f"{service.name!r} does not serve {model!r}.", f"It serves {names}.")


def arms_or_none(service: Service | None, pair: Pair) -> list[Arm]:
    """How the traffic of the two is split; none where the service or the model on it is gone."""
    models = [] if service is None else service.spec.models
    return next((pair.traffic.arms(served) for served in models if served.model == pair.model), [])


def of(experiment: Experiment) -> Pair:
    """The pair that an experiment has had since it began."""
    (model, base), (_, candidate) = (ref.split("@") for ref in (experiment.base, experiment.candidate))
    return Pair(model, int(base), int(candidate), experiment.namespace, experiment.id if experiment.namespace else "")


def share_now(service: Service, pair: Pair) -> float:
    before = pair.traffic.before(served_model(service, pair.model))
    return share_of(before, pair.base, pair.candidate)
