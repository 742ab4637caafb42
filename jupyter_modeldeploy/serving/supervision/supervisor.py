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
import socket
import time
from collections import deque
from pathlib import Path
from typing import Any

from jupyter_modeldeploy.serving.servicelog import tail
from jupyter_modeldeploy.serving.supervision import documents, report, scaling
from jupyter_modeldeploy.serving.supervision.differences import Plan, needs_new_processes
from jupyter_modeldeploy.serving.supervision.listening import authority, listen, listen_unix, reserve, url_of
from jupyter_modeldeploy.serving.supervision.member import Failure, Member
from jupyter_modeldeploy.serving.supervision.report import Slot
from jupyter_modeldeploy.serving.supervision.resources import Resources
from jupyter_modeldeploy.serving.supervision.waiting import Waiting

QUICK_CRASH_S = 10.0
MAX_QUICK_CRASHES = 5
FIRST_BACKOFF_S = 0.1
MAX_BACKOFF_S = 10.0
START_S = 300.0
SILENCE_S = 10.0
CONFIGURE_S = 60.0
DRAIN_IDLE_S = 5.0
TICK_S = 0.5
LOOK_S = 1.0
SIGNALS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD]

log = logging.getLogger(__name__)


class Change:
    """Something to be made so, or else to be undone: a new plan, or the wish of a server process (`asker`) to load or
    unload a model for all. `former` is the plan, the generation and the number of replicas before it was taken up."""

    def __init__(self, plan: Plan, asker: tuple[Member, int] | None = None) -> None:
        self.plan = plan
        self.asker = asker
        self.former: tuple[Plan, int, int] | None = None
        self.former_grpc: socket.socket | None = None
        self.awaited: list[Member] = []
        self.since = 0.0


