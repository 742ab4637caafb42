"""One of our services, and the processes that it is made of."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from serving_bench import shapes
from serving_bench.shapes import TINY, Shape

from jupyter_modeldeploy import Workspace
from jupyter_modeldeploy.records import Format, Lineage, NewVersion, Step

NAME = "measured"


@dataclass(frozen=True)
class Measured:
    """A running service: where it infers, and its token."""

    url: str
    token: str
    supervisor: psutil.Process

    def cpu_s(self) -> float:
        """Seconds of processor time, of user and system, of all its processes so far."""
        processes = [self.supervisor, *self.supervisor.children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in processes)


@contextlib.contextmanager
def running(shape: Shape = TINY, **settings: Any) -> Iterator[Measured]:
    """A service that has only this model; `settings` are those of ServiceSpec."""
    shapes.make()
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Workspace(Path(folder) / "root")) as workspace:
        new = NewVersion(model=shape.name, format=Format.onnx, task="tensor", lineage=Lineage(step=Step.imported))
        model = Path(shutil.copytree(shape.model.parent, Path(folder) / shape.name))
        workspace.store.versions.add(new, model)
        service = workspace.services.start(workspace.services.spec(NAME, [f"{shape.name}@1"], **settings))
        assert service.process is not None
        try:
            token = workspace.services.token(NAME)
            yield Measured(f"{service.url}{shape.path}", str(token), psutil.Process(service.process.pid))
        finally:
            workspace.services.stop(NAME)
