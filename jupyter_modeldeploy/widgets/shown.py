"""What the façade gives back, as a panel of its workspace, with a table for whoever cannot show panels."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from jupyter_modeldeploy.amounts import measured, percent, size
from jupyter_modeldeploy.errors import NotFound, Unavailable
from jupyter_modeldeploy.records import Experiment, Job, Model, Service, Version
from jupyter_modeldeploy.widgets.panel import Panel
from jupyter_modeldeploy.widgets.panels import JobPanel, ModelsPanel, ReportPanel, ServicePanel
from jupyter_modeldeploy.workspace import JobHandle, Workspace

log = logging.getLogger(__name__)

Kept = Experiment | Job | Model | Service | Version
Shown = Kept | JobHandle


def bundle(shown: Shown) -> dict[str, Any]:
    """The panel and its fallback by their media types, the fallback alone for what no open workspace holds."""
    try:
        made = _panel(shown)
    except Unavailable as error:
        log.warning("%s", error)
        made = None
    parts = {} if made is None else made.media()
    return parts if isinstance(shown, JobHandle) else {**parts, "text/html": table(_facts(shown))}


def table(facts: Mapping[str, str]) -> str:
    """A table in HTML, a row for each fact that there is."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts.items() if value
    )
    return f"<table>{rows}</table>"


def _panel(shown: Shown) -> Panel | None:
    match shown:
        case JobHandle():
            return _made(JobPanel, shown.id, lambda workspace: workspace.store is shown._store)
        case Job():
            return _made(JobPanel, shown.id, _holds(shown, lambda workspace: workspace.jobs.get(shown.id).job))
        case Experiment():
            held = _holds(shown, lambda workspace: workspace.experiments.get(shown.id))
            return _made(lambda key, holder: ReportPanel(experiment=key, workspace=holder), shown.id, held)
        case Service():
            return _made(ServicePanel, shown.name, _holds(shown, lambda workspace: workspace.services.get(shown.name)))
        case Model():
            return _made(ModelsPanel, shown.name, _holds(shown, lambda workspace: workspace.models.get(shown.name)))
        case Version():
            return _made(ModelsPanel, shown.model, _holds(shown, lambda workspace: workspace.models.version(shown.ref)))


def _made(panel: Callable[[str, Workspace], Panel], key: str, held: Callable[[Workspace], bool]) -> Panel | None:
    """The panel that shows `key`, over the open workspace that holds it: a record itself does not say whose it is."""
    holder = next((workspace for workspace in Workspace.opened() if held(workspace)), None)
    return None if holder is None else panel(key, holder)


def _holds(shown: Kept, read: Callable[[Workspace], Kept]) -> Callable[[Workspace], bool]:
    """Whether a workspace has the same, by what it reads under its name."""

    def holds(workspace: Workspace) -> bool:
        try:
            return read(workspace).created_at == shown.created_at
        except NotFound:
            return False

    return holds


def _facts(shown: Kept) -> dict[str, str]:
    match shown:
        case Job():
            ended = shown.error.message if shown.error else ""
            return {"Job": shown.title, "State": str(shown.state), "Error": ended}
        case Experiment():
            return {
                "Experiment": f"{shown.candidate} against {shown.base}",
                "State": shown.outcome,
                "Verdict": shown.verdict,
            }
        case Service():
            return {
                "Service": shown.name,
                "State": str(shown.state),
                "Address": shown.url or "",
                "Serves": _serves(shown),
            }
        case Model():
            aliases = ", ".join(f"{alias} @{number}" for alias, number in shown.aliases.items())
            latest = f"@{shown.latest}" if shown.latest else "none yet"
            return {"Model": shown.name, "Task": shown.task, "Latest version": latest, "Aliases": aliases}
        case Version():
            metrics = ", ".join(f"{name} {measured(name, value)}" for name, value in shown.metrics.items())
            said = shown.deprecated.reason if shown.deprecated else ""
            facts = {"Version": shown.ref, "Format": shown.format, "Size": size(shown.size_bytes), "Metrics": metrics}
            return {**facts, "Deprecated": said}


def _serves(service: Service) -> str:
    shares = []
    for model in service.spec.models:
        total = sum(arm.weight for arm in model.arms)
        shares += [f"{model.model}@{arm.version} {percent(arm.weight / total)}" for arm in model.arms]
    return ", ".join(shares)
