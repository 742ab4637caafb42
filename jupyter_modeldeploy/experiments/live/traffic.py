"""What of a served model's traffic an experiment has: all of it, or the units in a range of a namespace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from jupyter_modeldeploy.experiments.live.arms import arranged, shared
from jupyter_modeldeploy.experiments.live.standing import Standing
from jupyter_modeldeploy.records import Arm, Namespace, RangeSplit, ServedModel


class Traffic(Protocol):
    """Reads and makes the split of one experiment on a served model; what belongs to others stays as it is."""

    def before(self, served: ServedModel) -> list[Arm]:
        """The split that it starts from."""

    def arranged(self, before: Sequence[Arm]) -> list[Arm]:
        """The same with its base and candidate at the end. Raises InvalidInput where the base is no arm."""

    def arms(self, served: ServedModel) -> list[Arm]:
        """How its traffic is split now; without any where that is not split for it."""

    def wanted(self, standing: Standing) -> list[Arm]:
        """What `arms` are where the traffic is as the experiment stands."""

    def untouched(self, before: Sequence[Arm]) -> list[list[Arm]]:
        """What `arms` may be until the first step."""

    def prepared(self, served: ServedModel) -> ServedModel:
        """With the candidate held in memory."""

    def split(self, served: ServedModel, standing: Standing) -> ServedModel:
        """Split as the experiment stands."""


@dataclass(frozen=True)
class Whole:
    """All of it: the experiment moves the weights of the model's own arms."""

    base: int
    candidate: int

    def before(self, served: ServedModel) -> list[Arm]:
        return [*served.arms]

    def arranged(self, before: Sequence[Arm]) -> list[Arm]:
        return arranged(before, self.base, self.candidate)

    def arms(self, served: ServedModel) -> list[Arm]:
        return [*served.arms]

    def wanted(self, standing: Standing) -> list[Arm]:
        return standing.arms

    def untouched(self, before: Sequence[Arm]) -> list[list[Arm]]:
        return [[*before], self.arranged(before)]

    def prepared(self, served: ServedModel) -> ServedModel:
        return served.model_copy(update={"arms": self.arranged(served.arms)})

    def split(self, served: ServedModel, standing: Standing) -> ServedModel:
        return served.model_copy(update={"arms": standing.arms})


@dataclass(frozen=True)
class InRange:
    """The units in a range of a namespace, which have a split of their own while the experiment goes on, and then the
    model's again. A promotion moves the base's weight among the model's arms to the candidate."""

    experiment: str
    namespace: Namespace
    base: int
    candidate: int

    def before(self, served: ServedModel) -> list[Arm]:
        return [Arm(version=self.base, weight=1.0), Arm(version=self.candidate, weight=0.0)]

    def arranged(self, before: Sequence[Arm]) -> list[Arm]:
        return [*before]

    def arms(self, served: ServedModel) -> list[Arm]:
        return next(([*one.arms] for one in served.ranges if one.name == self.experiment), [])

    def wanted(self, standing: Standing) -> list[Arm]:
        return [] if standing.is_over else standing.arms

    def untouched(self, before: Sequence[Arm]) -> list[list[Arm]]:
        return [[]]

    def prepared(self, served: ServedModel) -> ServedModel:
        if self.candidate in {arm.version for arm in served.arms}:
            return served
        return served.model_copy(update={"arms": [*served.arms, Arm(version=self.candidate, weight=0.0)]})

    def split(self, served: ServedModel, standing: Standing) -> ServedModel:
        others = [one for one in served.ranges if one.name != self.experiment]
        if not standing.is_over:
            mine = RangeSplit(name=self.experiment, namespace=self.namespace, arms=standing.arms)
            return served.model_copy(update={"ranges": [*others, mine]})
        arms = [*served.arms]
        if standing.outcome == "promoted":
            arms = shared(self.prepared(served).arms, self.base, self.candidate, 1.0)
        return served.model_copy(update={"arms": arms, "ranges": others})
