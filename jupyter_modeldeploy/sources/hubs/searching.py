"""Look for models on a hub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from jupyter_modeldeploy import plugins
from jupyter_modeldeploy.errors import InvalidInput, Unavailable
from jupyter_modeldeploy.records import FoundModel
from jupyter_modeldeploy.settings import Settings
from jupyter_modeldeploy.sources.naming import scheme_of

Sort = Literal["downloads", "likes", "updated", "relevance", "trending"]
MAX_FOUND = 100


def searchable() -> list[str]:
    """The schemes of the installed sources that can search."""
    return [scheme for scheme in sorted(plugins.available("sources")) if _can_search(scheme)]


def search(
    query: str, source: str, task: str | None, sort: Sort, limit: int, settings: Settings
) -> Sequence[FoundModel]:
    """What the hub `source` (`huggingface`, `modelscope` or a scheme) finds for the words of `query`, first by `sort`.

    `task` is one in the hub's own words, such as `text-classification`. Raises InvalidInput for a source that cannot
    search, Unavailable offline or where the hub does not answer."""
    scheme = scheme_of(source)
    if not _can_search(scheme):
        raise InvalidInput(f"{source!r} cannot be searched.", f"Those that can: {', '.join(searchable()) or 'none'}.")
    if settings.offline:
        raise Unavailable("The workspace is offline.", "Unset JUPYTER_MODELDEPLOY_OFFLINE to search.")
    found: Sequence[FoundModel] = plugins.load("sources", scheme)(settings).search(query, task, sort, limit)
    return found


def _can_search(scheme: str) -> bool:
    return hasattr(plugins.load("sources", scheme), "search")
