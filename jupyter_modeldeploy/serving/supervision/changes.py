"""Changes of a service that runs: one after the other is taken up, judged by what the replicas make of it, and undone
where they cannot."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jupyter_modeldeploy.serving.supervision import rolling, scaling
from jupyter_modeldeploy.serving.supervision.addresses import Addresses
from jupyter_modeldeploy.serving.supervision.differences import Plan, needs_new_processes
from jupyter_modeldeploy.serving.supervision.member import Failure, Member
from jupyter_modeldeploy.serving.supervision.resources import Resources

CONFIGURE_S = 60.0

log = logging.getLogger(__name__)


class Aim:
    """What the service is to be: `wanted` replicas of a generation that serve a plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.resources = Resources(plan["spec"])
        self.wanted = scaling.initial(plan["spec"])
        self.generation = 1
        self.observed = 0
        """The revision that all replicas serve."""


class Former(NamedTuple):
    """What a change is undone to."""

    plan: Plan
    generation: int
    wanted: int


class Change:
    """A new plan, or the wish of a server process (`asker`, with the number of its question) to load or unload a model
    in all."""

    def __init__(self, plan: Plan, asker: tuple[Member, int] | None = None) -> None:
        self.plan = plan
        self.asker = asker
        self.awaited: list[Member] = []
        self.since = 0.0


class Changes:
    """Sets the `aim` of `members`. `ended` is called with each change that was made, or was undone for a failure."""

    def __init__(
        self,
        aim: Aim,
        members: Sequence[Member],
        addresses: Addresses,
        ended: Callable[[Change, Failure | None], None],
    ) -> None:
        self.refused: dict[str, Any] | None = None
        """The revision of the last plan that could not be followed, and the failure."""
        self._aim = aim
        self._members = members
        self._addresses = addresses
        self._ended = ended
        self._waiting: deque[Change] = deque()
        self._current: tuple[Change, Former] | None = None
        self._generations = 1

    @property
    def under_way(self) -> bool:
        return self._current is not None

    @property
    def served(self) -> Plan:
        """The plan that is served as long as the change is not made."""
        return self._aim.plan if self._current is None else self._current[1].plan

    def add(self, plan: Plan) -> None:
        self._waiting.append(Change(plan))

    def ask(self, member: Member, message: dict[str, Any]) -> None:
        """A server process wants a model to be loaded or unloaded by all."""
        spec = self._aim.plan["spec"]
        without = [name for name in spec["unloaded"] if name not in (message.get("load"), message.get("unload"))]
        unloaded = [*without, message["unload"]] if "unload" in message else without
        plan = {**self._aim.plan, "spec": {**spec, "unloaded": unloaded}}
        self._waiting.append(Change(plan, asker=(member, message["ask"])))

    def take_up(self, now: float) -> bool:
        """Begin the next change. Gives whether there was one."""
        aim = self._aim
        if self._current is not None or not self._waiting or not aim.observed:
            return False
        change = self._waiting.popleft()
        if change.asker is not None:  # the plan may have changed since
            unloaded = change.plan["spec"]["unloaded"]
            change.plan = {**aim.plan, "spec": {**aim.plan["spec"], "unloaded": unloaded}}
        log.info("changing to revision %d", change.plan["revision"])
        change.since = now
        self._current = change, Former(aim.plan, aim.generation, aim.wanted)
        before, aim.plan = aim.plan, change.plan
        if any(before["spec"][field] != aim.plan["spec"][field] for field in ("replicas", "scaling")):
            aim.wanted = scaling.initial(aim.plan["spec"])
        if needs_new_processes(before, aim.plan):
            self._renew()
        else:
            self._configure(change)
        return True

    def judge(self, now: float) -> None:
        """Look at how far it got."""
        aim = self._aim
        good = rolling.good(self._members, aim.generation)
        complete = len(good) >= aim.wanted and all(member.ready for member in good)
        if self._current is None:
            if not aim.observed and good and complete:
                aim.observed = aim.plan["revision"]
            return
        change, _ = self._current
        if failure := self._refusal(change, now):
            self.undo(failure)
            return
        former = [member for member in self._members if member.ready and member.draining and member.accepting]
        if not change.awaited and complete and not rolling.stale(self._members, aim.generation) and not former:
            self._addresses.keep()
            self.refused = None
            self._end(change, None)

    def undo(self, failure: Failure) -> None:
        """The change that is under way cannot be made."""
        assert self._current is not None
        aim, (change, former) = self._aim, self._current
        revision = change.plan["revision"]
        log.error("revision %d is undone: %s", revision, failure["message"])
        self._addresses.undo()
        aim.plan, aim.generation, aim.wanted = {**former.plan, "revision": revision}, former.generation, former.wanted
        aim.resources = Resources(former.plan["spec"])
        for member in self._members:
            if member.generation == aim.generation and not member.draining:
                member.configure(0, former.plan)
        if change.asker is None:
            self.refused = {"revision": revision, "failure": failure}
        self._end(change, failure)

    def _renew(self) -> None:
        """By new server processes."""
        aim = self._aim
        self._generations += 1
        aim.generation = self._generations
        aim.wanted = max(1, aim.wanted)
        aim.resources = Resources(aim.plan["spec"])
        try:
            self._addresses.reserve_grpc(aim.plan["spec"])
        except OSError as error:
            self.undo({"code": "conflict", "message": f"The gRPC port cannot be had: {error}.", "hint": ""})

    def _configure(self, change: Change) -> None:
        """By those that there are."""
        for member in self._members:
            if not member.draining:
                member.configure(change.plan["revision"], change.plan)
                change.awaited += [member] if member.ready else []

    def _refusal(self, change: Change, now: float) -> Failure | None:
        """Why the replicas that are to take it over cannot."""
        revision = change.plan["revision"]
        for member in change.awaited:
            if member.refusal is not None and member.refusal[0] == revision:
                failure, member.refusal = member.refusal[1], None
                return failure
        change.awaited = [m for m in change.awaited if m.configured != revision and m.code is None]
        if change.awaited and now - change.since > CONFIGURE_S:
            return {"code": "service_failed", "message": "A replica did not take it over.", "hint": ""}
        return None

    def _end(self, change: Change, failure: Failure | None) -> None:
        self._aim.observed = self._aim.plan["revision"]
        self._current = None
        self._ended(change, failure)
