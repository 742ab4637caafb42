"""The process that keeps a service up, started by `python -m jupyter_modeldeploy.serving.supervision FOLDER`.

It owns the listening socket: starts the server processes, restarts those that crash (waiting longer each time) or hang,
follows changes of the plan without losing a request, and on SIGTERM lets them finish what is under way. It runs in a
session of its own, so it outlives whoever started it; a server process ends when it loses its supervisor. It needs the
standard library alone, which keeps it small: plan and status are JSON files in the service's folder (`documents`).

Nothing here waits for one thing: `_step` looks at all there is, does what can be done about it, and is called again
whenever something happened."""

from __future__ import annotations

import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.serving.servicelog import tail
from jupyter_modeldeploy.serving.supervision import documents, report, rolling, scaling
from jupyter_modeldeploy.serving.supervision.addresses import Addresses
from jupyter_modeldeploy.serving.supervision.changes import Aim, Change, Changes
from jupyter_modeldeploy.serving.supervision.member import Failure, Member
from jupyter_modeldeploy.serving.supervision.slot import Slot
from jupyter_modeldeploy.serving.supervision.waiting import Waiting

START_S = 300.0
SILENCE_S = 10.0
DRAIN_IDLE_S = 5.0
TICK_S = 0.5
LOOK_S = 1.0
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD]

log = logging.getLogger(__name__)


