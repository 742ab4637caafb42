"""`POST /v2/models/M[/versions/V]/infer`: the model in its own tensors, whatever its task is."""

from __future__ import annotations

from typing import Any, Literal

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http.replies import Reply, error_reply
from jupyter_modeldeploy.serving.protocols import v2
from jupyter_modeldeploy.serving.protocols.answering import answer
from jupyter_modeldeploy.serving.protocols.triton.shared_memory import Regions


class InferCall:
    """A request in V2."""

    kind: Literal["tensors", "items"] = "tensors"

    def __init__(self, version: ServedVersion, headers: Headers, body: bytes, regions: Regions | None) -> None:
        self.version = version
        self._headers = headers
        self._request = v2.decode_request(body, headers.get(b"inference-header-content-length"), regions)
        self.payload = self._request.inputs
        self.parameters = self._request.parameters
        first, *_ = self.payload.values()
        self.rows = len(first) if first.ndim else 1

    def answer(self, result: Any) -> Reply:
        version, request = self.version, self._request
        labels = version.labels if request.special else v2.NO_LABELS
        body, header_length = v2.encode_response(version.model, version.name, result, request, labels)
        if header_length is None:
            return answer(self._headers, body, version.reply_headers)
        length = (b"inference-header-content-length", str(header_length).encode())
        return answer(self._headers, body, (*version.reply_headers, length), b"application/octet-stream")


class Infer:
    """The language V2 over HTTP, whose tensors may be in `regions` of shared memory."""

    def __init__(self, regions: Regions | None = None) -> None:
        self._regions = regions

    def decode(self, version: ServedVersion, headers: Headers, body: bytes) -> InferCall:
        return InferCall(version, headers, body, self._regions)

    def refuse(self, error: ModelDeployError, version: str | None = None) -> Reply:
        return error_reply(error, v2=True, version=version)
