"""Search for the form of a version that is smallest or fastest on this machine and loses no more than is allowed."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jupyter_modeldeploy import devices, plugins, runtimes, tasks
from jupyter_modeldeploy.errors import InvalidInput, NotFound
from jupyter_modeldeploy.jobs.context import Context, Kind, Reusing
from jupyter_modeldeploy.jobs.kinds import calibration, held_out, optimized
from jupyter_modeldeploy.optimize import converting
from jupyter_modeldeploy.optimize.quantizing.options import Method
from jupyter_modeldeploy.records import Dataset, Format, JobState, Version
from jupyter_modeldeploy.records.optimizations import ORIGINAL, Optimization, Target
from jupyter_modeldeploy.store import Store

if TYPE_CHECKING:
    from jupyter_modeldeploy.judging.versions import Questions
    from jupyter_modeldeploy.optimize.searching.answers import Part
    from jupyter_modeldeploy.runtimes import Tensors
    from jupyter_modeldeploy.tasks import Task

REPORT = "report.html"
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
    formats = converting.sources("onnx")
    if version.format is not Format.onnx and version.format not in formats:
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
        found = optimized.register(context.store, context.job_id, found, found.recommended or ORIGINAL, is_result=True)
    (context.folder / REPORT).write_text(page.render(found), encoding="utf-8")
    _drop_losers(context, found)
    context.reporter.progress(100, 100, "%", "optimised")
    return found.model_dump(mode="json")


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
        folder=context.folder / optimized.WORK,
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


def _drop_losers(context: Context, found: Optimization) -> None:
    """Keep the files of the front alone."""
    work = context.folder / optimized.WORK
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
    optimized.KIND,
    OptimizeParameters,
    lambda p: f"Optimise {p.version} for {p.target}, losing at most {p.max_loss}",
    run,
    check=check,
)
