"""Our own service, started by the command line as a user would, with all that it does by default: the token is checked,
versions are routed, metrics are counted; the cache is off."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from serving_bench import environments, servers
from serving_bench.generators import Address
from serving_bench.places import BENCHMARKS
from serving_bench.servers import FailedToServeError, Running
from serving_bench.shapes import Shape
from serving_bench.tree import Tree

NAME = "jupyter_modeldeploy"
SERVICE = "benchmark"
SHOWN = ("jupyter_modeldeploy", "uvicorn", "httptools", "uvloop", "orjson", "numpy", "onnxruntime", "grpcio")


@dataclass(frozen=True)
class Ours:
    replicas: int = 1
    protocols: frozenset[str] = frozenset(("json", "binary", "grpc"))

    @property
    def name(self) -> str:
        return NAME if self.replicas == 1 else f"{NAME}-{self.replicas}-replicas"

    @property
    def label(self) -> str:
        return NAME if self.replicas == 1 else f"{NAME} × {self.replicas}"

    def prepare(self) -> dict[str, str]:
        return environments.versions(Path(sys.executable), SHOWN)

    @contextlib.contextmanager
    def running(self, shape: Shape, grpc: bool) -> Iterator[Running]:
        with self.serving([shape], grpc) as running:
            yield running

    @contextlib.contextmanager
    def serving(self, shapes: Sequence[Shape], grpc: bool) -> Iterator[Running]:
        """One service with all these models; the first of them is asked to find it ready."""
        with servers.scratch_folder() as folder:
            root = Path(folder) / "root"
            _python(
                "serving_bench.registered", root, *(part for s in shapes for part in (s.name, s.task, s.model.parent))
            )
            tree = Tree()
            options = ["--name", SERVICE, "--replicas", str(self.replicas), *(["--grpc-port", "0"] if grpc else [])]
            try:
                begun = time.monotonic()
                service = json.loads(_modeldeploy(tree, root, "serve", *(s.name for s in shapes), *options, "--json"))
                ready = time.monotonic() - begun
                token = _modeldeploy(tree, root, "services", "token", SERVICE).strip()
                address = Address(service["url"], (service["grpc_url"] or "").rpartition("/")[2] or None, token)
                begun = time.monotonic()
                servers.check(address, shapes[0], ["json"])
                yield Running(address, tree, ready + time.monotonic() - begun)
            finally:
                with contextlib.suppress(FailedToServeError):  # it may not have come to be
                    _modeldeploy(tree, root, "services", "stop", SERVICE)
                tree.kill()


def _modeldeploy(tree: Tree, root: Path, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("modeldeploy")), "--root", str(root), *arguments]
    done = subprocess.run(command, env=tree.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedToServeError(f"modeldeploy {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def _python(module: str, *arguments: object) -> None:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedToServeError(f"{module}: {done.stderr}")
