"""What requests carry: texts, files, traces, and tensors of a signature, in JSON or in V2's binary form."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from jupyter_modeldeploy.datatypes import Tensors, dtype_of
from jupyter_modeldeploy.errors import InvalidInput, from_os_error
from jupyter_modeldeploy.profiling.load.target import Body
from jupyter_modeldeploy.records import TensorSpec

HEADER_LENGTH = "Inference-Header-Content-Length"
TIMES = ("timestamp", "time", "at", "ts")
RANDOM_INPUTS = 8


@dataclass(frozen=True)
class Trace:
    """Requests as they were recorded: when each came (seconds), in order, and what each carried; no `bodies` where the
    trace does not tell."""

    times: list[float]
    bodies: list[Body]


def predict_payloads(texts: Sequence[str]) -> list[bytes]:
    """Bodies of `POST /predict`: `{"text": …}`, one per text."""
    return [json.dumps({"text": text}).encode() for text in texts]


def plain(contents: Sequence[bytes]) -> list[Body]:
    """Bodies without headers of their own."""
    return [Body(content, {}) for content in contents]


def read_texts(path: Path) -> list[str]:
    """The lines of a file that hold something. Raises InvalidInput where there is none."""
    texts = [line for line in _read(path).decode(errors="replace").splitlines() if line.strip()]
    if not texts:
        raise InvalidInput(f"{path} holds no text.", "Write one text a line.")
    return texts


def read_bodies(path: Path) -> list[Body]:
    """A file's content as one body, or each file's of a folder."""
    files = sorted(each for each in path.iterdir() if each.is_file()) if path.is_dir() else [path]
    if not files:
        raise InvalidInput(f"{path} holds no file.", "Give a file, or a folder of them: each is one request's body.")
    return plain([_read(each) for each in files])


def read_trace(path: Path) -> Trace:
    """Lines of JSON, each with a time (`timestamp`, `time`, `at` or `ts`: seconds, or ISO 8601), and with `body`, any
    JSON, or `body_base64`, or neither in all of them. A service's own log of requests is such a file."""
    rows = [_row(path, number, line) for number, line in enumerate(_read(path).splitlines(), 1) if line.strip()]
    if not rows:
        raise InvalidInput(f"{path} holds no request.", 'Write lines such as {"timestamp": 0.25, "body": {…}}.')
    rows.sort(key=lambda row: row[0])
    bodies = [body for _, body in rows if body is not None]
    if bodies and len(bodies) < len(rows):
        raise InvalidInput(f"{path}: {len(rows) - len(bodies)} of {len(rows)} lines have no body.", "Give all or none.")
    return Trace([seconds for seconds, _ in rows], bodies)


def random_tensors(specs: Sequence[TensorSpec], shapes: Mapping[str, Sequence[int]], count: int) -> list[Tensors]:
    """Tensors of a signature with values of chance; sizes that are open are 1 where `shapes` does not say.

    Raises InvalidInput for an input of another type than numbers."""
    generator = np.random.default_rng(0)
    if unknown := shapes.keys() - {spec.name for spec in specs}:
        names = ", ".join(spec.name for spec in specs)
        raise InvalidInput(f"There is no input {', '.join(sorted(unknown))}.", f"The model's inputs: {names}.")
    return [{spec.name: _tensor(spec, shapes.get(spec.name), generator) for spec in specs} for _ in range(count)]


def infer_body(specs: Sequence[TensorSpec], tensors: Tensors, binary: bool = False) -> Body:
    """A V2 request; in binary, outputs are asked for so too."""
    inputs: list[dict[str, Any]] = []
    raw = b""
    for spec in specs:
        tensor = tensors[spec.name]
        told: dict[str, Any] = {"name": spec.name, "datatype": spec.dtype, "shape": list(tensor.shape)}
        if binary:
            content = np.ascontiguousarray(tensor).tobytes()
            told["parameters"] = {"binary_data_size": len(content)}
            raw += content
        else:
            told["data"] = tensor.ravel().tolist()
        inputs.append(told)
    if not binary:
        return Body(json.dumps({"inputs": inputs}).encode(), {})
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    return Body(head + raw, {HEADER_LENGTH: str(len(head))})


def _tensor(spec: TensorSpec, shape: Sequence[int] | None, generator: np.random.Generator) -> np.ndarray:
    dtype = dtype_of(spec.dtype)
    shape = list(shape or [1 if size < 0 else size for size in spec.shape])
    if dtype.kind == "f":
        return generator.standard_normal(shape).astype(dtype)
    if dtype.kind in "iub":
        return generator.integers(0, 2, shape).astype(dtype)
    raise InvalidInput(f"No example can be made for the input {spec.name!r} of type {spec.dtype}.")


def _row(path: Path, number: int, line: bytes) -> tuple[float, Body | None]:
    where = f"{path}, line {number}"
    try:
        row = json.loads(line)
        given = next(row[name] for name in TIMES if name in row)
        seconds = datetime.fromisoformat(given).timestamp() if isinstance(given, str) else float(given)
        if "body_base64" in row:
            return seconds, Body(base64.b64decode(row["body_base64"], validate=True), {})
        return seconds, Body(json.dumps(row["body"]).encode(), {}) if "body" in row else None
    except StopIteration:
        raise InvalidInput(f"{where} has no time.", f"Name it {', '.join(TIMES[:-1])} or {TIMES[-1]}.") from None
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(f"{where} is no recorded request: {error}.", "Write one JSON object a line.") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise from_os_error(error, f"reading {path}") from error
