"""The panels: what each shows first, and the traits by which cells hear what is selected."""

from __future__ import annotations

from typing import Any

from traitlets import Unicode

from jupyter_modeldeploy.errors import InvalidInput
from jupyter_modeldeploy.widgets.panel import Panel
from jupyter_modeldeploy.workspace import Workspace

MODEL = {"model": ("model", "name")}
JOB = {"job": ("job", "id")}
SERVICE = {"service": ("service", "name")}


class ModelsPanel(Panel):
    """Searches the hubs, fetches models and shows their versions. `model` is the name of the open one, else ''."""

    selects = MODEL
    model = Unicode()

    def __init__(self, model: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        super().__init__(workspace, home={"view": "models"}, model=model, **traits)


class JobPanel(Panel):
    """Shows the jobs, and of one its curves, log and result. `job` is the id of the open one, else ''."""

    selects = JOB
    job = Unicode()

    def __init__(self, job: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        super().__init__(workspace, home={"view": "jobs"}, job=job, **traits)


class ServicePanel(Panel):
    """Shows the services, and of one its traffic, load and a box to try it. `service` is the name of the open one."""

    selects = SERVICE
    service = Unicode()

    def __init__(self, service: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        super().__init__(workspace, home={"view": "services"}, service=service, **traits)


class FineTunePanel(Panel):
    """The form that fine-tunes `base` (`minilm@1`) on `dataset` (`sentences@1`), each '' to choose it there.

    `job` is the id of the job that is shown, so of the one that was started here, else ''."""

    selects = JOB
    job = Unicode()

    def __init__(self, base: str = "", dataset: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        told = {name: value for name, value in {"base": base, "dataset": dataset}.items() if value}
        super().__init__(workspace, home={"page": "finetune", **told}, **traits)


class OptimizePanel(Panel):
    """The form that searches for the best form of `version` (`minilm@1`), '' to choose it there.

    `job` is the id of the job that is shown, so of the one that was started here, else ''."""

    selects = JOB
    job = Unicode()

    def __init__(self, version: str = "", workspace: Workspace | None = None, **traits: Any) -> None:
        told = {"version": version} if version else {}
        super().__init__(workspace, home={"page": "optimize", **told}, **traits)


class DevicesPanel(Panel):
    """Shows the processors with their use and memory, who holds each and who waits."""

    def __init__(self, workspace: Workspace | None = None, **traits: Any) -> None:
        super().__init__(workspace, home={"view": "devices"}, **traits)


class ReportPanel(Panel):
    """What a job found (`job`, its id), how good a version is on held-out rows (`version`, `minilm@2`), or what is in a
    dataset (`dataset`, `sentences@1`). Raises InvalidInput unless it is told one of them."""

    def __init__(
        self, *, job: str = "", version: str = "", dataset: str = "", workspace: Workspace | None = None, **traits: Any
    ) -> None:
        told = {name: value for name, value in (("job", job), ("version", version), ("dataset", dataset)) if value}
        if len(told) != 1:
            raise InvalidInput(f"A report is about one thing, not {len(told)}.", "Say job=, version= or dataset=.")
        super().__init__(workspace, home={"view": "report", **told}, **traits)
