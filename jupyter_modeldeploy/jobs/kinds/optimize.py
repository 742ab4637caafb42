"""Search for the form of a version that is smallest or fastest on this machine and loses no more than is allowed."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jupyter_modeldeploy import devices, plugins, runtimes, tasks
from jupyter_modeldeploy.errors import Conflict, InvalidInput, NotFound
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds import calibration, held_out
from jupyter_modeldeploy.optimize.quantizing.options import Method
from jupyter_modeldeploy.records import (
    Dataset,
    Format,
    Job,
    JobState,
    Lineage,
    NewVersion,
    Step,
    Version,
)
from jupyter_modeldeploy.records.optimizations import ORIGINAL, Candidate, Optimization, Target
from jupyter_modeldeploy.store import Store

if TYPE_CHECKING:
    from jupyter_modeldeploy.judging.versions import Questions
    from jupyter_modeldeploy.optimize.searching.answers import Part
    from jupyter_modeldeploy.runtimes import Tensors
    from jupyter_modeldeploy.tasks import Task

REPORT = "report.html"
WORK = "search"
LEAST_TEST_ROWS = 2
ENOUGH_TEST_ROWS = 500
"""So many can be shared between choosing and confirming; of fewer the intervals would be too wide for either."""
CHOOSING_ROWS, SEED = 500, 0


def share(given: Any) -> str:
    """`1%` of `1%`, `1 %`, `0.01` or 0.01. Raises ValueError for what is no share, or 100 % and more."""
    text = str(given).strip()
    try:
        value = float(text.removesuffix("%").strip()) / (100 if text.endswith("%") else 1)
    except ValueError:
        raise ValueError(f"{text!r} is no share: write 1% or 0.01") from None
    if not 0 <= value < 1 or isinstance(given, bool):
        raise ValueError(f"{text!r} is not between 0% and 100%: write 1% or 0.01")
    return f"{100 * value:.10g}%"


class OptimizeParameters(Reusing):
    version: str = Field(description="the version to optimise: NAME, NAME@3 or NAME@alias")
    max_loss: Annotated[str, BeforeValidator(share)] = Field(
        default="1%", description="of accuracy (mAP50 for boxes) that may be lost, in percentage points: 1% or 0.01"
    )
    target: Target = Field(
        default="latency",
        description="what is to be best: the time of one row, rows a second, the files' size, or a process's memory",
    )
    dataset: str | None = Field(
        default=None, description="judge and calibrate with this; else with the version's own: NAME or NAME@2"
    )
    minutes: float = Field(default=10.0, gt=0, le=24 * 60, allow_inf_nan=False, description="the time it may take")
    sure: bool = Field(
        default=False, description="let the whole 95 % interval of the loss be within what is allowed, not its estimate"
    )
    length: int | None = Field(
        default=None, ge=1, le=100_000, description="texts: measure with so many tokens; else with those of the rows"
    )
    methods: list[Method] = Field(default_factory=list, description="quantize by these alone; else by all")
    device: Literal["auto", "cpu", "cuda"] = Field(default="cpu", description="what it is to run on")
    include_register: bool = Field(default=True, description="make the recommended one a version of the model")

    @property
    def most(self) -> float:
        return float(self.max_loss.removesuffix("%")) / 100


def check(store: Store, parameters: OptimizeParameters) -> None:
    """What can be said before there is a job."""
    version = store.versions.get(parameters.version)
    dataset = held_out.required_dataset(store, version, parameters.dataset)
    held_out.check_judgeable(version, dataset)
    known = plugins.available("converters")
    if version.format is not Format.onnx and f"{version.format}-onnx" not in known:
        formats = sorted(name.removesuffix("-onnx") for name in known if name.endswith("-onnx"))
        raise InvalidInput(
            f"{version.ref} has the format {version.format}.", f"What can be optimised: onnx, {', '.join(formats)}."
        )
    if parameters.length is not None and version.task and not version.task.startswith("text"):
        raise InvalidInput(f"{version.ref} does {version.task}: a length is for texts.", "Leave length out.")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy.reporting import optimization as page

    parameters: OptimizeParameters = context.parameters
    check(context.store, parameters)
    if parameters.reuse and (known := _known(context)):
        return known
    found = _searched(context)
    if parameters.include_register or found.recommended == ORIGINAL:
        found = register(context.store, context.job_id, found, found.recommended or ORIGINAL, is_result=True)
    (context.folder / REPORT).write_text(page.render(found), encoding="utf-8")
    _drop_losers(context, found)
    context.reporter.progress(100, 100, "%", "optimised")
    return found.model_dump(mode="json")


def register(store: Store, job_id: str, found: Optimization, point: str, is_result: bool = False) -> Optimization:
    """What was found, with the point registered as a version of the model; the original is one already.

    Raises NotFound for what is no point of the front."""
    if point not in found.front:
        raise NotFound(f"{point!r} is no point of the front.", f"Those are: {', '.join(found.front)}.")
    candidate = found.candidate(point)
    assert candidate is not None  # the front names candidates
    if point == ORIGINAL:
        made = store.versions.get(found.base)
    else:
        made = _made(store, job_id, candidate) or _add(store, job_id, found, candidate)
    candidates = [
        one.model_copy(update={"version": made.ref}) if one.name == point else one for one in found.candidates
    ]
    update: dict[str, Any] = {"candidates": candidates}
    if is_result:
        update |= {"version": made.ref, "metrics": {} if point == ORIGINAL else made.metrics}
    return found.model_copy(update=update)


def register_later(store: Store, job: Job, point: str) -> Version:
    """Another point of a finished search as a version. Raises Conflict for another job, or one that has not ended."""
    found = result_of(job)
    if job.state is not JobState.succeeded:
        raise Conflict(f"The job {job.id} is {job.state}.", "Wait for its end: modeldeploy jobs wait.")
    found = register(store, job.id, found, point)
    candidate = found.candidate(point)
    assert candidate is not None  # it was just registered
    assert candidate.version is not None
    store.jobs.update(job.id, [JobState.succeeded], job.attempt, result=found.model_dump(mode="json"))
    return store.versions.get(candidate.version)


def result_of(job: Job) -> Optimization:
    """What a search has found, so far or at its end. Raises Conflict for another job, or one without anything yet."""
    if job.kind != KIND.name:
        raise Conflict(f"The job {job.id} is a {job.kind}.", "Name one of modeldeploy optimize: modeldeploy jobs list.")
    if job.result is None:
        raise Conflict(f"The job {job.id} has found nothing yet.", "Wait for it: modeldeploy jobs wait.")
    return Optimization.model_validate(job.result)


def _searched(context: Context) -> Optimization:
    from jupyter_modeldeploy.optimize.searching.bench import Form
    from jupyter_modeldeploy.optimize.searching.search import Wanted, search

    parameters: OptimizeParameters = context.parameters
    store = context.store
    version = store.versions.get(parameters.version)
    dataset = held_out.required_dataset(store, version, parameters.dataset)
    job = store.jobs.get(context.job_id)
    found = Optimization.model_validate(job.result) if job.result else _begun(context, version, dataset)
    folder = store.versions.path(version)
    runtime = runtimes.load(version.format, folder, device="cpu")
    signature = runtime.signature
    runtime.close()
    assert version.task is not None  # it can be judged
    reader = tasks.load(version.task, folder, signature)
    parts, note = _parts(store, reader, dataset)
    if note and note not in found.notes:
        found = found.model_copy(update={"notes": [*found.notes, note]})

    def batches(count: int) -> list[Tensors]:
        return calibration.batches(store, version, signature, dataset, count)

    def keep(so_far: Optimization) -> None:
        store.jobs.update(context.job_id, [JobState.running], job.attempt, result=so_far.model_dump(mode="json"))

    wanted = Wanted(
        base=Form(folder, version.format, version.size_bytes),
        task=version.task,
        reader=reader,
        parts=parts,
        calibration=batches,
        methods=parameters.methods,
        folder=context.folder / WORK,
    )
    return search(wanted, found, context.reporter, keep)


def _begun(context: Context, version: Version, dataset: Dataset) -> Optimization:
    parameters: OptimizeParameters = context.parameters
    return Optimization(
        base=version.ref,
        dataset=dataset.ref,
        target=parameters.target,
        max_loss=parameters.most,
        sure=parameters.sure,
        length=parameters.length,
        minutes=parameters.minutes,
        device=_device(context, parameters),
        machine=devices.machine(),
        created_at=datetime.now(UTC),
    )


def _device(context: Context, parameters: OptimizeParameters) -> str:
    if parameters.device != "auto":
        return parameters.device
    return "cuda" if context.device.startswith("cuda") else "cpu"


def _parts(store: Store, reader: Task, dataset: Dataset) -> tuple[dict[Part, Questions], str]:
    """The rows that choose and those that confirm, and what is to be said of them."""
    from jupyter_modeldeploy.judging import versions

    split = plugins.load("datasets", dataset.task).read(store.datasets.path(dataset), dataset)
    choosing, confirming, note = split.validation, split.test, ""
    if not choosing and len(confirming) >= ENOUGH_TEST_ROWS:
        choosing, confirming = split.test[::2], split.test[1::2]
        note = f"{dataset.ref} has no validation rows: every other test row chose, the others confirmed."
    elif not choosing:
        choosing = random.Random(SEED).sample(split.train, min(CHOOSING_ROWS, len(split.train)))
        note = f"{dataset.ref} has no validation rows and few test rows: training rows chose, the test rows confirmed."
    if not choosing or len(confirming) < LEAST_TEST_ROWS:
        raise InvalidInput(
            f"{dataset.ref} holds out {len(split.test)} rows, too few to choose and confirm by.", "Hold out more rows."
        )
    return {
        "validation": versions.questions(reader, dataset, choosing),
        "test": versions.questions(reader, dataset, confirming),
    }, note


def _made(store: Store, job_id: str, candidate: Candidate) -> Version | None:
    """The version of this candidate that the job registered before it was killed, or that was asked for before."""
    model = store.jobs.get(job_id).parameters["version"].partition("@")[0]
    mine = [one for one in store.versions.list(model) if one.lineage.job == job_id]
    return next((one for one in mine if one.lineage.parameters.get("candidate") == candidate.name), None)


def _add(store: Store, job_id: str, found: Optimization, candidate: Candidate) -> Version:
    base = store.versions.get(found.base)
    folder = store.job_folder(job_id) / WORK / "candidates" / candidate.name
    if not folder.exists():
        raise NotFound(f"The files of {candidate.name} are gone.", "Search again.")
    new = NewVersion(
        model=base.model,
        format=candidate.format,
        task=base.task,
        lineage=Lineage(
            step=Step.optimized,
            parent=base.ref,
            dataset=found.dataset,
            parameters={"candidate": candidate.name, "format": candidate.format, **(candidate.quantization or {})},
            job=job_id,
        ),
        signature=candidate.signature,
        metrics=_metrics(candidate),
        classes=base.classes,
    )
    return store.versions.add(new, folder)


def _metrics(candidate: Candidate) -> dict[str, float]:
    """As quantizing names them, from the test rows, and what the search measured."""
    metrics: dict[str, float] = {}
    if judged := candidate.test:
        name, difference = judged.metric, judged.difference
        metrics |= {
            name: judged.value.value,
            f"{name}_difference": difference.value,
            f"{name}_difference_low": difference.low,
            f"{name}_difference_high": difference.high,
            "agreement": judged.agreement,
        }
    if candidate.latency:
        metrics |= {"latency_p50_ms": candidate.latency.p50_ms.median, "latency_p95_ms": candidate.latency.p95_ms}
    if candidate.throughput:
        metrics["rows_per_s"] = candidate.throughput.rows_per_s.median
    if candidate.peak_memory_bytes:
        metrics["peak_memory_bytes"] = candidate.peak_memory_bytes
    return metrics


def _drop_losers(context: Context, found: Optimization) -> None:
    """Keep the files of the front alone."""
    work = context.folder / WORK
    for folder in (work / "candidates").glob("*"):
        if folder.name not in found.front:
            shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(work / "inputs", ignore_errors=True)
    (work / "calibration.npz").unlink(missing_ok=True)


def _known(context: Context) -> dict[str, Any] | None:
    """What an earlier search for the same found, if its version is there."""
    wanted = context.parameters.model_dump(mode="json")
    for job in context.store.jobs.list([JobState.succeeded]):
        if job.kind == KIND.name and job.result and {**job.parameters, "reuse": True} == wanted:
            try:
                context.store.versions.get(job.result["version"] or job.result["base"])
            except NotFound:
                continue
            return {**job.result, "reused": True}
    return None


KIND = Kind(
    "optimize",
    OptimizeParameters,
    lambda p: f"Optimise {p.version} for {p.target}, losing at most {p.max_loss}",
    run,
    check=check,
)
