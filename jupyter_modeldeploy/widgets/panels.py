"""The panels: what each shows first, and the traits by which cells hear what is selected."""

from __future__ import annotations

from typing import Any, ClassVar

from traitlets import Unicode

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.widgets.panel import Panel, default_workspace
from jupyter_modeldeploy.workspace import Workspace


class PagesPanel(Panel):
    """A panel in which pages are opened. `model`, `job` and `service` tell which is open by its name or id, '' else; to
    set one opens its page."""

    selects: ClassVar[dict[str, tuple[str, str]]] = {
        "model": ("model", "name"),
        "job": ("job", "id"),
        "service": ("service", "name"),
    }
    model = Unicode()
    job = Unicode()
    service = Unicode()


class ModelsPanel(PagesPanel):
    """Searches the hubs, fetches models and shows their versions; the page of `model`, where it is told one."""

    def __init__(self, model: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        super().__init__(workspace, home={"view": "models"}, model=model, **traits)


class JobPanel(PagesPanel):
    """Shows the jobs; the curves, the log and the result of `job`, where it is told the id of one."""

    def __init__(self, job: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        super().__init__(workspace, home={"view": "jobs"}, job=job, **traits)


class ServicePanel(PagesPanel):
    """Serves versions and shows the services; the traffic and the load of `service` and a box to try it, where it is
    told one."""

    def __init__(self, service: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        super().__init__(workspace, home={"view": "services"}, service=service, **traits)


class FineTunePanel(PagesPanel):
    """The form that fine-tunes `base` (`minilm`, `minilm@1`) on `dataset` (`sentences`), each '' to choose it there;
    then the page of the job that was started, which the trait `job` tells. Raises NotFound for what is not there."""

    def __init__(self, base: str = "", dataset: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        held = workspace or default_workspace()
        told = _known(held, base=base, dataset=dataset)
        super().__init__(held, home={"page": "finetune", **told}, **traits)


class OptimizePanel(PagesPanel):
    """The form that searches for the best form of `version` (`minilm`, `minilm@1`), '' to choose it there; then the
    page of the job that was started, which the trait `job` tells. Raises NotFound for what is not there."""

    def __init__(self, version: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        held = workspace or default_workspace()
        super().__init__(held, home={"page": "optimize", **_known(held, version=version)}, **traits)


class DevicesPanel(PagesPanel):
    """Shows the processors with their use and memory, who holds each and who waits."""

    def __init__(self, workspace: Workspace | None = None, **traits: Any) -> None:
        super().__init__(workspace, home={"view": "devices"}, **traits)


class ReportPanel(Panel):
    """What a job found (`job`, its id), what an experiment finds as it goes (`experiment`, its id), how good a version
    is on held-out rows (`version`, `minilm@2`), or what is in a dataset (`dataset`, `sentences`). Raises InvalidInput
    unless it is told one of them, and NotFound for what is not there."""

    def __init__(
        self,
        *,
        job: str = "",
        experiment: str = "",
        version: str = "",
        dataset: str = "",
        workspace: Workspace | None = None,
        **traits: Any,
    ) -> None:
        told = [name for name in (job, experiment, version, dataset) if name]
        if len(told) != 1:
            raise InvalidInput(
                f"A report is about one thing, not {len(told)}.", "Say job=, experiment=, version= or dataset=."
            )
        held = workspace or default_workspace()
        subject = _known(held, job=job, experiment=experiment, version=version, dataset=dataset)
        super().__init__(held, home={"view": "report", **subject}, **traits)


def _known(workspace: Workspace, **named: str) -> dict[str, str]:
    """What is named at all, each as its id or with its number: `minilm@production` as `minilm@3`. Raises NotFound."""
    return {kind: _whole_name(workspace, kind, name) for kind, name in named.items() if name}


def _whole_name(workspace: Workspace, kind: str, name: str) -> str:
    match kind:
        case "job":
            return workspace.jobs.get(name).id
        case "experiment":
            return workspace.experiments.get(name).id
        case "dataset":
            return workspace.datasets.get(name).ref
        case _:
            return workspace.models.version(name).ref
