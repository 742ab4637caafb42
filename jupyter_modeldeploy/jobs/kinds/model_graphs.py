"""The graph that a profile ran, in the folder of its job: of a large model it is too much for the job's row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_modeldeploy.errors import NotFound
from jupyter_modeldeploy.records import Job
from jupyter_modeldeploy.records.graphs import ModelGraph
from jupyter_modeldeploy.records.profiles import Profile
from jupyter_modeldeploy.records.service_reports import ServiceReport

FILE = "graph.json"


def keep(folder: Path, graph: ModelGraph | None) -> None:
    if graph is not None:
        (folder / FILE).write_text(graph.model_dump_json(exclude_defaults=True), encoding="utf-8")


def kept(folder: Path, job: Job) -> tuple[Profile | ServiceReport, ModelGraph]:
    """What a profile or a whole report found, and the graph that it ran. Raises NotFound where there is none."""
    result: dict[str, Any] = job.result or {}
    if job.kind == "profile" and result:
        found: Profile | ServiceReport = Profile.model_validate(result["profile"])
    elif job.kind == "service-report" and result:
        found = ServiceReport.model_validate(result["service_report"])
    else:
        raise NotFound(f"The job {job.id} has profiled no model.", "Profile a version or a service first.")
    if found.run is None or found.run.graph_nodes is None:
        raise NotFound(
            f"What runs {found.version} has no graph that could be drawn.",
            f"Convert it, and profile what comes of it: modeldeploy convert {found.version} --target onnx.",
        )
    return found, ModelGraph.model_validate_json((folder / FILE).read_bytes())
