"""Install what a version's repository asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.records import Version
from jupyter_modeldeploy.store import Store

Environment = Literal["kernel", "separate"]
Allowed = Literal["index", "url", "vcs", "path", "option", "source"]


class RequirementsParameters(Parameters):
    version: str = Field(description="the version whose requirements.txt is read: NAME, NAME@3 or NAME@alias")
    into: Environment = Field(
        default="kernel", description="the environment that asks, or a separate one with a Jupyter kernel of its own"
    )
    allow: list[Allowed] = Field(
        default_factory=list, description="what is trusted in spite of reaching outside: index, url, vcs, path, option"
    )


def separate_folder(store: Store, version: Version) -> Path:
    """Where the version's separate environment is, or would be."""
    return store.root / "environments" / f"{version.model}-{version.number}"


def run(context: Context) -> dict[str, Any]:
    import sys

    from jupyter_modeldeploy.errors import Unavailable
    from jupyter_modeldeploy.requirements import environment, installing
    from jupyter_modeldeploy.requirements.reading import read

    parameters: RequirementsParameters = context.parameters
    store = context.store
    version = store.versions.get(parameters.version)
    lines = read(store.versions.path(version), parameters.allow)
    separate = parameters.into == "separate"
    pinned = {} if separate else environment.own_stack()
    installing.check(lines, pinned)
    if store.settings.offline:
        raise Unavailable("Nothing is installed while offline.", "Unset JUPYTER_MODELDEPLOY_OFFLINE.")
    folder = separate_folder(store, version)
    python = environment.make_separate(folder) if separate else Path(sys.executable)
    installed = environment.installed_for(python)
    changes = installing.install(
        python, lines, pinned, installed, context.reporter, parameters.allow, store.settings.pip_index
    )
    kernel = _register(python, version) if separate else None
    return {
        "version": version.ref,
        "python": str(python),
        "kernel": kernel,
        "installed": [change.model_dump() for change in changes],
    }


def _register(python: Path, version: Version) -> str:
    """A Jupyter kernel of that environment; gives its name."""
    from jupyter_modeldeploy.requirements import environment

    name = f"{version.model}-{version.number}".lower()
    display = f"{version.ref} (requirements)"
    environment.run(python, "-m", "ipykernel", "install", "--user", "--name", name, "--display-name", display)
    return name


KIND = Kind("requirements", RequirementsParameters, lambda p: f"Install what {p.version} requires", run, leases=False)
