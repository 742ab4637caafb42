"""A function written in Python, as a version of a model."""

from __future__ import annotations

from platform import python_version

from jupyter_modeldeploy import functions
from jupyter_modeldeploy.errors import Conflict
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step, Version
from jupyter_modeldeploy.store import Store

TASK = "function"


def define(store: Store, name: str, source: str) -> Version:
    """The version with this source; see `Models.define`."""
    function = functions.read(source)
    store.models.check_name(name)
    former = store.versions.list(name)
    if former and former[-1].format is not Format.python:
        raise Conflict(f"{name!r} is a model for {former[-1].task}, and no function.", "Choose another name.")
    with store.artifacts.staging() as staging:
        folder = staging / "files"
        folder.mkdir()
        function.write(folder, source)
        if former and former[-1].files == store.artifacts.seal(folder):
            return former[-1]
        lineage = Lineage(step=Step.defined, parameters={"function": str(function), "python": python_version()})
        new = NewVersion(model=name, format=Format.python, task=TASK, lineage=lineage, signature=function.signature)
        return store.versions.add(new, folder)
