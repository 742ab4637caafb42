"""What is measured: each cell is a model, a protocol and a number of connections."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from serving_bench.shapes import MINILM, RESNET, TINY, Shape

LIMIT = "limit"
"""The name under which the model alone stands among the servers."""


@dataclass(frozen=True)
class Cell:
    """`part` is what `--only` calls it; `share` the part of `--seconds` that it takes."""

    part: str
    shape: Shape
    protocol: str
    connections: int
    share: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.shape.name}_{self.protocol}_c{self.connections}"


CELLS = (
    Cell("tiny", TINY, "json", 16),
    Cell("tiny", TINY, "json", 1, 0.5),
    Cell("tiny", TINY, "json", 64, 0.25),
    Cell("tiny", TINY, "binary", 16, 0.25),
    Cell("grpc", TINY, "grpc", 16),
    Cell("grpc", TINY, "grpc", 1, 0.25),
    Cell("grpc", TINY, "grpc", 64, 0.25),
    Cell("minilm", MINILM, "json", 16),
    Cell("minilm", MINILM, "json", 1, 0.25),
    Cell("resnet", RESNET, "binary", 4),
)


def by_shape(parts: Collection[str]) -> dict[Shape, list[Cell]]:
    """The cells of these parts; those of one model are measured on one start of a server."""
    found: dict[Shape, list[Cell]] = {}
    for cell in CELLS:
        if cell.part in parts:
            found.setdefault(cell.shape, []).append(cell)
    return found
