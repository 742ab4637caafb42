"""A model's graph as it is drawn: what computes, and what flows from where to where; without its weights."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from jupyter_modeldeploy.records.base import Record


class GraphNode(Record):
    """An operator, or one of the model's own inputs and outputs. All texts are the model's, and may say anything."""

    kind: Literal["operator", "input", "output"] = "operator"
    name: str
    type: str = ""
    layer: str = Field(default="", description="the module that it belongs to, as a path; empty where it is not known")
    attributes: dict[str, str] = Field(default_factory=dict)


class ModelGraph(Record):
    """The nodes in an order in which they can run. An edge is the places of two nodes, and the datatype and shape of
    what flows between them; '' where that is not known."""

    nodes: list[GraphNode]
    edges: list[tuple[int, int, str]]
