"""The process that trains: its threads, its one device, and whether it must give the same digits every time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.errors import Unavailable


def prepare(device: str, processes: int = 1) -> torch.device:
    """Take all cores that the process may use, and hide all GPUs but `device` ("cpu" or "cuda:<n>"). One of several
    `processes` takes its share of the cores; on GPUs, the one that it joined the others with.

    Raises Unavailable where torch cannot use the device."""
    torch.set_num_threads(max(1, devices.usable_cores() // processes))
    if device == "cpu":
        return torch.device("cpu")
    if processes > 1:
        return torch.device("cuda", torch.cuda.current_device())
    # The Trainer spreads over every GPU that it sees; this job holds one.
    os.environ["CUDA_VISIBLE_DEVICES"] = device.removeprefix("cuda:")
    if not torch.cuda.is_available():
        raise Unavailable(f"The device {device} cannot be used from here.", "Choose cpu, or install a CUDA torch.")
    return torch.device("cuda", 0)


@contextmanager
def determinism(wanted: bool) -> Iterator[None]:
    """Within it, where `wanted`, torch takes only algorithms that give the same digits every time."""
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
