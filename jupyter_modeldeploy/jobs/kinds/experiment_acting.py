"""What an experiment decides is done to the traffic of its service, exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from jupyter_modeldeploy.errors import Conflict, NotFound
from jupyter_modeldeploy.experiments.live.standing import Journal, Standing
from jupyter_modeldeploy.jobs.kinds import experiment_pair
from jupyter_modeldeploy.jobs.kinds.experiment_pair import arms_or_none, served_model
from jupyter_modeldeploy.records import Arm, Experiment, ServedModel, Service
from jupyter_modeldeploy.store import Store

log = logging.getLogger(__name__)

Make = Callable[[ServedModel], ServedModel]


class Acting:
    """Makes the traffic of one experiment on one model of one service what the journal says."""

    def __init__(self, store: Store, experiment: Experiment, journal: Journal, attributes: str | None) -> None:
        self._store, self._id, self._service = store, experiment.id, str(experiment.service)
        self._pair, self._journal = experiment_pair.of(experiment), journal
        self._attributes = attributes.split(",") if attributes else []

    def decide(self, following: Standing) -> None:
        """Write down what is about to be done, and do it if that can be done now."""
        if following != self._journal.now:
            self._journal.decide(following)
            self.settle()

    def settle(self) -> bool:
        """Do what was decided and is not done yet. False where that has to wait: the service starts or stops, or
        somebody else has changed it meanwhile. Raises ServiceFailed where it cannot serve so."""
        following = self._journal.next
        if following is None:
            return True
        try:
            self._make_so(following)
        except NotFound:
            log.info("The service %s was removed: nothing is left to be changed.", self._service)
        except Conflict as error:
            log.info("%s", error)
            return False
        self._journal.settle(self._stage())
        return True

    def never_began(self) -> bool:
        """Whether nothing was changed yet that would have to be taken back; what was about to be done is forgotten."""
        if self._journal.now is not None:
            return False
        if self._journal.next is not None and self._present() == self._pair.traffic.wanted(self._journal.next):
            self._journal.settle(self._stage())
            return False
        self._journal.forget()
        return True

    def _present(self) -> list[Arm]:
        try:
            return arms_or_none(self._store.services.get(self._service), self._pair)
        except NotFound:
            return []

    def taken(self, service: Service) -> list[Arm] | None:
        """The arms, where somebody else has changed them."""
        traffic = self._pair.traffic
        known = [traffic.wanted(each) for each in (self._journal.now, self._journal.next) if each is not None]
        if self._journal.now is None and self._journal.next is not None:  # it has hardly begun
            known += traffic.untouched(self._journal.next.before)
        now = arms_or_none(service, self._pair)
        return None if now in known else now

    def recording_before(self) -> dict[str, object]:
        """What the service recorded before there were experiments on it."""
        others = self._others()
        now = self._store.services.get(self._service).spec.recording.model_dump()
        return others[0].recording if others else now

    def _others(self) -> list[Standing]:
        """Where the other experiments on the service stand that are not over."""
        found = []
        for one in self._store.experiments.going_on(self._service):
            journal = Journal(self._store.job_folder(one.id))
            standing = journal.next or journal.now
            if one.id != self._id and standing is not None and not standing.is_over:
                found.append(standing)
        return found

    def _stage(self) -> int:
        from jupyter_modeldeploy.serving import plan, planning

        return planning.stage(self._store, self._service, plan.split_name(self._pair.model, self._pair.experiment))

    def _make_so(self, following: Standing) -> None:
        from jupyter_modeldeploy.serving import changing

        name, model, traffic = self._service, self._pair.model, self._pair.traffic
        begins, others = self._journal.now is None, self._others()
        known = [traffic.wanted(each) for each in (following, self._journal.now) if each is not None]
        first = begins and not others
        if begins:
            known += traffic.untouched(following.before)
            served = served_model(self._store.services.get(name), model)
            if [arm.version for arm in traffic.prepared(served).arms] != [arm.version for arm in served.arms]:
                # loaded before it gets any traffic: meanwhile some replicas know it and others do not
                changing.reweigh(self._store, name, model, self._if_known(known, traffic.prepared), first=first)
                first = False

        def split(served: ServedModel) -> ServedModel:
            return traffic.split(served, following)

        recording = self._recording(following, bool(others))
        changing.reweigh(self._store, name, model, self._if_known(known, split), first=first, **recording)

    def _if_known(self, known: Sequence[list[Arm]], make: Make) -> Make:
        """The same, which raises Conflict where somebody else has split the traffic otherwise meanwhile."""

        def made(served: ServedModel) -> ServedModel:
            if self._pair.traffic.arms(served) not in known:
                message = f"The traffic of {served.model!r} on {self._service!r} was split otherwise meanwhile."
                raise Conflict(message, "Look at it again.")
            return make(served)

        return made

    def _recording(self, following: Standing, others: bool) -> dict[str, Any]:
        """What the spec says of it from now on; the last experiment on the service leaves it as it was before all."""
        if following.is_over:
            return {} if others else {"recording": following.recording}
        now = self._store.services.get(self._service).spec.recording.attributes
        return {"recording": {"exposures": True, "attributes": [*dict.fromkeys([*now, *self._attributes])]}}