class Supervisor:
    """Keeps the service up whose folder is `folder`."""

    def __init__(self, folder: Path) -> None:
        plan = documents.read(folder, documents.PLAN)
        assert plan is not None, "no plan"
        self._folder = folder
        self._plan = plan
        self._resources = Resources(plan["spec"])
        self._wanted = scaling.initial(plan["spec"])
        self._autoscaler = scaling.Autoscaler(time.monotonic())
        self._members: list[Member] = []
        self._slots: dict[int, Slot] = {}
        self._generation = 1
        self._generations = 1
        self._observed = 0  # the revision that all replicas serve
        self._changes: deque[Change] = deque()
        self._change: Change | None = None
        self._refused: dict[str, Any] | None = None
        self._failure: Failure | None = None
        self._ending = self._was_ready = False
        self._listener: socket.socket | None = None
        self._grpc: socket.socket | None = None
        self._asleep = False
        self._waiting = Waiting(SIGNALS, self._signalled)
        self._sleep_s = TICK_S
        self._looked_at = self._stepped_at = time.monotonic()
        self._read_revision: int = plan["revision"]
        self._published: dict[str, Any] = {}
        self._business: list[dict[str, Any]] = []
        self._process = report.identity()

    def run(self) -> int:
        """Serve until SIGTERM or until there is no hope. Gives the exit status."""
        self._publish()
        try:
            self._open()
        except OSError as error:
            self._fail({"code": "service_failed", "message": f"The address cannot be had: {error}.", "hint": ""})
        self._step()
        while not (self._ending and not self._members):
            seconds, self._sleep_s = self._sleep_s, TICK_S
            self._waiting.sleep(seconds)
            self._step()
        self._close()
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
            self._changes.append(Change(plan))

    def _wake(self) -> None:
        """Somebody connects to a service that sleeps."""
        self._watch_listener(False)
        self._wanted = 1
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
            self._tell_live()
        self._take_up_changes(now)
        self._converge(now)
        self._judge_change(now)
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
        slot.restarts += 1
        slot.crashes = slot.crashes + 1 if now - member.started_at < QUICK_CRASH_S else 1
        slot.restart_at = now + min(FIRST_BACKOFF_S * 2 ** min(slot.crashes - 1, 10), MAX_BACKOFF_S)
        if self._change is not None and self._change.former is not None and not member.ready:
            self._undo(member.failure or self._kept_crashing(1, slot.last_exit))
        elif any(other.ready for other in self._members):
            return
        elif member.failure is not None and not member.ready:
            self._fail(member.failure)
        elif slot.crashes >= MAX_QUICK_CRASHES:
            self._fail(self._kept_crashing(slot.crashes, slot.last_exit))

    def _listen_to_members(self, now: float) -> None:
        late = now - self._stepped_at > 2 * TICK_S  # it is this process that slept
        share = self._resources.memory_share(self._plan["spec"]["scaling"]["max_replicas"] or self._wanted)
        for member in self._members:
            if late:
                member.heard_at = now
            silent = now - member.heard_at
            if silent > (SILENCE_S if member.ready else START_S):
                member.kill(f"it hung: nothing was heard of it for {silent:.0f} s")
            rss = member.vitals.get("rss_bytes", 0)
            if share is not None and rss > share and not member.outworn and not member.draining:
                self._over_share(member, rss, share, now)
            while member.asked:
                self._asked(member, member.asked.pop(0))

    def _over_share(self, member: Member, rss: int, share: int, now: float) -> None:
        used = f"{rss / 2**20:.0f} MiB, and {self._resources.name} leaves a replica {share / 2**20:.0f} MiB"
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

    def _asked(self, member: Member, message: dict[str, Any]) -> None:
        """A server process wants a model to be loaded or unloaded by all."""
        spec = self._plan["spec"]
        without = [name for name in spec["unloaded"] if name not in (message.get("load"), message.get("unload"))]
        unloaded = [*without, message["unload"]] if "unload" in message else without
        plan = {**self._plan, "spec": {**spec, "unloaded": unloaded}}
        self._changes.append(Change(plan, asker=(member, message["ask"])))

    def _scale(self, now: float) -> None:
        ready = [member for member in self._members if member.ready and not member.draining]
        cores = self._resources.cores_each(max(1, self._wanted))
        load = scaling.Load(
            rps=sum(member.rps for member in ready),
            queue_ms=max((member.vitals.get("queue_ms", 0.0) for member in ready), default=0.0),
            utilization=max(
                sum(member.utilization for member in ready) / cores / max(1, len(ready)),
                max((member.vitals.get("gpu") or 0.0 for member in ready), default=0.0),
            ),
            busy=any(member.vitals.get("in_flight") for member in ready),
        )
        if self._change is not None or len(ready) != self._wanted:
            return  # what is measured now says nothing about what is coming
        wanted = self._autoscaler.wanted(self._plan["spec"], self._wanted, len(ready), load, now)
        if wanted != self._wanted:
            log.info("from %d to %d replicas: %s", self._wanted, wanted, load)
            self._wanted = wanted

    # Changes

    def _take_up_changes(self, now: float) -> None:
        if self._change is not None or not self._changes or not self._observed:
            return
        change = self._changes.popleft()
        if change.asker is not None:  # the plan may have changed since
            unloaded = change.plan["spec"]["unloaded"]
            change.plan = {**self._plan, "spec": {**self._plan["spec"], "unloaded": unloaded}}
        log.info("changing to revision %d", change.plan["revision"])
        change.former = (self._plan, self._generation, self._wanted)
        change.former_grpc = self._grpc
        change.since = now
        renewed = needs_new_processes(self._plan, change.plan)
        before, spec = self._plan["spec"], change.plan["spec"]
        self._change, self._plan = change, change.plan
        self._autoscaler.active(now)
        if (before["replicas"], before["scaling"]) != (spec["replicas"], spec["scaling"]):
            self._wanted = scaling.initial(spec)
        if renewed:
            self._generations += 1
            self._generation = self._generations
            self._wanted = max(1, self._wanted)
            self._resources = Resources(spec)
            try:
                self._reserve_grpc()
            except OSError as error:
                self._undo({"code": "conflict", "message": f"The gRPC port cannot be had: {error}.", "hint": ""})
            return
        for member in self._members:
            if not member.draining:
                member.configure(change.plan["revision"], change.plan)
                change.awaited += [member] if member.ready else []

    def _judge_change(self, now: float) -> None:
        change = self._change
        if change is None:
            good = self._good()
            if not self._observed and good and all(m.ready for m in good) and len(good) >= self._wanted:
                self._observed = self._plan["revision"]
            return
        revision = self._plan["revision"]
        for member in change.awaited:
            if member.refusal is not None and member.refusal[0] == revision:
                failure, member.refusal = member.refusal[1], None
                self._undo(failure)
                return
        change.awaited = [m for m in change.awaited if m.configured != revision and m.code is None]
        if change.awaited and now - change.since > CONFIGURE_S:
            self._undo({"code": "service_failed", "message": "A replica did not take it over.", "hint": ""})
            return
        good = self._good()
        complete = len(good) >= self._wanted and all(member.ready for member in good)
        former = [member for member in self._members if member.ready and member.draining and member.accepting]
        if not change.awaited and complete and not self._stale() and not former:
            if change.former_grpc is not None and change.former_grpc is not self._grpc:
                change.former_grpc.close()
            self._refused = None
            self._done(change, None)

    def _undo(self, failure: Failure) -> None:
        change = self._change
        assert change is not None
        assert change.former is not None
        revision = change.plan["revision"]
        log.error("revision %d is undone: %s", revision, failure["message"])
        former, self._generation, self._wanted = change.former
        if self._grpc is not None and self._grpc is not change.former_grpc:
            self._grpc.close()
        self._grpc = change.former_grpc
        self._plan = {**former, "revision": revision}
        self._resources = Resources(former["spec"])
        for member in self._members:
            if member.generation == self._generation and not member.draining:
                member.configure(0, former)
        self._refused = {"revision": revision, "failure": failure} if change.asker is None else self._refused
        self._done(change, failure)

    def _done(self, change: Change, failure: Failure | None) -> None:
        self._observed = self._plan["revision"]
        self._change = None
        self._sleep_s = 0
        if change.asker is not None:
            self._publish()  # who hears of it may look at once
            member, ask = change.asker
            member.send({"answer": ask, "failure": failure})

    # Replicas

    def _good(self) -> list[Member]:
        return [m for m in self._members if not m.draining and not m.outworn and m.generation == self._generation]

    def _stale(self) -> list[Member]:
        return [m for m in self._members if not m.draining and (m.outworn or m.generation != self._generation)]

    def _converge(self, now: float) -> None:
        """Start what is missing and drain what is too much; in a roll, one after the other and a new one first."""
        good, stale = self._good(), self._stale()
        draining = any(member.draining for member in self._members)
        for member in [member for member in stale if not member.ready]:
            member.terminate()
        stale = [member for member in stale if member.ready]
        ready = sum(member.ready for member in good)
        missing = max(0, self._wanted - len(good))
        if stale:
            if ready + len(stale) > self._wanted and not draining:
                stale[0].drain(DRAIN_IDLE_S)
                return
            room = len(good) + len(stale) < self._wanted or not (draining or ready < len(good))
            missing = min(missing, 1) if room else 0
        elif len(good) > self._wanted and (ready > self._wanted or self._wanted == 0) and not draining:
            max((m for m in good if m.ready), key=lambda m: m.index).drain(DRAIN_IDLE_S)
        for _ in range(missing):
            self._start(now)
        self._watch_listener(self._wanted == 0 and not good and not stale)

    def _start(self, now: float) -> None:
        used = {member.index for member in self._members}
        index = next(number for number in range(len(used) + 1) if number not in used)
        slot = self._slots.setdefault(index, Slot())
        if slot.restart_at > now:
            self._sleep_s = min(self._sleep_s, slot.restart_at - now)
            return
        assert self._listener is not None
        member = Member(index, self._generation)
        self._members.append(member)
        instances = self._plan["spec"]["instances"] or self._resources.cores_each(max(1, self._wanted))
        grpc_port = self._grpc.getsockname()[1] if self._grpc else None
        plan = {**self._plan, "replica": index, "instances": max(1, int(instances)), "grpc_port": grpc_port}
        member.start(plan, [self._listener.fileno()])
        if member.messages is not None:
            self._waiting.watch(member.messages)

    # The addresses

    def _open(self) -> None:
        spec = self._plan["spec"]
        (self._folder / "metrics").mkdir(mode=0o700)
        path = spec["unix_socket"]
        self._listener = listen_unix(path) if path else listen(spec["host"], spec["port"])
        self._reserve_grpc()

    def _reserve_grpc(self) -> None:
        spec = self._plan["spec"]
        port = spec["grpc_port"]
        if port is not None and self._grpc is not None and port in (0, self._grpc.getsockname()[1]):
            return
        self._grpc = None if port is None else reserve(spec["host"], port)

    def _watch_listener(self, on: bool) -> None:
        if on == self._asleep or self._listener is None:
            return
        self._asleep = on
        if on:
            self._waiting.watch(self._listener, self._wake)
        else:
            self._waiting.forget(self._listener)

    def _close(self) -> None:
        if self._listener is None:
            return
        self._watch_listener(False)
        if self._listener.family == socket.AF_UNIX:
            Path(self._listener.getsockname()).unlink(missing_ok=True)
        self._listener.close()
        if self._grpc is not None:
            self._grpc.close()

    # What others see

    def _publish(self) -> None:
        status = self._status()
        if status == self._published:
            return
        try:
            documents.write(self._folder, documents.STATUS, status)
        except OSError as error:  # it is tried again at the next step; serving goes on
            log.error("the status cannot be written: %s", error)
        else:
            self._published = status

    def _status(self) -> dict[str, Any]:
        ready = sum(member.ready and not member.draining for member in self._members)
        state = self._state(ready)
        listener = None if state in ("stopped", "failed") else self._listener
        tls = bool(self._plan["spec"]["tls"]["tls_certificate"])
        refused = self._refused["failure"] if self._refused else None
        served = self._change.former[0] if self._change is not None and self._change.former else self._plan
        return {
            "process": self._process,
            "state": state,
            "revision": self._observed,
            "spec": served["spec"],
            "url": url_of(listener, tls) if listener else None,
            "grpc_url": authority(self._grpc) if listener and self._grpc else None,
            "replicas_ready": ready,
            "replicas_wanted": self._wanted,
            "failure": self._failure or refused,
            "refused": self._refused["revision"] if self._refused else None,
            "replicas": report.replicas(self._members, self._slots),
        }

    def _state(self, ready: int) -> str:
        """All replicas make the service ready; once it is, it stays so while one of them serves, or while it sleeps."""
        if self._ending:
            over = "failed" if self._failure else "stopped"
            return "stopping" if self._members else over
        complete = ready >= self._wanted and bool(self._observed)
        if complete or (self._was_ready and ready):
            self._was_ready = True
            return "ready"
        return "ready" if self._was_ready and not self._slots_crashed() else "starting"

    def _slots_crashed(self) -> bool:
        return any(slot.crashes for slot in self._slots.values())

    def _tell_live(self) -> None:
        live = report.live(self._members)
        if report.business(live) == self._business:
            return
        try:
            documents.write(self._folder, documents.LIVE, live)
        except OSError as error:
            log.error("the live figures cannot be written: %s", error)
        self._business = report.business(live)

    def _kept_crashing(self, crashes: int, how: str) -> Failure:
        times = f"crashed {crashes} times in a row, each soon after its start" if crashes > 1 else "ended at its start"
        hint = f"The end of its log:\n{tail(self._folder, 15)}"
        return {"code": "service_failed", "message": f"A server process {times}: {how}.", "hint": hint}


def main(folder: str) -> int:
    os.umask(0o077)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return Supervisor(Path(folder)).run()
