"""Capabilities plug in by entry points; our own use the same door as anyone else's."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from jupyter_modeldeploy.errors import NotFound, Unavailable


@cache
def available(group: str) -> dict[str, EntryPoint]:
    """The plugins of `jupyter_modeldeploy.<group>` by name."""
    return {point.name: point for point in entry_points(group=f"jupyter_modeldeploy.{group}")}


@cache
def load(group: str, name: str) -> Any:
    """The object that plugin `name` of `group` names.

    Raises NotFound when no such plugin is installed, Unavailable when a package that it needs is missing."""
    points = available(group)
    if name not in points:
        raise NotFound(f"No plugin {name!r} among the {group}.", f"Installed: {', '.join(sorted(points)) or 'none'}.")
    try:
        return points[name].load()
    except ImportError as error:
        hint = f"pip install {error.name}" if isinstance(error, ModuleNotFoundError) else "Is its package up to date?"
        raise Unavailable(f"The {group} plugin {name!r} cannot be imported: {error}.", hint) from error
