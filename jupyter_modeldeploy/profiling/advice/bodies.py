"""The bodies of requests: what tensors and items they hold, and the same in a form that is cheaper to send or read."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from jupyter_modeldeploy.datatypes import Tensors, dtype_of
from jupyter_modeldeploy.profiling.advice.evidence import Preparation
from jupyter_modeldeploy.profiling.load.inputs import HEADER_LENGTH, infer_body
from jupyter_modeldeploy.profiling.load.target import Body
from jupyter_modeldeploy.records import TensorSpec
from jupyter_modeldeploy.runtimes import Runtime
from jupyter_modeldeploy.tasks import ReadsImages, Task

LONGEST_S = 1.5
QUALITY = 95


def json_tensors(body: Body) -> tuple[list[TensorSpec], Tensors] | None:
    """What a V2 request in JSON holds; None of any other body."""
    if HEADER_LENGTH in body.headers:
        return None
    try:
        told = json.loads(body.content)["inputs"]
        specs = [TensorSpec(one["name"], one["datatype"], one["shape"]) for one in told]
        arrays = [np.array(one["data"], dtype_of(one["datatype"])).reshape(one["shape"]) for one in told]
    except (ValueError, LookupError, TypeError):
        return None
    return specs, {spec.name: array for spec, array in zip(specs, arrays, strict=True)}


def binary(bodies: Sequence[Body]) -> list[Body]:
    """V2 requests in JSON as such in binary; others as they are."""
    read = [json_tensors(body) for body in bodies]
    return [infer_body(*found, binary=True) if found else body for body, found in zip(bodies, read, strict=True)]


def items(task: Task, body: Body) -> list[Any]:
    """The items of a request in the task's own words. Raises InvalidInput, ValueError for what is none."""
    return task.parse_files(body.content) if isinstance(task, ReadsImages) else task.parse(json.loads(body.content))


def prepared(task: Task, runtime: Runtime, bodies: Sequence[Body]) -> tuple[Preparation, list[Tensors]]:
    """How long preparing and running takes, and the model's inputs. Raises what `items` and the runtime raise."""
    preparing, running, inputs = [], [], []
    runtime.run(task.encode(items(task, bodies[0])))
    end = time.perf_counter() + LONGEST_S
    for body in bodies:
        begun = time.perf_counter()
        inputs.append(task.encode(items(task, body)))
        ready = time.perf_counter()
        runtime.run(inputs[-1])
        preparing.append(ready - begun)
        running.append(time.perf_counter() - ready)
        if time.perf_counter() > end:
            break
    sent = bodies[: len(inputs)]
    enough = _enough(task, sent)
    needed = sum(_extent(task, body) for body in shortened(task, sent, enough)) / sum(_extent(task, b) for b in sent)
    of = "image" if isinstance(task, ReadsImages) else "text"
    return Preparation(1000 * float(np.mean(preparing)), 1000 * float(np.mean(running)), needed, enough, of), inputs


def shortened(task: Task, bodies: Sequence[Body], enough: int) -> list[Body]:
    """The same requests: texts of at most `enough` characters, pictures of as many pixels on the shorter side."""
    shorten = _scaled if isinstance(task, ReadsImages) else _cut
    return [shorten(task, body, enough) for body in bodies]


def _enough(task: Task, bodies: Sequence[Body]) -> int:
    """How many characters give the same tokens for each text, found by halving; or the side of what the model takes."""
    if isinstance(task, ReadsImages):
        (tensor,) = task.encode(items(task, bodies[0])[:1]).values()
        return int(sorted(tensor.shape[1:])[-2])  # channels are fewer than rows and columns
    return max(_characters(task, text) for body in bodies for text in items(task, body))


def _characters(task: Task, text: str) -> int:
    wanted, length = task.encode([text]), len(text)
    while length > 1 and _same(task.encode([text[: length // 2]]), wanted):
        length //= 2
    return length


def _cut(task: Task, body: Body, characters: int) -> Body:
    texts = [text[:characters] for text in items(task, body)]
    told: dict[str, Any] = {"text": texts[0]} if len(texts) == 1 else {"texts": texts}
    return Body(json.dumps(told).encode(), body.headers)


def _scaled(task: Task, body: Body, side: int) -> Body:
    found = items(task, body)
    if len(found) != 1 or min(found[0].width, found[0].height) <= side:
        return body
    scale = side / min(found[0].width, found[0].height)
    width, height = (max(1, round(scale * each)) for each in (found[0].width, found[0].height))
    written = io.BytesIO()
    with Image.open(io.BytesIO(found[0].content)) as opened:
        opened.convert("RGB").resize((width, height)).save(written, "JPEG", quality=QUALITY)
    return Body(written.getvalue(), body.headers)


def _same(one: Tensors, other: Tensors) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in other)


def _extent(task: Task, body: Body) -> int:
    """Characters, or pixels."""
    found = items(task, body)
    return sum(each.width * each.height if isinstance(task, ReadsImages) else len(each) for each in found)