class Supervisor:
    """Keeps the service up whose folder is `folder`."""

    def __init__(self, folder: Path) -> None:
        plan = documents.read(folder, documents.PLAN)
        assert plan is not None, "no plan"
        self._folder = folder
        self._aim = Aim(plan)
        self._autoscaler = scaling.Autoscaler(time.monotonic())
        self._members: list[Member] = []
        self._slots: dict[int, Slot] = {}
        self._failure: Failure | None = None
        self._ending = self._was_ready = False
        self._waiting = Waiting(SIGNALS, self._signalled)
        self._addresses = Addresses(folder, self._waiting)
        self._changes = Changes(self._aim, self._members, self._addresses, self._change_ended)
        self._told = report.Told(folder)
        self._sleep_s = TICK_S
        self._looked_at = self._stepped_at = time.monotonic()
        self._read_revision: int = plan["revision"]
        self._process = report.identity()

    def run(self) -> int:
        """Serve until SIGTERM or until there is no hope. Gives the exit status."""
        self._publish()
        try:
            (self._folder / "metrics").mkdir(mode=0o700)
            self._addresses.open(self._aim.plan["spec"])
        except OSError as error:
            self._fail({"code": "service_failed", "message": f"The address cannot be had: {error}.", "hint": ""})
        self._step()
        while not (self._ending and not self._members):
            seconds, self._sleep_s = self._sleep_s, TICK_S
            self._waiting.sleep(seconds)
            self._step()
        self._addresses.close()
        self._publish()
        return 1 if self._failure else 0

    # What happens

    def _signalled(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._ending = True
        elif number == signal.SIGHUP:
            self._look_at_plan()

    def _fail(self, failure: Failure) -> None:
        log.error("the service failed: %s", failure["message"])
        self._failure = self._failure or failure
        self._ending = True

    def _look_at_plan(self) -> None:
        """Take up a new revision of the plan, if there is one."""
        try:
            plan = documents.read(self._folder, documents.PLAN)
        except (OSError, ValueError) as error:
            log.error("the plan cannot be read: %s", error)
            return
        if plan is not None and plan["revision"] > self._read_revision:
            self._read_revision = plan["revision"]
            self._changes.add(plan)

    def _wake(self) -> None:
        """Somebody connects to a service that sleeps."""
        self._addresses.watch(None)
        self._aim.wanted = 1
        self._autoscaler.active(time.monotonic())

    # What is done about it

    def _step(self) -> None:
        now = time.monotonic()
        for member in list(self._members):
            self._look_at(member)
            if member.code is not None:
                self._members.remove(member)
                self._ended(member, now)
        if self._ending:
            for member in self._members:
                if not member.draining:
                    member.terminate()
            self._publish()
            return
        self._listen_to_members(now)
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._look_at_plan()
            self._scale(now)
            self._told.live(self._members)
        if self._changes.take_up(now):
            self._autoscaler.active(now)
        self._converge(now)
        self._changes.judge(now)
        self._stepped_at = now
        self._publish()

    def _look_at(self, member: Member) -> None:
        messages = member.messages
        member.look()
        if messages is not None and member.messages is None:
            self._waiting.forget(messages)

    def _ended(self, member: Member, now: float) -> None:
        slot = self._slots[member.index]
        slot.last_exit = member.ended_how()
        if member.draining or self._ending:
            return
        log.error("replica %d ended: %s", member.index, slot.last_exit)
        slot.crashed(now - member.started_at if member.ready else 0.0, now)  # a start may take long
        if self._changes.under_way and not member.ready:
            self._changes.undo(member.failure or self._kept_crashing(1, slot.last_exit))
        elif any(other.ready for other in self._members):
            return
        elif member.failure is not None and not member.ready:
            self._fail(member.failure)
        elif slot.hopeless:
            self._fail(self._kept_crashing(slot.crashes, slot.last_exit))

    def _listen_to_members(self, now: float) -> None:
        late = now - self._stepped_at > 2 * TICK_S  # it is this process that slept
        most = self._aim.plan["spec"]["scaling"]["max_replicas"] or self._aim.wanted
        share = self._aim.resources.memory_share(most)
        for member in self._members:
            if late:
                member.heard_at = now
            silent = now - member.heard_at
            if silent > (SILENCE_S if member.ready else START_S):
                member.kill(f"it hung: nothing was heard of it for {silent:.0f} s")
            rss = member.vitals.get("rss_bytes", 0)
            if share is not None and rss > share and not member.outworn and not member.draining:
                self._over_share(member, rss, share)
            while member.asked:
                self._changes.ask(member, member.asked.pop(0))

    def _over_share(self, member: Member, rss: int, share: int) -> None:
        used = f"{rss / 2**20:.0f} MiB, and {self._aim.resources.name} leaves a replica {share / 2**20:.0f} MiB"
        if not member.vitals.get("requests"):  # a new one would be as large
            member.ready = False
            member.failure = {
                "code": "service_failed",
                "message": f"The models do not fit: they take {used}.",
                "hint": "Choose a larger instance type, fewer replicas, or quantize the model.",
            }
            member.kill("its models do not fit into the memory of its instance type")
            return
        log.warning("replica %d is replaced: it takes %s", member.index, used)
        self._slots[member.index].last_exit = f"replaced: it took {used}"
        member.outworn = True

    def _scale(self, now: float) -> None:
        aim = self._aim
        ready = [member for member in self._members if member.ready and not member.draining]
        if self._changes.under_way or len(ready) != aim.wanted:
            return  # what is measured now says nothing about what is coming
        load = scaling.measured(ready, aim.resources.cores_each(max(1, aim.wanted)))
        wanted = self._autoscaler.wanted(aim.plan["spec"], aim.wanted, len(ready), load, now)
        if wanted != aim.wanted:
            log.info("from %d to %d replicas: %s", aim.wanted, wanted, load)
            aim.wanted = wanted

    def _converge(self, now: float) -> None:
        moves = rolling.moves(self._members, self._aim.generation, self._aim.wanted)
        for member in moves.terminate:
            member.terminate()
        if moves.drain is not None:
            moves.drain.drain(DRAIN_IDLE_S)
        for _ in range(moves.start):
            self._start(now)
        self._addresses.watch(self._wake if moves.asleep else None)

    def _start(self, now: float) -> None:
        used = {member.index for member in self._members}
        index = next(number for number in range(len(used) + 1) if number not in used)
        slot = self._slots.setdefault(index, Slot())
        if slot.restart_at > now:
            self._sleep_s = min(self._sleep_s, slot.restart_at - now)
            return
        aim, addresses = self._aim, self._addresses
        assert addresses.listener is not None
        member = Member(index, aim.generation)
        self._members.append(member)
        instances = aim.plan["spec"]["instances"] or aim.resources.cores_each(max(1, aim.wanted))
        own = {"replica": index, "instances": max(1, int(instances)), "grpc_port": addresses.grpc_port}
        member.start({**aim.plan, **own}, [addresses.listener.fileno()])
        if member.messages is not None:
            self._waiting.watch(member.messages)

    def _change_ended(self, change: Change, failure: Failure | None) -> None:
        self._sleep_s = 0
        if change.asker is not None:
            self._publish()  # who hears of it may look at once
            member, question = change.asker
            member.send({"answer": question, "failure": failure})

    # What others see

    def _publish(self) -> None:
        self._told.status(self._status())

    def _status(self) -> dict[str, Any]:
        aim, addresses, refused = self._aim, self._addresses, self._changes.refused
        ready = sum(member.ready and not member.draining for member in self._members)
        state = self._state(ready)
        url = None if state in ("stopped", "failed") else addresses.url(aim.plan["spec"])
        return {
            "process": self._process,
            "state": state,
            "revision": aim.observed,
            "spec": self._changes.served["spec"],
            "url": url,
            "grpc_url": addresses.grpc_url if url else None,
            "moved": addresses.moved,
            "replicas_ready": ready,
            "replicas_wanted": aim.wanted,
            "failure": self._failure or (refused["failure"] if refused else None),
            "refused": refused["revision"] if refused else None,
            "replicas": report.replicas(self._members, self._slots),
        }

    def _state(self, ready: int) -> str:
        """All replicas make the service ready; once it is, it stays so while one of them serves, or while it sleeps."""
        if self._ending:
            over = "failed" if self._failure else "stopped"
            return "stopping" if self._members else over
        complete = ready >= self._aim.wanted and bool(self._aim.observed)
        if complete or (self._was_ready and ready):
            self._was_ready = True
            return "ready"
        return "ready" if self._was_ready and not self._slots_crashed() else "starting"

    def _slots_crashed(self) -> bool:
        return any(slot.crashes for slot in self._slots.values())

    def _kept_crashing(self, crashes: int, how: str) -> Failure:
        times = f"crashed {crashes} times in a row, each soon after its start" if crashes > 1 else "ended at its start"
        hint = f"The end of its log:\n{tail(self._folder, 15)}"
        return {"code": "service_failed", "message": f"A server process {times}: {how}.", "hint": hint}


def main(folder: str) -> int:
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return Supervisor(Path(folder)).run()
