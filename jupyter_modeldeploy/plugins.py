"""Capabilities plug in by entry points; our own use the same door as anyone else's."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from operator import attrgetter
from typing import Any

from jupyter_modeldeploy.errors import NotFound, Unavailable

_told: dict[str, dict[str, str]] = {}


@cache
def available(group: str) -> dict[str, str]:
    """The plugins of `jupyter_modeldeploy.<group>` by name, each as `module:attribute`."""
    if group in _told:
        return _told[group]
    from importlib.metadata import entry_points  # costs 1.8 MB and 30 ms, which a server process need not pay

    return {point.name: f"{point.module}:{point.attr}" for point in entry_points(group=f"jupyter_modeldeploy.{group}")}


def use(plugins: dict[str, dict[str, str]]) -> None:
    """Take what was `available` in another process for all there is of these groups, instead of looking through what is
    installed. To be called before anything is looked for."""
    _told.update(plugins)


@cache
def load(group: str, name: str) -> Any:
    """The object that plugin `name` of `group` names.

    Raises NotFound when no such plugin is installed, Unavailable when a package that it needs is missing."""
    places = available(group)
    if name not in places:
        raise NotFound(f"No plugin {name!r} among the {group}.", f"Installed: {', '.join(sorted(places)) or 'none'}.")
    module, _, attribute = places[name].partition(":")
    try:
        with _collecting_nothing():
            return attrgetter(attribute)(import_module(module))
    except ImportError as error:
        hint = f"pip install {error.name}" if isinstance(error, ModuleNotFoundError) else "Is its package up to date?"
        raise Unavailable(f"The {group} plugin {name!r} cannot be imported: {error}.", hint) from error


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Without garbage collection: what an import makes stays, and looking through all of it again and again takes a
    sixth of the time that torch and transformers need to be imported."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
