"""Models and versions with what is derived from them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jupyter_modeldeploy.records import Deprecation, FileEntry, Model, NewVersion, Version
from jupyter_modeldeploy.workspace import Workspace


class VersionSummary(NewVersion):
    """A version with what is derived from it."""

    number: int
    ref: str
    size_bytes: int
    files: list[FileEntry]
    created_at: datetime
    deprecated: Deprecation | None


class ModelSummary(Model):
    versions: list[VersionSummary]


def summary(workspace: Workspace, model: Model) -> ModelSummary:
    versions = [VersionSummary(**derived(version)) for version in workspace.models.versions(model.name)]
    return ModelSummary(**model.model_dump(), versions=versions)


def derived(version: Version) -> dict[str, Any]:
    """The fields of a VersionSummary."""
    return {**version.model_dump(), "ref": version.ref, "size_bytes": version.size_bytes}
