"""torch modules of a few weights, exported as files: real models for tests of the runtimes."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch.export import Dim

BATCH = Dim("batch")


class Classifier(torch.nn.Module):
    """FP32[batch, 4] to logits FP32[batch, 3]."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Pictures(torch.nn.Module):
    """FP32[batch, 3, side, side] to logits FP32[batch, 3]: the mean of each colour, so that red wins for red."""

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        return 10 * pixel_values.mean((2, 3))


class Filters(torch.nn.Module):
    """FP32[batch, 3, any, any] to FP32[batch, 2]."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.filters = torch.nn.Conv2d(3, 2, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.filters(x).mean((2, 3))


class Words(torch.nn.Module):
    """INT64[batch, tokens] to FP32[batch, tokens, 4]."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = torch.nn.Embedding(20, 4)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.table(ids)


class Two(torch.nn.Module):
    """Two inputs, two outputs by name."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"sum": a + b, "product": a * b}


def exported(folder: Path, module: torch.nn.Module, *samples: torch.Tensor, dynamic: bool = True, batch: Dim = BATCH):
    """`model.pt2` in the folder; every first dimension is free unless `dynamic` is False."""
    folder.mkdir(parents=True, exist_ok=True)
    shapes = tuple({0: batch} for _ in samples) if dynamic else None
    torch.export.save(torch.export.export(module.eval(), samples, dynamic_shapes=shapes), folder / "model.pt2")
    return folder


def scripted(folder: Path, module: torch.nn.Module, name: str = "model.pt") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch deprecates what is served here
        torch.jit.script(module.eval()).save(str(folder / name))
    return folder


def traced(folder: Path, module: torch.nn.Module, *samples: torch.Tensor) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.trace(module.eval(), samples, strict=False).save(str(folder / "model.pt"))
    return folder
