"""Which two versions of a service an experiment holds against each other."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_modeldeploy.errors import Conflict, InvalidInput
from jupyter_modeldeploy.experiments.live.arms import share_of
from jupyter_modeldeploy.jobs.kinds.experiment import ExperimentParameters
from jupyter_modeldeploy.records import Arm, Experiment, Service
from jupyter_modeldeploy.store import Store


@dataclass(frozen=True)
class Pair:
    """Two versions of one `model`, by their numbers."""

    model: str
    base: int
    candidate: int

    @property
    def base_ref(self) -> str:
        return f"{self.model}@{self.base}"

    @property
    def candidate_ref(self) -> str:
        return f"{self.model}@{self.candidate}"


def find(store: Store, parameters: ExperimentParameters) -> Pair:
    """Raises NotFound for what there is not, Conflict where the service does not run or does not serve the base, and
    InvalidInput for two versions that are none of one model, or are the same."""
    service = store.services.get(parameters.service)
    if service.url is None or service.state.ended:
        raise Conflict(
            f"The service {service.name!r} is {service.state}.", f"modeldeploy services start {service.name}"
        )
    candidate = store.versions.get(parameters.candidate)
    arms = arms_of(service, candidate.model)
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
    return Pair(candidate.model, base.number, candidate.number)


def arms_of(service: Service, model: str) -> list[Arm]:
    """The arms of one of the service's models. Raises InvalidInput where it is none of them."""
    for served in service.spec.models:
        if served.model == model:
            return [*served.arms]
    names = ", ".join(served.model for served in service.spec.models)
    raise InvalidInput(f"{service.name!r} does not serve {model!r}.", f"It serves {names}.")


def arms_or_none(service: Service | None, model: str) -> list[Arm]:
    """The arms; none where the service or the model on it is gone."""
    models = [] if service is None else service.spec.models
    return next(([*served.arms] for served in models if served.model == model), [])


def of(experiment: Experiment) -> Pair:
    """The pair that an experiment has had since it began."""
    (model, base), (_, candidate) = (ref.split("@") for ref in (experiment.base, experiment.candidate))
    return Pair(model, int(base), int(candidate))


def share_now(service: Service, pair: Pair) -> float:
    return share_of(arms_of(service, pair.model), pair.base, pair.candidate)
