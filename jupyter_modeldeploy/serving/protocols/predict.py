"""`POST /predict[/M[/versions/V]]`: the model in the words of its task: as JSON, for one text as text/plain, for
images as files."""

from __future__ import annotations

from typing import Any, Literal

import orjson

from jupyter_modeldeploy.errors import InvalidInput, ModelDeployError
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.http.replies import Reply, error_reply
from jupyter_modeldeploy.serving.protocols.answering import answer
from jupyter_modeldeploy.serving.protocols.call import NO_PARAMETERS
from jupyter_modeldeploy.tasks import ReadsImages


class PredictCall:
    """A request in a task's words."""

    kind: Literal["tensors", "items"] = "items"
    parameters = NO_PARAMETERS

    def __init__(self, version: ServedVersion, headers: Headers, body: bytes) -> None:
        self.version = version
        self._headers = headers
        task = version.task
        self.payload = task.parse_files(body) if isinstance(task, ReadsImages) else task.parse(_decoded(headers, body))
        self.rows = len(self.payload)

    def answer(self, result: Any) -> Reply:
        body = orjson.dumps({"model": self.version.ref, "predictions": result})
        return answer(self._headers, body, self.version.reply_headers)


class Predict:
    """The language of tasks over HTTP."""

    def decode(self, version: ServedVersion, headers: Headers, body: bytes) -> PredictCall:
        return PredictCall(version, headers, body)

    def refuse(self, error: ModelDeployError, version: str | None = None) -> Reply:
        return error_reply(error, v2=False, version=version)


def _decoded(headers: Headers, body: bytes) -> Any:
    if headers.get(b"content-type", b"").lower().startswith(b"text/plain"):
        try:
            return body.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput(f"The text is not UTF-8: {error}.") from None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"The request is not JSON: {error}.", "Send JSON, or a text as it is with Content-Type: text/plain."
        ) from None
