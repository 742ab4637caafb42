"""Requests and answers that operations share."""

from __future__ import annotations

from pydantic import BaseModel, Field

from jupyter_modeldeploy.api.operation import Request
from jupyter_modeldeploy.records import Name


class Nothing(Request):
    """A request without parameters."""


class ByName(Request):
    name: Name = Field(description="its name")


class ById(Request):
    id: str = Field(pattern=r"^[0-9a-f]{12}$", description="its id, 12 hexadecimal digits")


class ByVersion(Request):
    version: str = Field(description="NAME, NAME@3 or NAME@alias")


class ByDataset(Request):
    dataset: str = Field(description="NAME or NAME@2")


class Deleted(BaseModel):
    deleted: str
