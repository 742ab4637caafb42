"""The load: wrk for HTTP/1.1, h2load for gRPC. Neither runs code per request."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from serving_bench.shapes import Shape

GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer"
NEEDED = {"wrk": "wrk", "h2load": "nghttp2-client"}
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class RequestsFailedError(Exception):
    """A server answered something else than what it answered at first."""


@dataclass(frozen=True)
class Address:
    """Where a server answers, and the token that it wants."""

    http: str
    grpc: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class Load:
    """What a generator saw; times in milliseconds."""

    requests: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float


def check_installed() -> None:
    missing = [package for program, package in NEEDED.items() if shutil.which(program) is None]
    if missing:
        sys.exit(
            f"This benchmark needs {' and '.join(missing)}. On Debian or Ubuntu: apt-get install {' '.join(missing)}"
        )


def drive(address: Address, shape: Shape, protocol: str, connections: int, seconds: float) -> Load:
    """Ask on that many connections, one request at a time each; `protocol` is json, binary or grpc."""
    if protocol == "grpc":
        return _h2load(address, shape, connections, seconds)
    return _wrk(address, shape, protocol, connections, seconds)


def _wrk(address: Address, shape: Shape, protocol: str, connections: int, seconds: float) -> Load:
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "request.lua"  # in a file that is ours alone: the token stays out of process lists
        script.touch(mode=0o600)
        script.write_text(_lua(address, shape, protocol))
        options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "--latency"]
        output = _output(["wrk", *options, "-s", str(script), address.http + shape.path])
    requests = int(_number(r"(\d+) requests in", output))
    if "Non-2xx" in output or "Socket errors" in output:
        raise RequestsFailedError(output)
    _require_answers(requests, seconds)
    return Load(
        requests=requests,
        requests_per_s=_number(r"Requests/sec:\s+([\d.]+)", output),
        p50_ms=_percentile("50%", output),
        p99_ms=_percentile("99%", output),
    )


def _lua(address: Address, shape: Shape, protocol: str) -> str:
    """Only settings, no function: wrk then builds the request once."""
    body = shape.json if protocol == "json" else shape.binary
    lines = [
        'wrk.method = "POST"',
        f'wrk.body = assert(io.open("{body}", "rb")):read("*a")',
        f'wrk.headers["Content-Type"] = "application/{"json" if protocol == "json" else "octet-stream"}"',
    ]
    if protocol == "binary":
        lines.append(f'wrk.headers["Inference-Header-Content-Length"] = "{shape.header_length}"')
    if address.token:
        lines.append(f'wrk.headers["Authorization"] = "Bearer {address.token}"')
    return "\n".join(lines)


def _h2load(address: Address, shape: Shape, connections: int, seconds: float) -> Load:
    headers = ["content-type: application/grpc", "te: trailers"]
    if address.token:
        headers.append(f"authorization: Bearer {address.token}")
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "requests.tsv"
        options = ["-t1", f"-c{connections}", "-m1", f"-D{max(1, round(seconds))}", f"--log-file={log}"]
        for header in headers:
            options += ["-H", header]
        output = _output(["h2load", *options, "-d", str(shape.frame), f"http://{address.grpc}{GRPC_PATH}"])
        rows = [line.split("\t") for line in log.read_text().splitlines()]
    times = sorted(int(microseconds) for _, status, microseconds in rows if status == "200")
    wanted = 4 * sum(map(len, shape.expected.values()))
    received = _number(r"\((\d+)\) data", output)
    _require_answers(len(rows), seconds)
    if len(times) < len(rows) or received < wanted * len(times):  # an error has no message, thus no data
        raise RequestsFailedError(output[output.index("finished in") :])
    return Load(
        requests=len(times),
        requests_per_s=_number(r"finished in [\d.]+m?s, ([\d.]+) req/s", output),
        p50_ms=times[len(times) // 2] / 1000,
        p99_ms=times[len(times) * 99 // 100] / 1000,
    )


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RequestsFailedError(done.stdout + done.stderr)
    return done.stdout


def _require_answers(requests: int, seconds: float) -> None:
    if not requests:
        raise RequestsFailedError(f"No request was answered in {max(1, round(seconds))} s.")


def _number(pattern: str, output: str) -> float:
    found = re.search(pattern, output)
    if found is None:
        raise RequestsFailedError(f"The generator's output is not understood:\n{output}")
    return float(found[1])


def _percentile(percentile: str, output: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s|m)\b", output)
    if found is None:
        raise RequestsFailedError(f"The generator's output is not understood:\n{output}")
    return float(found[1]) * UNITS_MS[found[2]]
