"""What a job made, and the most useful next command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy.amounts import p_value, percent, size
from jupyter_modeldeploy.cli import evaluation_page
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table
from jupyter_modeldeploy.records import EvaluationReport, Experiment, Format, Interval, Profile, Version
from jupyter_modeldeploy.records.loads import LoadReport
from jupyter_modeldeploy.records.sweeps import SweepResult

if TYPE_CHECKING:
    from rich.table import Table

    from jupyter_modeldeploy.records import Job, MetricComparison, OperatorTime

TOP_OPERATORS = 10
MAIN_METRICS = {"accuracy": "Accuracy", "map50": "mAP50"}


def show_end(door: Door, job: Job) -> None:
    """The result of a succeeded job."""
    show = VIEWS.get(job.kind)
    if show is not None and job.result is not None:
        show(door, job.result)
    else:
        door.out.print(f"{printable(job.title)}: {job.state}")


def describe(version: Version) -> str:
    """`sentiment@3: onnx, 23.0 MB, quantized from sentiment@2, accuracy 85.3 %`"""
    origin = version.lineage.parent or version.lineage.source
    parts = [version.format, size(version.size_bytes), f"{version.lineage.step} from {origin}" if origin else ""]
    judged = next((name for name in MAIN_METRICS if name in version.metrics), None)
    if judged is not None:
        parts.append(f"{judged} {percent(version.metrics[judged])}")
    return printable(f"{version.ref}: {', '.join(part for part in parts if part)}")


def _version(door: Door, result: dict[str, Any]) -> None:
    version = door.workspace.models.version(result["version"])
    made = "Found (made before)" if result.get("reused") else "Made"
    door.out.print(f"{made} {describe(version)}", soft_wrap=True)
    _show_accuracy(door, version)
    _suggest_after(door, version)


def _quantized(door: Door, result: dict[str, Any]) -> None:
    _version(door, result)
    layers = result.get("quantization", {}).get("layers", [])
    if left := [layer["node"] for layer in layers if layer["excluded"]]:
        door.tell(f"{len(left)} of the nodes stay in float, which rounding would ruin: {', '.join(left[:5])}")


def _pruned(door: Door, result: dict[str, Any]) -> None:
    _version(door, result)
    found = result.get("pruning", {})
    if "operations_after" in found:
        before, after = found["operations_before"] / 1e6, found["operations_after"] / 1e6
        door.tell(f"One row takes {after:,.1f} million operations, {before:,.1f} before.")
    if "compressed_after_bytes" in found:
        before, after = size(found["compressed_before_bytes"]), size(found["compressed_after_bytes"])
        door.tell(f"{percent(found['zeros_after'])} of the weights are 0: {after} when compressed, {before} before.")
        door.tell("As it is stored it is as large as before, and no faster.")


def _converted(door: Door, result: dict[str, Any]) -> None:
    for exporter, why in (result.get("conversion") or {}).get("refused", {}).items():
        door.tell(f"Not written by the {exporter} exporter: {why}")
    if graph := result.get("graph"):
        before, after = (sum(graph[f"operators_{when}"].values()) for when in ("before", "after"))
        found = f"{graph['kept']}: {before} operators became {after}" if graph["kept"] else "No graph was faster"
        speeds = [f"{one['name']} {one['speed']:.2f}" for one in graph["candidates"] if one["speed"]]
        door.tell(f"{found}. Times as fast as exported: {', '.join(speeds) or 'not measured'}.")
    _version(door, result)


def _show_accuracy(door: Door, version: Version) -> None:
    metrics = version.metrics
    for name, called in MAIN_METRICS.items():
        if f"{name}_before" in metrics:
            before, after = percent(metrics[f"{name}_before"]), percent(metrics[name])
            door.out.print(f"{called} on held-out rows: {before} before training, {after} after.")
        if f"{name}_difference" in metrics:
            low, high = metrics[f"{name}_difference_low"], metrics[f"{name}_difference_high"]
            interval = Interval(value=metrics[f"{name}_difference"], low=low, high=high)
            door.out.print(f"{called} against {version.lineage.parent}: {points(interval)}.")


def _suggest_after(door: Door, version: Version) -> None:
    if version.facts is not None and version.facts.note:
        door.out.print(printable(version.facts.note), soft_wrap=True)
        door.suggest("See all that is known of it", f"models show {version.ref}")
    elif version.format is Format.onnx and version.lineage.step == "converted":
        door.suggest("Make it smaller", f"quantize {version.ref}")
    elif version.format is Format.onnx and version.lineage.step == "quantized":
        served = f"{version.lineage.parent} {version.ref}"
        door.suggest("Serve both", f"serve {served} --name {version.model} --split 50,50")
    elif version.format is Format.onnx:
        door.suggest("Serve it", f"serve {version.ref} --name {version.model}")
    elif version.lineage.step == "fine-tuned" or (version.lineage.step in ("distilled", "pruned") and version.metrics):
        door.suggest("Convert it", f"convert {version.ref}")
    else:
        door.suggest("Fine-tune it", f"finetune {version.ref} --dataset DATASET --name NAME")


def _sweep(door: Door, result: dict[str, Any]) -> None:
    from jupyter_modeldeploy.cli import sweep_page

    sweep_page.show(door, SweepResult.model_validate(result))
    if result["version"]:
        _version(door, result)


def _optimized(door: Door, result: dict[str, Any]) -> None:
    from jupyter_modeldeploy.cli import optimization_page
    from jupyter_modeldeploy.records.optimizations import Optimization

    optimization_page.show(door, Optimization.model_validate(result))


def _trial(door: Door, result: dict[str, Any]) -> None:
    door.out.print(f"{result['state'].capitalize()}: {result['metric']} {result['value']:.4g} on validation rows.")


def _dataset(door: Door, result: dict[str, Any]) -> None:
    dataset = door.workspace.datasets.get(result["dataset"])
    classes = f", classes {', '.join(dataset.classes)}" if dataset.classes else ""
    told = f"Made {dataset.ref}: {dataset.rows:,} rows for {dataset.task}{classes}"
    door.out.print(printable(told), soft_wrap=True)
    for warning in dataset.report.warnings if dataset.report else []:
        door.out.print(printable(warning), style="yellow", soft_wrap=True)
    door.suggest("Learn from it", f"finetune MODEL --dataset {dataset.ref} --name NAME")


def _evaluation(door: Door, result: dict[str, Any]) -> None:
    report = EvaluationReport.model_validate(result["evaluation"])
    evaluation_page.show(door, report, before=result.get("against", "Before"))
    if "against" in result and (difference := report.metrics[0].difference) is not None:
        door.out.print()
        door.out.print(f"{result['version']} against {result['against']}: {points(difference)}.")


def points(difference: Interval) -> str:
    """A difference of two shares, in percentage points with its interval."""
    value, low, high = (100 * end for end in (difference.value, difference.low, difference.high))
    return f"{value:+.2f} percentage points ({100 * difference.level:.0f} % interval {low:+.2f} to {high:+.2f})"


def _profile(door: Door, result: dict[str, Any]) -> None:
    from jupyter_modeldeploy.cli import profile_page

    profile_page.show(door, Profile.model_validate(result["profile"]))


def _load(door: Door, result: dict[str, Any]) -> None:
    from jupyter_modeldeploy.cli import profiling

    profiling.show(door, LoadReport.model_validate(result["load"]))


def _service_report(door: Door, result: dict[str, Any]) -> None:
    from jupyter_modeldeploy.cli import profiling
    from jupyter_modeldeploy.records.service_reports import ServiceReport

    profiling.show_report(door, ServiceReport.model_validate(result["service_report"]))


def operators_table(operators: Sequence[OperatorTime], title: str) -> Table:
    rows = table("Operator", "Type", ">Share", ">Time (ms)", ">Calls", title=title)
    for operator in operators[:TOP_OPERATORS]:
        name, kind = printable(operator.name), printable(operator.type)
        rows.add_row(name, kind, percent(operator.share), f"{operator.time_ms:.3f}", f"{operator.calls:g}")
    return rows


def _comparison(door: Door, result: dict[str, Any]) -> None:
    experiment = Experiment.model_validate(result["experiment"])
    title = f"{experiment.candidate} against {experiment.base} on {experiment.service or result['dataset']}"
    door.out.print(metrics_table(experiment.metrics, title))
    door.out.print(experiment.verdict, style="bold")


def _live(door: Door, result: dict[str, Any]) -> None:
    from jupyter_modeldeploy.cli import experiment_page

    experiment_page.shown(door, Experiment.model_validate(result["experiment"]))


def metrics_table(metrics: Sequence[MetricComparison], title: str) -> Table:
    """With p-values where there are any; they count how many metrics there are, as the verdicts do."""
    judged = any(metric.p_value is not None for metric in metrics)
    levels = [metric.difference.level for metric in metrics if metric.difference is not None]
    level = min(levels, default=0.95)  # what needs no estimate, as a size, is at 100 %
    columns = [f">{100 * level:g} % interval", *([">p"] if judged else [])]
    rows = table("Metric", ">Base", ">Candidate", ">Difference", *columns, "Verdict", title=title)
    for metric in metrics:
        difference = metric.difference
        figures = ["" if figure is None else f"{figure:.4g}" for figure in (metric.base, metric.candidate)]
        told = ["", ""] if difference is None else [f"{difference.value:+.3g}", _ends(difference)]
        told += ["" if metric.p_value is None else p_value(metric.p_value)] if judged else []
        rows.add_row(metric.metric, *figures, *told, metric.verdict if difference else printable(metric.note))
    return rows


def _ends(interval: Interval) -> str:
    return f"{interval.low:+.3g} to {interval.high:+.3g}"


def _installed(door: Door, result: dict[str, Any]) -> None:
    for one in result["installed"]:
        before = f" in place of {one['before']}" if one["before"] else ""
        door.out.print(printable(f"Installed {one['name']} {one['version']}{before}"), soft_wrap=True)
    if not result["installed"]:
        door.out.print("All is there already.")
    if result["kernel"]:
        door.tell(f"The kernel {result['kernel']} has it, with the Python {result['python']}")


VIEWS: dict[str, Callable[[Door, dict[str, Any]], None]] = {
    "fetch": _version,
    "finetune": _version,
    "sweep": _sweep,
    "trial": _trial,
    "optimize": _optimized,
    "convert": _converted,
    "quantize": _quantized,
    "distil": _version,
    "prune": _pruned,
    "dataset": _dataset,
    "evaluate": _evaluation,
    "profile": _profile,
    "load": _load,
    "service-report": _service_report,
    "compare": _comparison,
    "compare-offline": _comparison,
    "experiment": _live,
    "requirements": _installed,
}
