"""What is asked of the servers: the models with a request each, made once into build/benchmark-models."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from serving_bench.places import BENCHMARKS, BUILD

CORES = len(os.sched_getaffinity(0))
MODELS = BUILD / "benchmark-models"
TOLERANCE = 2e-3
"""Of an output's largest value. INT8 and other orders of summation stay well below; a wrong input does not."""


@dataclass(frozen=True)
class Shape:
    """A model and a request for it. `instances` is how many runs may go on at once, one thread each."""

    name: str
    task: str
    instances: int

    @property
    def folder(self) -> Path:
        return MODELS / self.name

    @property
    def model(self) -> Path:
        return self.folder / "model" / "model.onnx"

    @property
    def path(self) -> str:
        return f"/v2/models/{self.name}/infer"

    @property
    def json(self) -> Path:
        return self.folder / "request.json"

    @property
    def binary(self) -> Path:
        return self.folder / "request.bin"

    @property
    def frame(self) -> Path:
        """A gRPC message with its prefix, for HTTP/2 data."""
        return self.folder / "request.grpc"

    @cached_property
    def header_length(self) -> int:
        return int((self.folder / "request.header").read_text())

    @cached_property
    def expected(self) -> dict[str, list[float]]:
        answer: dict[str, list[float]] = json.loads((self.folder / "expected.json").read_text())
        return answer

    def accepts(self, answer: dict[str, list[float]]) -> bool:
        """Whether these are the outputs that the model gives in process."""
        if answer.keys() != self.expected.keys():
            return False
        return all(_near(answer[name], values) for name, values in self.expected.items())


TINY = Shape("tiny", "tensor", 1)
MINILM = Shape("minilm", "feature-extraction", CORES)
MINILM_INT8 = Shape("minilm-int8", "feature-extraction", CORES)
RESNET = Shape("resnet", "tensor", CORES)


def make() -> None:
    """Make the models and requests anew where there are none or the code that makes them has changed."""
    sources = [BENCHMARKS / "serving_bench" / name for name in ("models.py", "resnet.py")]
    made_by = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    stamp = MODELS / "made-by"
    if stamp.exists() and stamp.read_text() == made_by:
        return
    print("Making the models: half a minute, once.", flush=True)
    subprocess.run([sys.executable, "-m", "serving_bench.models", str(MODELS)], cwd=BENCHMARKS, check=True)
    stamp.write_text(made_by)


def _near(values: list[float], expected: list[float]) -> bool:
    largest = max(map(abs, expected))
    return len(values) == len(expected) and all(
        math.isclose(one, other, abs_tol=TOLERANCE * largest) for one, other in zip(values, expected, strict=True)
    )
