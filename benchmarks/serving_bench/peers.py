"""The other servers, each as fast as its own documentation lets one make it.

All run the same model file with the same ONNX Runtime, one thread a run and none spinning, one server process for the
tiny model and as many runs at once as there are cores for the others:

| Peer | What its best configuration is here |
|---|---|
| FastAPI | uvicorn with uvloop and httptools, orjson, no validation, no access log; slow models on threads |
| MLServer | `parallel_workers=0`, httptools added, NumPy codec, no metrics, no access log; slow models on threads |
| KServe | the Python model server, uvloop, no line per request; slow models on threads |
| LitServe | one API server, a worker process per instance, `fast_queue`, no access log |
| BentoML | one worker with an async method, httptools and uvloop, no metrics, no access log; slow models on threads |
| Ray Serve | a replica per instance, no dashboard, no access log |
| Triton | the C++ server with its Python backend, a backend process per instance, no metrics |
| Triton, dynamic batching | the same with a window of 500 µs |

None of them checks a token. LitServe, BentoML and Ray Serve have no protocol of their own for tensors: they are given
the Open Inference Protocol's JSON."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import sys
import sysconfig
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from serving_bench import environments, servers
from serving_bench.environments import ONNXRUNTIME
from serving_bench.places import PEERS
from serving_bench.servers import Command, Running
from serving_bench.shapes import Shape

JSON = frozenset(("json",))
REST = frozenset(("json", "binary"))
ALL = frozenset(("json", "binary", "grpc"))
COMMON = (ONNXRUNTIME, "numpy>=2", "orjson")


class Peer(ABC):
    name: ClassVar[str]
    label: ClassVar[str]
    protocols: ClassVar[frozenset[str]] = JSON
    packages: ClassVar[tuple[str, ...]]

    @property
    def environment(self) -> str:
        return self.name

    def prepare(self) -> dict[str, str]:
        names = [package.split("==")[0].split("<")[0].split("[")[0] for package in self.packages]
        return environments.versions(self.python(), [*names, "onnxruntime", "uvicorn"])

    def python(self) -> Path:
        return environments.python(self.environment, [*self.packages, *COMMON])

    @contextlib.contextmanager
    def running(self, shape: Shape, grpc: bool) -> Iterator[Running]:
        http_port, grpc_port = servers.free_ports()
        with servers.scratch_folder() as folder:
            command = self.command(shape, http_port, grpc_port, Path(folder))
            model = {"NAME": shape.name, "MODEL": str(shape.model), "INSTANCES": str(shape.instances)}
            model["PYTHONPATH"] = str(PEERS)
            whole = Command(command.arguments, {**model, **command.environment}, command.folder)
            with servers.launched(self.name, shape, whole, http_port, grpc_port) as running:
                yield running

    @abstractmethod
    def command(self, shape: Shape, http_port: int, grpc_port: int, folder: Path) -> Command:
        """What to run; `folder` is for files that it needs, and empty."""


class FastApi(Peer):
    name, label, protocols = "fastapi", "FastAPI + orjson", REST
    packages = ("fastapi==0.165.0", "uvicorn==0.54.0", "httptools", "uvloop")

    def command(self, shape: Shape, http_port: int, grpc_port: int, folder: Path) -> Command:
        options = ["--port", str(http_port), "--no-access-log", "--log-level", "warning"]
        return Command([self.python(), "-m", "uvicorn", "fastapi_app:app", *options])


class MlServer(Peer):
    name, label, protocols = "mlserver", "MLServer", frozenset(("json", "grpc"))
    packages = ("mlserver==1.7.1", "uvloop<0.22", "httptools")

    def command(self, shape: Shape, http_port: int, grpc_port: int, folder: Path) -> Command:
        settings = {
            "host": "127.0.0.1",
            "http_port": http_port,
            "grpc_port": grpc_port,
            "parallel_workers": 0,
            "debug": False,
            "metrics_endpoint": None,
        }
        model = {"name": shape.name, "implementation": "mlserver_runtime.Onnx"}
        (folder / "settings.json").write_text(json.dumps(settings))
        (folder / "model-settings.json").write_text(json.dumps(model))
        return Command([self.python().with_name("mlserver"), "start", folder], folder=folder)


class KServe(Peer):
    name, label, protocols = "kserve", "KServe", ALL
    packages = ("kserve==0.21.0",)

    def command(self, shape: Shape, http_port: int, grpc_port: int, folder: Path) -> Command:
        options = [f"--http_port={http_port}", f"--grpc_port={grpc_port}", "--enable_latency_logging=false"]
        return Command([self.python(), "kserve_server.py", *options, "--event-loop=uvloop"])


class LitServe(Peer):
    name, label = "litserve", "LitServe"
    packages = ("litserve==0.2.19", "httptools", "uvloop")

    def command(self, shape: Shape, http_port: int, grpc_port: int, folder: Path) -> Command:
        return Command([self.python(), "litserve_app.py", str(http_port)])


class BentoMl(Peer):
    name, label = "bentoml", "BentoML"
    packages = ("bentoml==1.4.39", "httptools", "uvloop")

    def command(self, shape: Shape, http_port: int, grpc_port: int, folder: Path) -> Command:
        options = ["--host", "127.0.0.1", "--port", str(http_port), "--working-dir", str(PEERS)]
        quiet = {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(folder)}
        program = self.python().with_name("bentoml")
        return Command([program, "serve", "bento_service:Onnx", *options], quiet)


class RayServe(Peer):
    name, label = "ray", "Ray Serve"
    packages = ("ray[serve]==2.60.0",)

    def command(self, shape: Shape, http_port: int, grpc_port: int, folder: Path) -> Command:
        quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": str(folder)}
        return Command([self.python(), "ray_app.py", str(http_port)], quiet)


class Triton(Peer):
    """The tritonserver of NVIDIA's PyTriton wheel, without that wheel's Python code, which wants another Python.

    Its backend was built before NumPy 2 and reads that one's arrays wrongly."""

    name, label, protocols = "triton", "Triton", ALL
    packages = ("nvidia-pytriton==0.7.0",)
    batching: ClassVar[str] = ""

    @property
    def environment(self) -> str:
        return "triton"

    def prepare(self) -> dict[str, str]:
        return {**environments.versions(self.python(), ["onnxruntime", "numpy"]), "nvidia-pytriton": "0.7.0"}

    def python(self) -> Path:
        return environments.python("triton", (ONNXRUNTIME, "numpy<2"))

    def command(self, shape: Shape, http_port: int, grpc_port: int, folder: Path) -> Command:
        server = _tritonserver()
        version = folder / shape.name / "1"
        version.mkdir(parents=True)
        shutil.copy(PEERS / "triton_model.py", version / "model.py")
        shutil.copy(PEERS / "onnx_model.py", version)
        (folder / shape.name / "config.pbtxt").write_text(self._configuration(shape))
        options = [
            f"--model-repository={folder}",
            f"--backend-directory={server / 'backends'}",
            "--http-address=127.0.0.1",
            f"--http-port={http_port}",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={grpc_port}",
            "--allow-metrics=false",
        ]
        # The stub looks at no PYTHONPATH: its packages are those of the first python3 on the PATH.
        paths = {
            "PATH": f"{self.python().parent}:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR"),
        }
        return Command([server / "bin" / "tritonserver", *options], paths)

    def _configuration(self, shape: Shape) -> str:
        inputs = json.loads(shape.json.read_text())["inputs"]
        given = ", ".join(_tensor(one["name"], one["datatype"], one["shape"][1:]) for one in inputs)
        sizes = shape.expected.items()
        answers = ", ".join(_tensor(name, "FP32", [len(values)]) for name, values in sizes)
        instances = f"instance_group [{{ kind: KIND_CPU, count: {shape.instances} }}]"
        head = 'backend: "python"\nmax_batch_size: 64'
        return "\n".join([head, f"input [{given}]", f"output [{answers}]", instances, self.batching, ""])


class TritonBatching(Triton):
    name, label, protocols = "triton-batching", "Triton, dynamic batching", frozenset(("json", "grpc"))
    batching = "dynamic_batching { max_queue_delay_microseconds: 500 }"


def _tensor(name: str, datatype: str, shape: list[int]) -> str:
    return f'{{ name: "{name}", data_type: TYPE_{datatype}, dims: {shape} }}'


def _tritonserver() -> Path:
    """The folder with bin/tritonserver and backends/python, where the stub for this Python lies beside the backend."""
    wheel = environments.unpacked("tritonserver", "nvidia-pytriton==0.7.0")
    server = wheel / "pytriton" / "tritonserver"
    backend = server / "backends" / "python"
    stub = backend / "triton_python_backend_stub"
    if not stub.exists():
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        shutil.copy(server / "python_backend_stubs" / version / stub.name, stub)
    for program in (stub, server / "bin" / "tritonserver"):  # unpacking a wheel loses the permission
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return server


PEERS_BY_NAME = {
    peer.name: peer
    for peer in (FastApi(), MlServer(), KServe(), LitServe(), BentoMl(), RayServe(), Triton(), TritonBatching())
}
