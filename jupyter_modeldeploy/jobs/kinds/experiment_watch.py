"""The work of a live experiment: look, guard, act, write down; again and again, from wherever the last one was."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from jupyter_modeldeploy.amounts import percent
from jupyter_modeldeploy.errors import Conflict, Forbidden, NotFound, StorageFull, Unavailable
from jupyter_modeldeploy.experiments.live import ramp as ramps
from jupyter_modeldeploy.experiments.live.arms import share_of
from jupyter_modeldeploy.experiments.live.moves import Moves
from jupyter_modeldeploy.experiments.live.standing import Journal, Standing
from jupyter_modeldeploy.jobs.context import Context
from jupyter_modeldeploy.jobs.kinds import experiment_pair, experiment_promoting
from jupyter_modeldeploy.jobs.kinds.experiment import ExperimentParameters
from jupyter_modeldeploy.jobs.kinds.experiment_acting import Acting
from jupyter_modeldeploy.jobs.kinds.experiment_asking import wishes
from jupyter_modeldeploy.jobs.kinds.experiment_looking import Looking
from jupyter_modeldeploy.jobs.kinds.experiment_row import known, moved
from jupyter_modeldeploy.records import Experiment, Moved, ServedModel, Service

log = logging.getLogger(__name__)
TICK_S = 0.5
SAVE_S = 3.0
"""Between two writes of the row where nothing was decided."""


def watch(context: Context) -> Experiment:
    """Run the experiment to its end. Where it is cancelled, the traffic is as it was before; where watching fails, the
    candidate has none."""
    work = Watch(context)
    try:
        return work.run()
    except Exception as error:
        work.leave(f"Watching it failed: {error}", failed=True)
        raise
    except BaseException:  # the job was cancelled
        work.leave("The job was cancelled.", failed=False)
        raise
    finally:
        work.close()


class Watch:
    def __init__(self, context: Context) -> None:
        self._context, self._store = context, context.store
        self._parameters: ExperimentParameters = context.parameters
        self._row = self._store.experiments.get(context.job_id)
        self._journal = Journal(context.folder)
        self._pair = experiment_pair.of(self._row)
        self._moves = self._moves_of(self._journal.now or self._journal.next)
        attributes = self._parameters.attributes
        self._acting = Acting(self._store, self._row, self._journal, attributes)
        self._looking = Looking(self._parameters, self._pair, self._store.service_folder(self._parameters.service))
        self._looking.found = [*self._row.metrics]
        self._saved_at = 0.0
        self._trouble = ""
        self._moved: Moved | None = None

    def run(self) -> Experiment:
        if self._row.outcome not in ("running", "paused"):
            return self._row  # it is over, whoever wants to go on with it
        if self._journal.now is None and self._journal.next is None:
            self._begin()
        while not self._tick():
            time.sleep(TICK_S)
        standing = self._standing
        try:
            self._looking.look(standing, self._moves.ramp, time.time(), at_last=True)
        except (StorageFull, Unavailable) as error:
            log.warning("%s The figures are those of the look before.", error)
        return self._save(standing)

    def leave(self, why: str, failed: bool) -> None:
        """Nobody watches from now on."""
        if self._acting.never_began():
            self._row = self._store.experiments.save(
                self._row.model_copy(update={"outcome": "stopped", "verdict": why})
            )
            return
        standing = self._standing
        if standing.is_over:
            return
        self._acting.decide(self._moves.left(standing, time.time(), why, failed))
        if self._moved is not None:
            experiment_promoting.take_back(self._store, self._moved, self._store.settings.owner)
        self._save(self._journal.next or self._standing)

    def close(self) -> None:
        self._looking.close()

    @property
    def _standing(self) -> Standing:
        assert self._journal.now is not None
        return self._journal.now

    def _moves_of(self, standing: Standing | None) -> Moves:
        arms = standing.before if standing else self._pair.traffic.before(self._served())
        ramp = self._parameters.ramp(share_of(arms, self._pair.base, self._pair.candidate))
        return Moves(ramp, self._pair.base, self._pair.candidate, self._parameters.at_end)

    def _begin(self) -> None:
        before = self._pair.traffic.before(self._served())
        arms = self._pair.traffic.arranged(before)
        self._acting.decide(self._moves.begin(time.time(), before, arms, self._acting.recording_before()))

    def _served(self) -> ServedModel:
        return experiment_pair.served_model(self._store.services.get(self._parameters.service), self._pair.model)

    def _tick(self) -> bool:
        """One look and what follows of it; whether the experiment is over."""
        try:
            is_over = self._look_and_act()
        except (StorageFull, Unavailable) as error:
            if str(error) != self._trouble:
                log.warning("%s The experiment goes on.", error)
            self._trouble = str(error)
            return False
        self._trouble = ""
        return is_over

    def _look_and_act(self) -> bool:
        service = self._service()
        settled = self._acting.settle()
        now = time.time()
        if self._journal.now is None:
            return False  # it waits for the service to begin
        if not self._standing.is_over and (why := self._changed(service)):
            arms = experiment_pair.arms_or_none(service, self._pair)
            self._acting.decide(self._moves.taken(self._standing, now, arms, why))
        elif settled and not self._standing.is_over:
            self._follow_service(service, now)
            self._follow_people(now)
            self._follow_figures(now)
        self._tell(self._standing, now)
        return self._standing.is_over and self._journal.next is None

    def _service(self) -> Service | None:
        try:
            return self._store.services.get(self._parameters.service)
        except NotFound:
            return None

    def _changed(self, service: Service | None) -> str | None:
        """What somebody else did, after which nothing can be said any more."""
        if service is None:
            return f"The service {self._parameters.service!r} was removed."
        arms = self._acting.taken(service)
        if arms is None:
            return None
        told = ", ".join(f"{self._pair.model}@{arm.version}: {arm.weight:g}" for arm in arms) or "nothing"
        return f"The traffic was split otherwise by somebody else ({told}), and stays so."

    def _follow_service(self, service: Service | None, now: float) -> None:
        assert service is not None
        if service.state.ended:
            error = f": {service.error.message}" if service.error else ""
            self._acting.decide(self._moves.lost(self._standing, now, f"The service is {service.state}{error}."))
        elif self._standing.paused_by == "service":
            self._acting.decide(self._moves.resumed(self._standing, now, "service", "The service runs again."))

    def _follow_people(self, now: float) -> None:
        for wish in wishes(self._context.folder):
            if not self._standing.is_over:
                states = self._looking.states
                asked = self._moves.asked(self._standing, now, wish.action, wish.by, states, wish.note)
                self._acting.decide(asked)
            if self._journal.next is not None:
                return  # what was decided waits for the service, and the wish for that
            self._save(self._standing)
            wish.path.unlink(missing_ok=True)

    def _follow_figures(self, now: float) -> None:
        ramp = self._moves.ramp
        if self._journal.next is not None or self._standing.is_over:
            return
        self._looking.look(self._standing, ramp, now)
        seen = self._looking.seen(self._standing, ramp, now)
        chosen = ramps.following(ramp, self._standing.place, seen)
        if chosen is not None and chosen.action == "promote":
            chosen = self._promotion(chosen)
        if chosen is not None:
            self._acting.decide(self._moves.made(self._standing, now, chosen))

    def _promotion(self, chosen: ramps.Next) -> ramps.Next:
        """The decision to promote, with the alias moved; the one to wait for a person where that was refused."""
        alias, by = self._parameters.alias, self._store.settings.owner
        try:
            experiment_promoting.check_base(self._store, self._row)
            if alias is not None:
                self._row = self._save(self._standing)  # a proof that the alias's rule may ask for
                self._moved = experiment_promoting.move_alias(self._store, self._row, alias, by)
        except (Conflict, Forbidden) as refused:
            why = f"{chosen.why} It is not promoted: {refused}"
            share = share_of(self._standing.arms, self._pair.base, self._pair.candidate)
            return ramps.Next("pause", why, "alias", share)
        told = experiment_promoting.told(self._store, self._row, self._moved)
        return replace(chosen, why=f"{chosen.why} {told}".rstrip())

    def _tell(self, standing: Standing, now: float) -> None:
        """Write the row where something was decided, or every few seconds, and say how far it is."""
        decided = len(standing.decisions) != len(self._row.decisions) or standing.outcome != self._row.outcome
        if decided or time.monotonic() - self._saved_at > SAVE_S:
            self._save(standing)
        duration_s = self._moves.ramp.duration_s
        share = share_of(standing.arms, self._pair.base, self._pair.candidate)
        done = min(duration_s, max(0.0, duration_s - (standing.ends - (standing.paused_at or now))))
        told = f"{percent(share)} of the traffic, {self._looking.units[1]:,} units; {standing.outcome}"
        self._context.reporter.progress(done, duration_s, "s", told)

    def _save(self, standing: Standing) -> Experiment:
        share = share_of(standing.arms, self._pair.base, self._pair.candidate)
        self._row = self._store.experiments.save(moved(known(self._row, self._looking), standing, share))
        self._saved_at = time.monotonic()
        return self._row
