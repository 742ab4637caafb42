"""Where models and data come from.

A source is a class registered under the entry-point group `jupyter_modeldeploy.sources` by its scheme."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import from_os_error
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources.reference import (
    AS_NEEDED,
    Fetched,
    Reference,
    RemoteFile,
    Resolution,
    Selection,
    parse,
)

if TYPE_CHECKING:
    from jupyter_modeldeploy.sources.transfer.cache import Cache

__all__ = ["Fetched", "Reference", "RemoteFile", "Resolution", "Selection", "Source", "fetch", "parse", "resolve"]


class Source(Protocol):
    """One kind of source. It runs nothing of what it brings. A `local` one needs no network.

    A source whose server the user sets up has `allowed_hosts`, a sequence that names it (a URL or HOST:PORT): it may be
    asked although it is no machine of the public internet. One that knows where else on this machine its files may be
    has `nearby(file)`, and resolves from there when offline; `offline` says that it must not be asked."""

    local: ClassVar[bool]

    def __init__(self, settings: Settings) -> None: ...

    def resolve(self, reference: Reference, selection: Selection) -> Resolution:
        """The exact revision and its files, before the first byte of them.

        Raises InvalidInput for a malformed name, NotFound, NotAuthenticated, Forbidden, Unavailable."""

    def headers(self, url: str) -> dict[str, str]:
        """The HTTP headers that a request for `url` needs, credentials only for the host that they belong to."""

    def place(self, reference: Reference, resolution: Resolution, cache: Cache, into: Path, reporter: Reporter) -> None:
        """Put the wanted files at the top of the empty folder `into`, downloading through `cache`."""


def resolve(
    reference: str,
    settings: Settings,
    selection: Selection = AS_NEEDED,
) -> Resolution:
    """The exact revision that `reference` names and its wanted files, of which no byte is downloaded; offline, as it
    was found before. Raises what `parse` and `Source.resolve` raise."""
    wanted, source, cache = _opened(reference, settings)
    return _resolved(wanted, source, cache, selection)


def fetch(
    reference: str,
    into: Path,
    reporter: Reporter,
    settings: Settings,
    selection: Selection = AS_NEEDED,
) -> Fetched:
    """Bring what `reference` names into the folder `into`, which is made; progress is told in bytes.

    What was downloaded before is taken from the cache; a download that was cut off is resumed. With
    `settings.offline` only the cache is used. Raises what `parse` and `Source.resolve` raise, UnsafeContent for
    files that fail their hash or would escape the folder, StorageFull before the first byte where they cannot fit."""
    wanted, source, cache = _opened(reference, settings)
    resolution = _resolved(wanted, source, cache, selection)
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        source.place(wanted, resolution, cache, into, reporter)
    except OSError as error:
        raise from_os_error(error, f"fetching {wanted}") from error
    return Fetched(into, resolution.source)


def _opened(reference: str, settings: Settings) -> tuple[Reference, Source, Cache]:
    from jupyter_modeldeploy.sources.transfer.cache import Cache  # its HTTP client is a fifth of what most jobs import

    wanted = parse(reference)
    source: Source = plugins.load("sources", wanted.scheme)(settings)
    nearby, offline = getattr(source, "nearby", None), getattr(source, "offline", False)
    return wanted, source, Cache(settings, source.headers, getattr(source, "allowed_hosts", ()), nearby, offline)


def _resolved(wanted: Reference, source: Source, cache: Cache, selection: Selection) -> Resolution:
    return source.resolve(wanted, selection) if source.local else cache.resolve(wanted, selection, source.resolve)
