"""What the shell offers when Tab is pressed: the names in the workspace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from jupyter_modeldeploy.errors import ModelDeployError

if TYPE_CHECKING:
    from jupyter_modeldeploy.workspace import Workspace


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(ctx, incomplete, lambda workspace: [model.name for model in workspace.models.list()])


def versions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Each version as `name@3` and each alias as `name@production`."""

    def refs(workspace: Workspace) -> list[str]:
        aliases = [f"{model.name}@{alias}" for model in workspace.models.list() for alias in model.aliases]
        return [version.ref for version in workspace.models.versions()] + aliases

    return _matching(ctx, incomplete, refs)


def named(ctx: typer.Context, incomplete: str) -> list[str]:
    """Models, and their versions once there is an @."""
    return versions(ctx, incomplete) if "@" in incomplete else models(ctx, incomplete)


def datasets(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(ctx, incomplete, lambda workspace: [dataset.name for dataset in workspace.datasets.list()])


def jobs(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(ctx, incomplete, lambda workspace: [job.id for job in workspace.jobs.list()])


def services(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(ctx, incomplete, lambda workspace: [service.name for service in workspace.services.list()])


def experiments(ctx: typer.Context, incomplete: str) -> list[str]:
    return _matching(ctx, incomplete, lambda workspace: [one.id for one in workspace.experiments.list()])


def _matching(ctx: typer.Context, incomplete: str, names: Callable[[Workspace], list[str]]) -> list[str]:
    from jupyter_modeldeploy.workspace import Workspace

    logging.disable(logging.WARNING)  # the shell shows stderr in the middle of the line that is typed
    try:
        workspace = Workspace(ctx.find_root().params.get("root"))
        try:
            return sorted({name for name in names(workspace) if name.startswith(incomplete)})
        finally:
            workspace.close()
    except ModelDeployError:  # a workspace that cannot be read offers nothing; the command itself will say why
        return []
