"""A server under test: started, found ready by its first correct answer, watched and ended."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from serving_bench.generators import Address
from serving_bench.places import BENCHMARKS, LOGS
from serving_bench.shapes import Shape
from serving_bench.tree import Tree

READY_WITHIN_S = 90.0
POLL_S = 0.01


class FailedToServeError(Exception):
    """A server did not start, or answered wrongly; the message says how, with the end of its log."""


@dataclass
class Running:
    """A server that has answered correctly. `ready_s` is from the start of its first process to that answer."""

    address: Address
    tree: Tree
    ready_s: float


class Server(Protocol):
    """One of those compared. `protocols` are what it speaks of json, binary and grpc."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def protocols(self) -> frozenset[str]: ...

    def prepare(self) -> dict[str, str]:
        """Install what it needs, and give the versions of that; raises CannotInstallError."""

    def running(self, shape: Shape, grpc: bool) -> contextlib.AbstractContextManager[Running]:
        """The server with this model while the context lasts; raises FailedToServeError."""


@dataclass(frozen=True)
class Command:
    """How to start a peer that is told its ports."""

    arguments: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = BENCHMARKS / "peers"


@contextlib.contextmanager
def launched(name: str, shape: Shape, command: Command, http_port: int, grpc_port: int) -> Iterator[Running]:
    """The process and what it starts, ready; ended with the context."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}-{shape.name}.log"
    tree = Tree()
    environment = {**tree.environment(), **command.environment}
    address = Address(f"http://127.0.0.1:{http_port}", f"127.0.0.1:{grpc_port}")
    begun = time.monotonic()
    with log.open("wb") as file:
        process = subprocess.Popen(
            list(map(str, command.arguments)),
            cwd=command.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        _await_answer(address, shape, process, log)
        yield Running(address, tree, time.monotonic() - begun)
    finally:
        tree.kill()
        process.wait()


def check(address: Address, shape: Shape, protocols: Sequence[str]) -> None:
    """Ask once in each protocol; raises FailedToServeError where the answer is not the one of the model in process."""
    for protocol in protocols:
        answer = _call_grpc(address, shape) if protocol == "grpc" else call(address, shape, protocol)
        if not shape.accepts(answer):
            shown = json.dumps(answer)[:200]
            raise FailedToServeError(f"A wrong answer over {protocol}: {shown}, not {str(shape.expected)[:200]}")


def call(address: Address, shape: Shape, protocol: str = "json") -> dict[str, list[float]]:
    """The outputs by name, flat; raises FailedToServeError for any status but 200, OSError without a connection."""
    headers = {"Content-Type": "application/json"} if protocol == "json" else {}
    if protocol == "binary":
        headers |= {"Inference-Header-Content-Length": str(shape.header_length)}
    if address.token:
        headers |= {"Authorization": f"Bearer {address.token}"}
    connection = http.client.HTTPConnection(urlsplit(address.http).netloc, timeout=30)
    try:
        body = (shape.json if protocol == "json" else shape.binary).read_bytes()
        connection.request("POST", shape.path, body, headers)
        reply = connection.getresponse()
        content = reply.read()
    except http.client.HTTPException as error:
        raise FailedToServeError(f"no HTTP: {error!r}") from error
    finally:
        connection.close()
    if reply.status != http.client.OK:
        raise FailedToServeError(f"{reply.status} {content[:300]!r}")
    return _outputs(content, reply.headers.get("Inference-Header-Content-Length"))


def free_ports() -> tuple[int, int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        first, second = (one.getsockname()[1] for one in sockets)
        return first, second


def _await_answer(address: Address, shape: Shape, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline, seen = time.monotonic() + READY_WITHIN_S, "nothing listens"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise FailedToServeError(f"It ended with status {process.returncode}. {_end_of(log)}")
        try:
            answer = call(address, shape)
        except (OSError, FailedToServeError) as error:
            seen = str(error)
            time.sleep(POLL_S)
            continue
        if shape.accepts(answer):
            return
        raise FailedToServeError(f"A wrong answer: {str(answer)[:200]}, not {str(shape.expected)[:200]}")
    raise FailedToServeError(f"No answer in {READY_WITHIN_S:g} s: {seen}. {_end_of(log)}")


def _call_grpc(address: Address, shape: Shape) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "serving_bench.grpc_call", str(address.grpc), str(shape.folder)]
    done = subprocess.run(
        command, cwd=BENCHMARKS, input=address.token or "", capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FailedToServeError(f"gRPC failed: {done.stderr.strip().splitlines()[-6:]}")
    answer: dict[str, list[float]] = json.loads(done.stdout)
    return answer


def _outputs(content: bytes, header_length: str | None) -> dict[str, list[float]]:
    end = len(content) if header_length is None else int(header_length)
    answer = {}
    for output in json.loads(content[:end])["outputs"]:
        if "data" in output:
            answer[output["name"]] = output["data"]
            continue
        size = output["parameters"]["binary_data_size"]
        answer[output["name"]] = memoryview(content[end : end + size]).cast("f").tolist()
        end += size
    return answer


def _end_of(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-12:]
    return f"The end of {log}:\n" + "\n".join(lines)


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="modeldeploy-benchmark-", ignore_cleanup_errors=True)
