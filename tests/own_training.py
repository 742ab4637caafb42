"""A model and rows as people bring them, small enough that starting the processes is all the time it takes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset

ROWS = 50
Row = tuple[torch.Tensor, torch.Tensor]


class Points(Dataset[Row]):
    """FP32[4] with a class of three that a line between them tells."""

    def __init__(self, rows: int = ROWS, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.inputs = torch.randn(rows, 4, generator=generator)
        self.targets = self.inputs[:, :3].argmax(1)

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, row: int) -> Row:
        return self.inputs[row], self.targets[row]


class Deadly(Points):
    """Points of which one kills the process that reads it, the first `times` that it is read."""

    def __init__(self, folder: Path, row: int, times: int) -> None:
        super().__init__()
        self.folder, self.row, self.times = folder, row, times

    def __getitem__(self, row: int) -> Row:
        if row == self.row and (deaths := len(list(self.folder.iterdir()))) < self.times:
            (self.folder / f"death-{deaths}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__getitem__(row)


class Spoilt(Points):
    """Points of which one cannot be read."""

    def __getitem__(self, row: int) -> Row:
        if row == 20:
            raise ValueError("row 20 is spoilt")
        return super().__getitem__(row)


def model() -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))


def loader(points: Points, batch_size: int, shuffle: bool = False) -> DataLoader[Row]:
    return DataLoader(points, batch_size=batch_size, shuffle=shuffle)


def trained_alone(batch_size: int, epochs: int, learning_rate: float) -> torch.nn.Module:
    """The model after a bare loop in one process."""
    alone = model()
    optimizer = torch.optim.AdamW(alone.parameters(), learning_rate)
    for _ in range(epochs):
        for inputs, targets in loader(Points(), batch_size):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(alone(inputs), targets).backward()
            optimizer.step()
    return alone
