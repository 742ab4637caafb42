"""Bring a model from a source into the store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from jupyter_modeldeploy.jobs.context import Context, Kind, Parameters
from jupyter_modeldeploy.jobs.kinds.reuse import known_version
from jupyter_modeldeploy.records import Lineage, Name, NewVersion, Step, Trust, Verdict, Version
from jupyter_modeldeploy.sources.reference import Selection
from jupyter_modeldeploy.store import Store


class FetchOptions(Selection):
    """What is fetched, whatever it will be called."""

    source: str = Field(
        min_length=1, description="hf:org/name@rev, pypi:package==version#path, file:PATH, https://…; docs/fetching.md"
    )
    trust: bool = Field(
        default=False, description="load it in spite of what is found unsafe; recorded with the version"
    )
    reuse: bool = Field(default=False, description="take the version of that model with the very same files, if any")

    @property
    def selection(self) -> Selection:
        return Selection.model_validate(self.model_dump(include=set(Selection.model_fields)))


class FetchParameters(FetchOptions, Parameters):
    name: Name = Field(description="the model's name in the workspace")


def run(context: Context) -> dict[str, Any]:
    from jupyter_modeldeploy import sources
    from jupyter_modeldeploy.sources import understanding
    from jupyter_modeldeploy.sources.recognise import recognise
    from jupyter_modeldeploy.sources.safety import examine

    parameters: FetchParameters = context.parameters
    store = context.store
    with store.artifacts.staging() as staging:
        fetched = sources.fetch(
            parameters.source, staging / "files", context.reporter, store.settings, parameters.selection
        )
        verdict = _judged(examine(fetched.root), parameters, store)
        recognised = recognise(fetched.root)
        lineage = Lineage(
            step=Step.fetched,
            source=fetched.source,
            parameters=_chosen(parameters),
            job=context.job_id,
        )
        pinned = not fetched.source.startswith("file:")  # a path's content may have changed
        if known := known_version(context, parameters.name, lineage, reuse=pinned):
            return {"version": known.ref, "reused": True}
        if parameters.reuse and (same := _same_files(store, parameters.name, fetched.root, lineage)):
            return {"version": same.ref, "reused": True}
        new = NewVersion(
            model=parameters.name,
            format=recognised.format,
            task=recognised.task,
            lineage=lineage,
            signature=recognised.signature,
            classes=recognised.classes,
            verdict=verdict,
            facts=understanding.facts(fetched.root, recognised),
        )
        version = store.versions.add(new, fetched.root)
    return {"version": version.ref, "reused": False}


def _judged(verdict: Verdict, parameters: FetchParameters, store: Store) -> Verdict:
    """The verdict with the user's word where there was one and it is needed."""
    if not parameters.trust or not verdict.findings:
        return verdict
    trust = Trust(by=store.settings.owner, at=datetime.now(UTC), reason="said when it was fetched")
    return verdict.model_copy(update={"trusted": trust})


def _chosen(parameters: FetchParameters) -> dict[str, Any]:
    """What was asked for beyond the source, which makes another version of the same one."""
    trust = {"trust": True} if parameters.trust else {}
    return {**parameters.selection.model_dump(exclude_defaults=True), **trust}


def _same_files(store: Store, model: str, folder: Path, lineage: Lineage) -> Version | None:
    """The newest version of the model that was fetched with the same choices and holds these very files."""
    files = store.artifacts.seal(folder)
    for version in reversed(store.versions.list(model)):
        made = version.lineage
        if version.files == files and (made.step, made.parameters) == (lineage.step, lineage.parameters):
            return version
    return None


KIND = Kind("fetch", FetchParameters, lambda p: f"Fetch {p.source} as {p.name}", run, leases=False)
