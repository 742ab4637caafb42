"""An experiment on a running service, as one writes it in a notebook:

Experiment(base_version="sentiment@2", candidate_version="sentiment@3", traffic_split=[80, 20]).run(duration="7d")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.experiments.live.moves import Asked
from jupyter_modeldeploy.records import Experiment as Record
from jupyter_modeldeploy.records import Job
from jupyter_modeldeploy.workspace import JobHandle, Workspace


class RunningExperiment(JobHandle):
    """An experiment that goes on in a process of its own. As the last line of a cell it shows how far it is.

    `experiment` is what is known of it: the verdict, each metric with its looks, guardrails, decisions."""

    def __init__(self, workspace: Workspace, job_id: str) -> None:
        super().__init__(workspace.store, job_id)
        self._workspace = workspace

    def __repr__(self) -> str:
        found = self.experiment
        return f"<{found.candidate} against {found.base} on {found.service}: {found.outcome}. {found.verdict}>"

    @property
    def experiment(self) -> Record:
        return self._workspace.experiments.get(self.id)

    def pause(self) -> Record:
        """Hold it at the share that it has; guardrails go on to be watched."""
        return self._act("pause")

    def resume(self) -> Job:
        """Let it go on after a pause, in spite of what it was paused for; or start its job again where that died."""
        if self.job.state.ended:
            return super().resume()
        self._act("resume")
        return self.job

    def roll_back(self) -> Record:
        """End it, with all the traffic of the two for the base."""
        return self._act("roll-back")

    def promote(self, alias: str | None = None) -> Record:
        """End it, with all the traffic of the two for the candidate. An `alias`, that of its options if none is named,
        points at the candidate from then on; where its rule refuses that, an error says why and nothing is changed."""
        return self._workspace.experiments.act(self.id, "promote", alias)

    def stop(self) -> Record:
        """End it, with the traffic split as before."""
        return self._act("stop")

    def verdict(self, timeout_s: float | None = None) -> Record:
        """What it said at its end, which is waited for. Raises JobFailed, TimeoutError."""
        self.wait(timeout_s=timeout_s)
        return self.experiment

    def _act(self, action: Asked) -> Record:
        return self._workspace.experiments.act(self.id, action)


class Experiment:
    """Two versions of one model on a service's own traffic, to be `run`.

    `service` may be left out where one running service alone serves the base, or the model. `traffic_split` is the
    base's part and the candidate's; or the candidate's share rises in `steps`. `metrics` are outcomes that clients
    post (`{"bought": "proportion"}`), `guardrails` how much worse the candidate may be (`{"latency_p95": "50%"}`); the
    other options are those of ExperimentOptions, such as `promote=True`. `workspace` is a folder or a Workspace, the
    default one when left out."""

    def __init__(
        self,
        candidate_version: str,
        base_version: str | None = None,
        service: str | None = None,
        traffic_split: Sequence[float] | None = None,
        steps: Sequence[float] | str | None = None,
        metrics: Mapping[str, str] | None = None,
        guardrails: Mapping[str, str] | None = None,
        workspace: Workspace | str | None = None,
        **options: Any,
    ) -> None:
        self._workspace = workspace if isinstance(workspace, Workspace) else Workspace(workspace)
        self.base_version, self.candidate_version = base_version, candidate_version
        self.service = service or self._serving()
        self._options: dict[str, Any] = {
            "traffic_split": None if traffic_split is None else [*traffic_split],
            "steps": steps if steps is None or isinstance(steps, str) else [*steps],
            "metrics": {**(metrics or {})},
            "guardrails": {**(guardrails or {})},
            **options,
        }

    def __repr__(self) -> str:
        base = self.base_version or "what is served"
        return f"<Experiment: {self.candidate_version} against {base} on {self.service}>"

    def run(self, duration: str = "7d", **options: Any) -> RunningExperiment:
        """Start it; it ends by itself after `duration` (`30s`, `10m`, `2h`, `7d`). Raises what
        `Workspace.experiments.run` raises."""
        told = {**self._options, **options, "duration": duration}
        handle = self._workspace.experiments.run(self.service, self.candidate_version, self.base_version, **told)
        return RunningExperiment(self._workspace, handle.id)

    def _serving(self) -> str:
        """The one running service that serves the base, or any version of the model. Raises InvalidInput without, and
        where there are several."""
        version = self._workspace.models.version(self.base_version or self.candidate_version)
        found = [
            service.name
            for service in self._workspace.services.list()
            if not service.state.ended
            for served in service.spec.models
            if served.model == version.model
            and (self.base_version is None or version.number in {arm.version for arm in served.arms})
        ]
        if len(found) != 1:
            named = f"{', '.join(found)} do" if found else "no running service does"
            raise InvalidInput(f"Which service serves {version.ref}? {named}.", "Name one: service=…")
        return found[0]
