"""How to call a service, in the languages that callers speak: one place for the command line, the API, Python and the
docs page. The token comes from the environment, so that no snippet holds it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Literal

from jupyter_modeldeploy.datatypes import NUMPY
from jupyter_modeldeploy.signatures import Signature, TensorSpec

SHOWN_VALUES = 16
IMAGE_TASKS = ("image-classification", "object-detection")
TOKEN = "MODELDEPLOY_TOKEN"
ARGUMENTS: dict[str, Any] = {"BOOL": True, "INT64": 1, "FP64": 0.5, "BYTES": "text"}
"""Of a function's parameters, by how they are sent."""


def takes(task: str) -> Literal["text", "image", "json"]:
    """What a person gives a model of this task to try it: a text, an image file, or JSON."""
    return "image" if task in IMAGE_TASKS else "json" if task in ("tensor", "function") else "text"


def example(task: str, signature: Signature | None) -> Any:
    """A request of `POST /predict` that a model of this task understands, with "…" for inputs that are too large to be
    shown; None for images, which are sent as files."""
    if task in IMAGE_TASKS:
        return None
    if task == "function" and signature is not None:
        return {spec.name: ARGUMENTS[spec.dtype] for spec in signature.inputs if not spec.optional}
    if task != "tensor" or signature is None:
        return {"text": "A lovely film."}
    return {"inputs": {spec.name: _zeros(spec.shape) for spec in signature.inputs}}


def snippets(url: str, model: str, task: str, signature: Signature | None, asks_token: bool) -> dict[str, str]:
    """Language to code that sends a first request to `model` of the service at `url`: `curl`, `python`, `tritonclient`
    (where the signature is known) and `javascript`."""
    body = example(task, signature)
    made = {
        "curl": _curl(url, model, body, asks_token),
        "python": _python(url, model, body, asks_token),
        "javascript": _javascript(url, model, body, asks_token),
    }
    if signature is not None and signature.inputs:
        made["tritonclient"] = _triton(url, model, signature.inputs, asks_token)
    return made


def _curl(url: str, model: str, body: Any, asks_token: bool) -> str:
    before = f'echo "Authorization: Bearer ${TOKEN}" | ' if asks_token else ""
    header = "-H @- " if asks_token else ""
    data = "--data-binary @image.jpg" if body is None else f"-d '{_json(body)}'"
    return f"{before}curl {header}{url}/predict/{model} {data}"


def _python(url: str, model: str, body: Any, asks_token: bool) -> str:
    headers = f'{{"Authorization": f"Bearer {{os.environ[\'{TOKEN}\']}}"}}' if asks_token else "{}"
    sent = 'content=open("image.jpg", "rb").read()' if body is None else f"json={json.dumps(body, ensure_ascii=False)}"
    lines = [
        *(["import os", ""] if asks_token else []),
        "import httpx",
        "",
        f"headers = {headers}",
        f'response = httpx.post("{url}/predict/{model}", headers=headers, {sent})',
        'print(response.json()["predictions"])',
    ]
    return "\n".join(lines)


def _triton(url: str, model: str, inputs: Sequence[TensorSpec], asks_token: bool) -> str:
    address = url.partition("://")[2]
    secure = ", ssl=True" if url.startswith("https") else ""
    headers = f'{{"Authorization": f"Bearer {{os.environ[\'{TOKEN}\']}}"}}' if asks_token else "{}"
    lines = [
        *(["import os", ""] if asks_token else []),
        "import numpy as np",
        "import tritonclient.http as triton",
        "",
        f'client = triton.InferenceServerClient("{address}"{secure})',
        f"headers = {headers}",
        "inputs = []",
    ]
    for spec in inputs:
        shape = [max(1, size) for size in spec.shape]
        name = json.dumps(spec.name, ensure_ascii=False)
        dtype = "object" if spec.dtype == "BYTES" else f"np.{NUMPY[spec.dtype].name}"
        lines.append(f'inputs.append(triton.InferInput({name}, {shape}, "{spec.dtype}"))')
        value = f'np.full({shape}, b"text", object)' if spec.dtype == "BYTES" else f"np.zeros({shape}, {dtype})"
        lines.append(f"inputs[-1].set_data_from_numpy({value})")
    lines.append(f'print(client.infer("{model}", inputs, headers=headers).get_response())')
    return "\n".join(lines)


def _javascript(url: str, model: str, body: Any, asks_token: bool) -> str:
    kind = "image/jpeg" if body is None else "application/json"
    token = f"Authorization: `Bearer ${{process.env.{TOKEN}}}`, " if asks_token else ""
    headers = f"{{ {token}'Content-Type': '{kind}' }}"
    sent = "await fs.readFile('image.jpg')" if body is None else f"JSON.stringify({_json(body)})"
    lines = [
        *(["import fs from 'node:fs/promises';", ""] if body is None else []),
        f"const response = await fetch('{url}/predict/{model}', {{",
        "  method: 'POST',",
        f"  headers: {headers},",
        f"  body: {sent},",
        "});",
        "console.log((await response.json()).predictions);",
    ]
    return "\n".join(lines)


def _json(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)


def _zeros(shape: Sequence[int]) -> Any:
    if math.prod(max(1, size) for size in shape) > SHOWN_VALUES:
        return "…"
    return [_zeros(shape[1:]) for _ in range(max(1, shape[0]))] if shape else 0
