"""What an experiment decides is done to the traffic of its service, exactly once."""

from __future__ import annotations

import logging
from typing import Any

from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound
from jupyter_modeldeploy.experiments.live.arms import arranged
from jupyter_modeldeploy.experiments.live.standing import Journal, Standing
from jupyter_modeldeploy.jobs.kinds.experiment_pair import Pair, arms_of
from jupyter_modeldeploy.records import Arm, Service
from jupyter_modeldeploy.store import Store

log = logging.getLogger(__name__)


class Acting:
    """Makes the traffic of one model of one service what the journal says."""

    def __init__(self, store: Store, service: str, pair: Pair, journal: Journal, attributes: str | None) -> None:
        self._store, self._service, self._pair, self._journal = store, service, pair, journal
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
        if self._journal.next is not None and self._present() == self._journal.next.arms:
            self._journal.settle(self._stage())
            return False
        self._journal.forget()
        return True

    def _present(self) -> list[Arm]:
        try:
            return arms_of(self._store.services.get(self._service), self._pair.model)
        except (InvalidInput, NotFound):
            return []

    def taken(self, service: Service) -> list[Arm] | None:
        """The arms, where somebody else has changed them."""
        known = [each.arms for each in (self._journal.now, self._journal.next) if each is not None]
        if self._journal.now is None and self._journal.next is not None:  # it has hardly begun
            before = self._journal.next.before
            known += [before, arranged(before, self._pair.base, self._pair.candidate)]
        try:
            now = arms_of(service, self._pair.model)
        except InvalidInput:
            return []
        return None if now in known else now

    def _stage(self) -> int:
        from jupyter_modeldeploy.serving import planning

        return planning.stage(self._store, self._service)

    def _make_so(self, following: Standing) -> None:
        from jupyter_modeldeploy.serving import changing

        pair, begins = self._pair, self._journal.now is None
        name, model, before = self._service, pair.model, following.before
        known = [following.arms] if self._journal.now is None else [following.arms, self._journal.now.arms]
        if begins:
            prepared = arranged(before, pair.base, pair.candidate)
            present = arms_of(self._store.services.get(name), model)
            if [arm.version for arm in prepared] != [arm.version for arm in present]:
                # loaded before it gets any traffic: meanwhile some replicas know it and others do not
                changing.reweigh(self._store, name, model, prepared, [before], first=True)
                begins = False
            known += [before, prepared]
        changing.reweigh(
            self._store, name, model, following.arms, known, first=begins, recording=self._recording(following)
        )

    def _recording(self, following: Standing) -> dict[str, Any]:
        if following.is_over:
            return following.recording
        names = following.recording.get("attributes") or []
        assert isinstance(names, list)
        return {"exposures": True, "attributes": [*dict.fromkeys([*names, *self._attributes])]}
