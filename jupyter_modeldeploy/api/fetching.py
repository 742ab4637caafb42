"""The operations around fetching: what hubs have."""

from __future__ import annotations

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.operation import Operation, Request
from jupyter_modeldeploy.records import FoundModel
from jupyter_modeldeploy.sources.searching import MAX_FOUND, Sort
from jupyter_modeldeploy.workspace import Workspace


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


def search_models(workspace: Workspace, request: SearchModels) -> FoundModels:
    """Search the models of a hub."""
    return FoundModels(models=list(workspace.models.search(**request.model_dump())))


FETCHING: tuple[Operation, ...] = (
    Operation("search_models", "GET", "models/search", "read", SearchModels, FoundModels, search_models),
)
