"""`modeldeploy profile`: a version through a service, or load on a service or any other endpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from jupyter_modeldeploy.cli import completion
from jupyter_modeldeploy.cli.command import answered, command, late_command, option
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.operation import DETACH, finish
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.records import Interval, Job
    from jupyter_modeldeploy.records.loads import LoadReport
    from jupyter_modeldeploy.records.profiles import Grouping
    from jupyter_modeldeploy.records.service_reports import ServiceReport
    from jupyter_modeldeploy.reporting.load import LoadPage

JOB = Annotated[str, typer.Argument(help="a job of a load or a profile", autocompletion=completion.jobs)]
VERSION = Annotated[
    str | None,
    typer.Argument(
        help="a version whose operators and memory to measure too; without, only the load is put on",
        autocompletion=completion.versions,
    ),
]
REQUESTS = Annotated[
    int | None, typer.Option("--requests", help="with a VERSION: requests in turn, and again at once; 300")
]
THREADS = Annotated[int | None, typer.Option("--threads", min=1, help="with a VERSION: processor threads of a run; 1")]
TRACE = Annotated[
    Path | None,
    typer.Option("--trace", help="with a VERSION: write a run to this file, as Perfetto and chrome://tracing read it"),
]
OUT = Annotated[
    Path | None, typer.Option("--out", help="with a VERSION: write what was found to this file: .html, .json or .csv")
]
GRAPH = Annotated[
    Path | None,
    typer.Option("--graph", help="write the model's graph, with the time of each node, to this file as a page (.html)"),
]
CHECK = Annotated[
    Path | None,
    typer.Option("--check", help="hold what was measured against this budget (TOML); the exit status is 1 beyond it"),
]
COMPARE = Annotated[
    str | None,
    typer.Option("--compare", metavar="JOB[,JOB]", help="put it beside these earlier jobs; of two or more, alone"),
]
ADVICE = Annotated[
    bool,
    typer.Option("--advice", help="the whole report of a --service: where the time goes, and what makes it faster"),
]
OPERATORS = Annotated[
    bool,
    typer.Option(
        "--operators",
        help="with a --service: instead of a load the operators and memory of what it serves, measured beside it",
    ),
]
OF_A_VERSION = {"service", "dataset", "concurrency"}


def add_to(app: typer.Typer) -> None:
    late_command(
        app,
        "profile",
        "Measure how a service, or any endpoint, answers under load: latency, throughput, and where the knee is.\n\n"
        "Closed loop (--concurrency), open loop (--rate) or a recorded trace (--replay). With a VERSION: its costliest "
        "operators, its memory and, with a --service, its latency through that.",
        "modeldeploy profile --service reviews-api --duration 60s --concurrency 1,2,4,8",
        _build,
    )
    command(app, "profile-report", "modeldeploy profile-report 4f1d2c3b5a69 --out report.html")(report)


def _build() -> Callable[..., None]:
    from jupyter_modeldeploy.cli import profile_figures
    from jupyter_modeldeploy.cli.options import fields_from, parameters_of
    from jupyter_modeldeploy.jobs.kinds.load import LoadParameters
    from jupyter_modeldeploy.jobs.kinds.service_report import ServiceReportParameters
    from jupyter_modeldeploy.records import profiles

    by = Annotated[
        profiles.Grouping, typer.Option("--by", help="with a VERSION: what its operators are put together by")
    ]
    settings = parameters_of(LoadParameters)
    defaults = {each.name: each.default for each in settings}
    of_advice = ServiceReportParameters.model_fields.keys()

    def profile(
        door: Door,
        version: str | None,
        requests: int | None,
        threads: int | None,
        operators: bool,
        by: Grouping,
        trace: Path | None,
        out: Path | None,
        graph: Path | None,
        advice: bool,
        check: Path | None,
        compare: str | None,
        detach: bool,
        **values: Any,
    ) -> None:
        own = {name: value for name, value in {"requests": requests, "threads": threads}.items() if value is not None}
        given = {name: value for name, value in values.items() if value != defaults[name]}
        if check is not None and detach:
            raise typer.BadParameter("--check waits for what it checks: leave --detach out.")
        earlier = compare.split(",") if compare else []
        if earlier and not given and version is None:
            return profile_figures.compare(door, earlier)
        after = profile_figures.after(door, earlier, check)
        if advice:
            _refuse({**own, "version": version, "trace": trace, "out": out}, "without --advice only")
            _refuse({name: value for name, value in given.items() if name not in of_advice}, "of a load alone")
            job = door.call("report_service", **fields_from(LoadParameters, given))
            finish(door, job.id, detach)
            if not detach:
                _write_graph(door, job.id, graph)
            return after(job.id)
        if version is None and not operators:
            _refuse({**own, "trace": trace, "out": out, "graph": graph}, "with a VERSION or --operators only")
            job = door.call("profile_service", **fields_from(LoadParameters, values))
            finish(door, job.id, detach)
            return after(job.id)
        _refuse({name: value for name, value in given.items() if name not in OF_A_VERSION}, "of a load alone")
        if version is None:
            if "service" not in given:
                raise typer.BadParameter("--operators wants a VERSION, or the --service that serves it.")
            job = door.workspace.services.profile_operators(given.pop("service"), **given, **own).job
        else:
            job = door.call("profile_model", version=version, beside=operators, **given, **own)
        finish(door, job.id, detach, lambda door, job: _show_version(door, job, by))
        if not detach:
            _write(door, job.id, trace, out)
            _write_graph(door, job.id, graph)
        after(job.id)

    own = [
        option("requests", REQUESTS, None),
        option("threads", THREADS, None),
        option("operators", OPERATORS, False),
        option("by", by, "operator"),
        option("trace", TRACE, None),
        option("out", OUT, None),
        option("graph", GRAPH, None),
        option("advice", ADVICE, False),
        option("check", CHECK, None),
        option("compare", COMPARE, None),
        option("detach", DETACH, False),
    ]
    return answered(profile, [option("version", VERSION, None), *settings, *own])


def _refuse(given: dict[str, Any], why: str) -> None:
    if foreign := [f"--{name.replace('_', '-')}" for name, value in given.items() if value is not None]:
        raise typer.BadParameter(f"{', '.join(sorted(foreign))}: {why}.")


def _show_version(door: Door, job: Job, by: Grouping) -> None:
    from jupyter_modeldeploy.cli import profile_page

    profile_page.show(door, door.workspace.models.profile_of(job.id), by)


def _write(door: Door, job: str, trace: Path | None, out: Path | None) -> None:
    from jupyter_modeldeploy.profiling import export

    profile = door.workspace.models.profile_of(job)
    if trace is not None:
        export.write_trace(profile, trace)
        door.tell(f"A run for https://ui.perfetto.dev: {trace}")
    if out is not None:
        profile.write(out) if out.suffix == ".html" else export.write(profile, out)
        door.tell(f"The profile: {out}")


def _write_graph(door: Door, job: str, graph: Path | None) -> None:
    if graph is not None:
        door.tell(f"The graph: {door.workspace.jobs.graph(job).write(graph)}")


def report(
    door: Door,
    job: JOB,
    out: Annotated[
        Path | None, typer.Option("--out", help="write it to this file: HTML, or .json, or of a whole report .md")
    ] = None,
    graph: GRAPH = None,
    check: CHECK = None,
    compare: COMPARE = None,
) -> None:
    """Show what a load, a profile or a whole report found, write it as one page, hold it against a budget or beside
    others."""
    from jupyter_modeldeploy.cli import profile_figures

    measured = door.workspace.jobs.get(job).job
    if measured.kind == "profile":
        _show_version(door, measured, "operator")
        _write(door, job, None, out)
    else:
        _report_service(door, measured, out)
    _write_graph(door, job, graph)
    profile_figures.after(door, compare.split(",") if compare else [], check)(job)


def _report_service(door: Door, measured: Job, out: Path | None) -> None:
    from jupyter_modeldeploy.reporting.service import ServicePage

    services, job = door.workspace.services, measured.id
    page: LoadPage | ServicePage
    if measured.kind == "service-report":
        door.show(door.call("get_service_report", id=job), show_report)
        page = services.report_page(job)
    else:
        door.show(door.call("get_load_report", id=job), show)
        page = services.load_report(job)
    if out is not None:
        if out.suffix == ".md" and isinstance(page, ServicePage):
            out.write_text(page.markdown(), encoding="utf-8")
        elif out.suffix == ".json":
            out.write_text(page.model_dump_json(indent=2), encoding="utf-8")
        else:
            page.write(out)
        door.tell(f"The report: {out}")


def show_report(door: Door, found: ServiceReport) -> None:
    show(door, found.load)
    door.out.print()
    parts = table("Part", ">Mean (ms)", ">Share", title=f"The mean request at {found.concurrency} connections")
    for part in found.parts:
        parts.add_row(part.name, f"{part.mean_ms:,.3g}", f"{part.share:.0%}")
    door.out.print(parts)
    door.out.print()
    door.out.print(printable(found.summary), style="bold", soft_wrap=True)
    for number, advice in enumerate(found.advice, 1):
        gain = advice.speed_up
        title = f"{number}. {advice.title}: {gain.value:.3g}× ({gain.low:.3g}–{gain.high:.3g})"
        door.tell(f"{title}. {advice.evidence} {advice.caution}".rstrip())
        for line in advice.action.commands:
            door.out.print(f"   {line}", style="cyan", soft_wrap=True)
        if advice.action.how:
            door.tell(f"   {advice.action.how}")
    for trial in found.trials:
        if not trial.kept:
            door.tell(f"Tried without gain: {trial.title}. {trial.why}")


def show(door: Door, found: LoadReport) -> None:
    what = {"concurrency": "Connections", "rate": "Rate", "trace": "Trace"}[found.mode]
    title = f"Answers of {found.service or found.url} (ms, 95 % interval)"
    rows = table(f">{what}", ">Requests/s", ">p50", ">p99", ">p99.9", ">Naive p99", ">Errors", "Stable", title=title)
    for index, step in enumerate(found.steps):
        naive = step.naive.p99
        rows.add_row(
            f"{step.label}{' *' if index == found.recommended else ''}",
            f"{step.throughput_rps:,.4g}",
            *(_told(each) for each in (step.latency.p50, step.latency.p99, step.latency.p99_9)),
            "" if naive is None else f"{naive.value:,.3g}",
            f"{step.failed:,}",
            "yes" if step.stable else "no",
        )
    door.out.print(rows)
    door.out.print()
    for step in found.steps:
        for reason, count in step.errors.items():
            door.tell(printable(f"{step.label}: {count:,} failed: {reason}"))
    _show_stages(door, found)
    door.tell(printable(f"{found.advice} Sent: {found.sent}."))
    for note in found.notes:
        door.tell(printable(note))


def _show_stages(door: Door, found: LoadReport) -> None:
    if not any(len(step.stages) > 1 for step in found.steps):
        return
    from jupyter_modeldeploy.records.loads import StageName

    names = get_args(StageName)
    rows = table("", *(f">{name}" for name in names), title="Where the mean request's time goes (ms)")
    for step in found.steps:
        means: dict[str, str] = {stage.name: f"{stage.mean_ms:,.3g}" for stage in step.stages}
        rows.add_row(step.label, *(means.get(name, "") for name in names))
    door.out.print(rows)


def _told(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.value:,.3g} ({interval.low:,.3g}–{interval.high:,.3g})"
