"""The operations around fetching: what hubs have, and the cache of downloads."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.api.requests import Nothing
from jupyter_modeldeploy.records import FoundModel
from jupyter_modeldeploy.sources.hubs.searching import MAX_FOUND, Sort
from jupyter_modeldeploy.workspace import Workspace
from jupyter_modeldeploy.workspace.downloads import MONTH_S


class SearchModels(Request):
    query: str = Field(max_length=200, description="words of the model's name or description")
    source: str = Field(default="hf", description="the hub to ask: hf, modelscope, …")
    task: str | None = Field(
        default=None, max_length=100, description="only for this task, such as text-classification"
    )
    sort: Sort = Field(default="downloads", description="which come first")
    limit: int = Field(default=20, ge=1, le=MAX_FOUND, description="how many at most")


class FoundModels(BaseModel):
    models: list[FoundModel]


class PruneDownloads(Request):
    older_than_s: float = Field(default=MONTH_S, ge=0, description="unused for so many seconds; 0 removes all")


class CacheUsage(BaseModel):
    """Bytes on the disk. `bytes_alone` are those that no version shares: what removing all of it would free; `parts`
    are downloads that are not at their end."""

    files: int
    bytes: int
    bytes_alone: int
    parts: int
    part_bytes: int


class VerifiedDownloads(BaseModel):
    """How many files were hashed again, and the SHA-256 that the damaged ones should have had."""

    checked: int
    damaged: list[str]


class PrunedDownloads(BaseModel):
    files: int
    bytes_freed: int


def search_models(workspace: Workspace, request: SearchModels) -> FoundModels:
    """Search the models of a hub."""
    return FoundModels(models=list(workspace.models.search(**request.model_dump())))


def cache_usage(workspace: Workspace, request: Nothing) -> CacheUsage:
    """How much the cache of downloads holds."""
    return CacheUsage(**asdict(workspace.downloads.usage()))


def verify_cache(workspace: Workspace, request: Nothing) -> VerifiedDownloads:
    """Hash every download again and remove the damaged ones."""
    return VerifiedDownloads(**asdict(workspace.downloads.verify()))


def prune_cache(workspace: Workspace, request: PruneDownloads) -> PrunedDownloads:
    """Remove downloads that nobody has used for long; no version loses anything."""
    return PrunedDownloads(**asdict(workspace.downloads.prune(request.older_than_s)))


FETCHING: tuple[Operation, ...] = (
    Operation("search_models", "GET", "models/search", "read", SearchModels, FoundModels, search_models),
    Operation("cache_usage", "GET", "cache", "read", Nothing, CacheUsage, cache_usage),
    Operation("verify_cache", "POST", "cache/verify", "execute", Nothing, VerifiedDownloads, verify_cache),
    Operation("prune_cache", "POST", "cache/prune", "execute", PruneDownloads, PrunedDownloads, prune_cache),
)
