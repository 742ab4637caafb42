"""Versions that need not be made again."""

from __future__ import annotations

from jupyter_modeldeploy.jobs.context import Context
from jupyter_modeldeploy.records import Lineage, Version


def known_version(context: Context, model: str, lineage: Lineage, reuse: bool) -> Version | None:
    """The version that this very job registered before it was killed, or, with `reuse`, the newest one that was made by
    the same step from the same things."""
    versions = context.store.versions
    return versions.made_by(model, context.job_id) or (versions.find(model, lineage) if reuse else None)
