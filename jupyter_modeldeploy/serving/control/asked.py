"""One inference request as it was asked: of whom, by whom, how soon, and what it holds."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy.errors import ModelDeployError
from jupyter_modeldeploy.experiments.spool import MAX_ID_BYTES
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.control import input_limits
from jupyter_modeldeploy.serving.control.urgency import ORDINARY, Urgency, of_parameters
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.protocols.call import Call
from jupyter_modeldeploy.serving.protocols.compression import decompressed
from jupyter_modeldeploy.serving.request_headers import ID_HEADER

if TYPE_CHECKING:
    from jupyter_modeldeploy.serving.control.policy import Policy
    from jupyter_modeldeploy.serving.endpoint import Target


class Asked:
    """`begun` is by the clock of `time.perf_counter`; `reply` takes the answer, once."""

    version: ServedVersion | None = None
    """The one that is to answer, as soon as that is known."""
    call: Call | None = None
    """The request in the words of that version, once it is decoded."""
    urgency: Urgency = ORDINARY

    def __init__(
        self,
        policy: Policy,
        target: Target,
        caller: str,
        headers: Headers,
        body: Any,
        reply: Callable[[Any], None],
        begun: float,
    ) -> None:
        self.policy = policy
        self.target = target
        self.caller = caller
        self.headers = headers
        self.body = body
        self.reply = reply
        self.begun = begun
        self.id = headers.get(ID_HEADER, b"")[:MAX_ID_BYTES]
        self.sent_bytes = len(body) if isinstance(body, bytes) else 0

    def identify(self) -> bytes:
        """Its id, which it gets now where it has none."""
        self.id = self.id or secrets.token_hex(8).encode()
        return self.id

    @property
    def chosen(self) -> ServedVersion:
        if self.version is None:
            raise ModelDeployError("No version was chosen.")
        return self.version

    @property
    def decoded(self) -> Call:
        """The request in the words of its version, within the limits. Raises InvalidInput, TooLarge."""
        if self.call is None:
            self.call = self.accept(self.decode())
        return self.call

    def decode(self) -> Call:
        """Read the body, on any thread. Raises InvalidInput, TooLarge."""
        if b"content-encoding" in self.headers and isinstance(self.body, bytes):
            encoding = self.headers[b"content-encoding"]
            self.body = decompressed(self.body, encoding, self.policy.spec.max_body_bytes)
            self.headers = {name: value for name, value in self.headers.items() if name != b"content-encoding"}
        return self.target.language.decode(self.chosen, self.headers, self.body)

    def accept(self, call: Call) -> Call:
        """Have been decoded so. Raises TooLarge where that is beyond the limits."""
        input_limits.check(call.kind, call.payload, self.policy.spec.input_limits)
        if call.parameters:
            self.urgency = of_parameters(call.parameters, self.urgency)
        self.call = call
        return call

    def left_s(self) -> float | None:
        """What is left of the time that the request itself allows; None where it leaves that to the service."""
        if self.urgency.timeout_s is None:
            return None
        return self.urgency.timeout_s - (time.perf_counter() - self.begun)

    def in_time(self) -> bool:
        """Whether another try may be made, by the service and by the request itself."""
        left_s = self.left_s()
        return time.perf_counter() - self.begun < self.policy.spec.timeout_s and (left_s is None or left_s > 0)
