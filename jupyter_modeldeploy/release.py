"""Which version of this package runs."""

from __future__ import annotations

PACKAGE = "jupyter_modeldeploy"

_known: dict[str, str] = {}


def version() -> str:
    """As in `1.2.3`: that of the installed package, or the one of `use`."""
    if PACKAGE not in _known:
        from importlib.metadata import version as installed  # costs 1.6 MB, which a server process need not pay

        _known[PACKAGE] = installed(PACKAGE)
    return _known[PACKAGE]


def use(version: str) -> None:
    """Take what was the `version` in another process, instead of looking for what is installed."""
    _known[PACKAGE] = version
