"""A workspace with one of everything that a page can show, made of tiny real parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import recorded_experiment
import recorded_report
import tiny_bert
import tiny_onnx

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.errors import JobFailed
from jupyter_modeldeploy.records import Format, Interval, Job
from jupyter_modeldeploy.records.optimizations import Accuracy, Candidate, Optimization
from jupyter_modeldeploy.workspace import JobHandle

REQUESTS = 50


@dataclass(frozen=True)
class OneOfEach:
    """What there is, and the addresses of all pages."""

    training: Job
    failed: Job
    service: str
    pages: dict[str, dict[str, str]]


def start_training(workspace: Workspace, folder: Path, max_steps: int, **options: Any) -> JobHandle:
    """The fine-tuning of `encoder` to `tuned` on the dataset `reviews`."""
    if not any(known.name == "reviews" for known in workspace.datasets.list()):
        rows = [f"{text},{tiny_bert.CLASSES[label]}" for text, label in tiny_bert.rows(120)]
        table = folder / "reviews.csv"
        table.write_text("\n".join(["text,label", *rows]))
        workspace.datasets.add(f"file:{table}", "reviews", "text", "label").wait(timeout_s=60)
        workspace.models.fetch(f"file:{tiny_bert.make_encoder(folder / 'encoder')}", "encoder").wait(timeout_s=60)
    return workspace.models.finetune("encoder", "reviews", "tuned", max_steps=max_steps, batch_size=8, **options)


def add_search(workspace: Workspace, base: str) -> Job:
    """The job of a search for a better form of `base` that has ended, with a point of the front that is no version."""
    lost = Interval(value=-0.005, low=-0.02, high=0.01)
    judged = Accuracy(
        rows=100,
        batch=1,
        metric="accuracy",
        value=Interval(value=0.9, low=0.8, high=0.95),
        difference=lost,
        method="paired",
        agreement=0.99,
        metrics={},
    )
    known: dict[str, Any] = {"format": Format.onnx, "validation": judged, "test": judged}
    at = datetime.now(UTC)
    found = Optimization(
        base=base,
        dataset="reviews@1",
        target="latency",
        max_loss=0.01,
        sure=False,
        minutes=10,
        device="cpu",
        metric="accuracy",
        candidates=[
            Candidate(name="original", format=Format.onnx, verdict="original", size_bytes=4_000_000),
            Candidate(name="dynamic-int8", verdict="recommended", size_bytes=1_000_000, version=base, **known),
            Candidate(name="fp16", verdict="front", size_bytes=2_000_000, **known),
            Candidate(name="weight-int4", format=Format.onnx, verdict="too-much-loss", reason="It answers at random."),
        ],
        front=["original", "dynamic-int8", "fp16"],
        recommended="dynamic-int8",
        why="dynamic-int8 is 2.00 times as fast as the original.",
        version=base,
        created_at=at,
    )
    job = Job(
        id="abcdefabcdef",
        kind="optimize",
        title="A search",
        parameters={"version": base},
        state="succeeded",
        owner="me",
        result=found.model_dump(mode="json"),
        created_at=at,
        queued_at=at,
        ended_at=at,
    )
    workspace.store.jobs.add(job)
    return job


def add_report(workspace: Workspace, service: str) -> Job:
    """The job of a report on a service, as it is when it has ended."""
    at = recorded_report.AT
    job = Job(
        id="fedcbafedcba",
        kind="service-report",
        title=f"Report on {service}",
        parameters={"service": service},
        state="succeeded",
        owner="me",
        result={"service_report": recorded_report.report(service).model_dump(mode="json")},
        created_at=at,
        queued_at=at,
        ended_at=at,
    )
    workspace.store.jobs.add(job)
    return job


@contextmanager
def one_of_each(workspace: Workspace, folder: Path) -> Iterator[OneOfEach]:
    """Fill the workspace; its service of two versions runs as long as the context."""
    (folder / "shady").mkdir()
    (folder / "shady" / "shady.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    files = [tiny_onnx.classifier(folder / f"form-{number}") for number in (1, 2)]
    (files[1] / "notes.txt").write_text("the same, and a note")
    models = workspace.models
    failing = models.fetch(f"file:{folder / 'nowhere'}", "nowhere")
    training = start_training(workspace, folder, max_steps=20, evaluate_every=10, sample_predictions=2)
    forms = [models.fetch(f"file:{form}", "sentiment").version(timeout_s=60).ref for form in files]
    models.fetch(f"file:{folder / 'shady'}", "shady").wait(timeout_s=60)
    search = add_search(workspace, forms[0])
    report = add_report(workspace, "both")
    canary = workspace.store.experiments.add(recorded_experiment.experiment("both"))
    service = workspace.services.start(workspace.services.spec("both", forms)).name
    try:
        profile = models.profile(forms[0], service, requests=REQUESTS, seconds=0.5)
        compare = workspace.experiments.compare(service, *forms, requests=REQUESTS)
        load = workspace.services.profile(service, concurrency="1,2", duration="1s")
        jobs = {"training": training, "profile": profile, "comparison": compare, "load": load}
        ended = {name: job.wait(timeout_s=180) for name, job in jobs.items()}
        with suppress(JobFailed):
            failing.wait(timeout_s=60)
        pages = {
            "versions": {"page": "model", "name": "sentiment"},
            "fine-tuned": {"page": "model", "name": "tuned"},
            "quarantine": {"page": "model", "name": "shady"},
            "nothing": {"page": "model", "name": "no-such-model"},
            "dataset": {"page": "dataset", "name": "reviews@1"},
            "search": {"page": "job", "id": search.id},
            "report": {"page": "job", "id": report.id},
            "failed": {"page": "job", "id": failing.id},
            **{name: {"page": "job", "id": job.id} for name, job in ended.items()},
            "service": {"page": "service", "name": service},
            "experiment": {"page": "experiment", "id": canary.id},
            "finetune": {"page": "finetune", "base": "tuned@1"},
            "optimize": {"page": "optimize"},
        }
        yield OneOfEach(training=ended["training"], failed=failing.job, service=service, pages=pages)
    finally:
        workspace.services.stop(service)
