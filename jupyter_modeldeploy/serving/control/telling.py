"""What is told of a request that has ended: to those who compare versions, and to the request log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_modeldeploy.serving.request_headers import UNIT_HEADER

if TYPE_CHECKING:
    from jupyter_modeldeploy.serving.control.request import Request
    from jupyter_modeldeploy.serving.protocols.call import Answer


def record(request: Request, seconds: float, failed: bool) -> None:
    """How the version did that was meant to answer: in the exposures, where they are wanted."""
    exposures = request.policy.exposures
    if exposures is None or request.assigned is None:
        return
    if not request.headers.get(UNIT_HEADER):
        request.identify()
    confidence = None if failed else request.confidence
    exposures.answered(*request.assigned, request.headers, request.id, seconds, failed, confidence)


def write(request: Request, answer: Answer, seconds: float) -> None:
    """A line of the request log."""
    version, meant, work, call = request.version, request.meant, request.work, request.call
    request.policy.log_request(
        {
            "request_id": request.identify().decode("latin-1"),
            "caller": request.caller,
            "model": request.target.model.name,
            "version": version.number if version else None,
            "asked": meant.number if meant else None,
            "language": type(request.target.language).__name__.lower(),
            "status": answer.status,
            "duration_ms": round(seconds * 1000, 3),
            "queue_ms": None if work is None or not work.running else round(work.waited_s * 1000, 3),
            "rows": call.rows if call else None,
            "request_bytes": request.sent_bytes,
            "response_bytes": len(getattr(answer, "body", b"")),
            "cache": request.cached.decode() or None,
            "fallback": request.instead.decode() or None,
        }
    )
