"""What a request gets in place of the answer of a version that failed:

an older answer → the fallback version → 503 and a record for review
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.errors import ModelDeployError, Overloaded, TimedOut, Unavailable, VersionFailing
from jupyter_modeldeploy.serving.control.answers import key_of, unpacked
from jupyter_modeldeploy.serving.control.found import Found

if TYPE_CHECKING:
    from jupyter_modeldeploy.serving.control.asked import Asked
    from jupyter_modeldeploy.serving.control.request import Request


class Fallback:
    """The ways that are left to a request whose version failed with `error`, each tried once. On the event loop only,
    in steps that the request guards: what a way raises leads to the next. `version` is the one that failed."""

    def __init__(self, request: Request, error: ModelDeployError) -> None:
        self._request = request
        self.version, self._error = request.chosen, error  # what is told of where nobody can answer
        self._older_tried = self._version_tried = False

    def go_on(self) -> None:
        """Try the next way."""
        request, cache = self._request, self._request.policy.cache
        if request.policy.spec.stale_answers and cache.on and not self._older_tried:
            self._older_tried = True
            key = request.key or key_of(request.chosen, request.decoded.kind, request.decoded.payload)
            if key is not None:
                cache.find(key, self._found)
                return
        self._next_version()

    def _found(self, found: Found | None) -> None:
        request = self._request
        if request.done:
            return
        if found is None:
            request.guarded(self._next_version)
            return
        request.instead = b"stale"
        request.chosen.metrics.count("fallbacks_total", kind="stale")
        request.guarded(lambda: request.answer(unpacked(found.content)))

    def _next_version(self) -> None:
        request, version = self._request, self._request.target.model.fallback
        failed = request.chosen
        if (
            version is None
            or version is failed
            or self._version_tried
            or request.target.pinned
            or not request.in_time()
        ):
            self._give_up()
            return
        self._version_tried = True
        failed.metrics.count("fallbacks_total", kind="version")
        request.instead = b"version"
        request.begin_with(version)

    def _give_up(self) -> None:
        """Nobody can answer: say so, and leave a record where it was not mere load."""
        request, error = self._request, self._error
        request.instead = b""
        request.version = self.version
        faulty = is_models(error, request) or isinstance(error, VersionFailing)
        if faulty:
            request.policy.review(request.identify(), request.caller, self.version, error)
        has_chain = request.policy.spec.stale_answers or request.target.model.fallback is not None
        if has_chain and faulty and not isinstance(error, Overloaded):
            error = VersionFailing(error.message, error.hint)
        request.refuse(error)


def is_models(error: ModelDeployError, asked: Asked) -> bool:
    """Whether it is the model's fault, and not the request's, the load's or a deadline's that the caller set."""
    if isinstance(error, TimedOut):
        timeout_s = asked.urgency.timeout_s
        return timeout_s is None or timeout_s >= asked.policy.spec.timeout_s
    return error.status >= 500 and not isinstance(error, (Overloaded, Unavailable))
