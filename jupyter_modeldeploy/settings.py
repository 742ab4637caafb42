"""Settings, read from the environment. `docs/settings.md` lists each; a test fails when one is missing there."""

from __future__ import annotations

import os
import pwd
import tempfile
from contextvars import ContextVar
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from jupyter_modeldeploy.errors import InvalidInput, from_os_error

PREFIX = "JUPYTER_MODELDEPLOY_"
PARALLEL_DOWNLOADS = 8
ACTING: ContextVar[str | None] = ContextVar("acting", default=None)
"""Whom a door knows to act just now, where that may be another than the owner, as on a server that is shared."""


class Settings:
    """Where the workspace lives and how it behaves. Every attribute can be set as `JUPYTER_MODELDEPLOY_<NAME>`."""

    names: ClassVar[tuple[str, ...]] = (
        "ROOT",
        "OWNER",
        "PIP_INDEX",
        "OFFLINE",
        "ALLOWED_HOSTS",
        "BANDWIDTH",
        "PARALLEL_DOWNLOADS",
        "SHARED_CACHE",
    )

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        self._root = root

    @cached_property
    def root(self) -> Path:
        """`JUPYTER_MODELDEPLOY_ROOT`, else `<jupyter data dir>/modeldeploy`; made private (0700) to its owner."""
        chosen = self._root or os.environ.get(PREFIX + "ROOT")
        if not chosen:
            from jupyter_core.paths import jupyter_data_dir

            chosen = Path(jupyter_data_dir()) / "modeldeploy"
        path = Path(chosen).expanduser().absolute()
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
        except FileExistsError as error:
            raise InvalidInput(f"The root {path} is a file.", f"Set {PREFIX}ROOT to a folder.") from error
        except OSError as error:
            raise from_os_error(error, f"making the root {path}") from error
        return path

    @property
    def person(self) -> str:
        """Who acts just now: whom the door knows, else the owner."""
        return ACTING.get() or self.owner

    @property
    def owner(self) -> str:
        """Who owns what is made: `JUPYTER_MODELDEPLOY_OWNER`, else the hub's user, else the account's name."""
        for name in (PREFIX + "OWNER", "JUPYTERHUB_USER", "USER", "LOGNAME"):
            if value := os.environ.get(name):
                return value
        try:
            return pwd.getpwuid(os.getuid()).pw_name
        except KeyError:  # a container's user without an entry
            return str(os.getuid())

    @property
    def pip_index(self) -> str | None:
        """The package index that `pypi:` asks; without it, the one that pip is set up with."""
        return os.environ.get(PREFIX + "PIP_INDEX")

    @property
    def offline(self) -> bool:
        """With `JUPYTER_MODELDEPLOY_OFFLINE=1` no source asks the network."""
        return os.environ.get(PREFIX + "OFFLINE", "") not in ("", "0", "false")

    @property
    def allowed_hosts(self) -> list[str]:
        """What downloads may ask beyond the public internet: host names, HOST:PORT, networks, parted by commas."""
        return [entry.strip() for entry in os.environ.get(PREFIX + "ALLOWED_HOSTS", "").split(",") if entry.strip()]

    @property
    def bandwidth(self) -> int | None:
        """How many bytes per second one fetch may take from the network, over all its connections; None for any number.

        Raises InvalidInput for what is no positive number."""
        return _positive("BANDWIDTH")

    @property
    def parallel_downloads(self) -> int:
        """How many connections one fetch uses at most: for several files, or parts of one. Raises InvalidInput."""
        return _positive("PARALLEL_DOWNLOADS") or PARALLEL_DOWNLOADS

    @property
    def shared_cache(self) -> Path | None:
        """A folder of downloads that several users share."""
        chosen = os.environ.get(PREFIX + "SHARED_CACHE")
        return Path(chosen).expanduser().absolute() if chosen else None

    @property
    def on_temporary_storage(self) -> bool:
        """True where the root lies below the system's temporary folder, which is emptied at restarts."""
        return self.root.resolve().is_relative_to(Path(tempfile.gettempdir()).resolve())


def _positive(name: str) -> int | None:
    value = os.environ.get(PREFIX + name)
    if not value:
        return None
    try:
        number = int(value)
    except ValueError:
        number = 0
    if number < 1:
        raise InvalidInput(f"{PREFIX}{name}={value!r} is no positive whole number.", "Correct it or unset it.")
    return number
