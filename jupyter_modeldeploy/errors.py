"""Every error this package raises on purpose, in one hierarchy.

    ModelDeployError               500 internal
    ├── InvalidInput               400 invalid_input         the request or file is wrong; nothing was changed
    │   └── UnsafeContent          400 unsafe_content        the file could run code or escape its folder
    ├── NotAuthenticated           401 not_authenticated
    │   └── LoginNeeded            401 not_authenticated     a browser asks, which can ask its user
    ├── Forbidden                  403 forbidden
    ├── NotFound                   404 not_found
    ├── Conflict                   409 conflict              the name is taken, the state does not allow it
    ├── TooLarge                   413 too_large
    ├── Overloaded                 503 overloaded            try again later
    │   ├── OutOfMemory            503 out_of_memory         this input does not fit into what is free now
    │   ├── RateLimited            429 rate_limited          this caller asks more often than it may
    │   ├── VersionFailing         503 version_failing       it failed, or so often that it is left alone for a while
    │   └── TimedOut               504 timed_out             it took longer than the service allows
    ├── Unavailable                503 unavailable           a needed part is missing: a package, a device, a network
    ├── StorageFull                507 storage_full
    ├── JobFailed                  500 job_failed            a job ended without its result
    │   └── WorkerDied             500 worker_died           its process was killed
    ├── ServiceFailed              500 service_failed
    ├── ConversionFailed           422 conversion_failed     no exporter can write the model in that format
    └── ParityFailed               422 parity_failed         a conversion changed the model's answers

A message says what was wrong, with the value; the hint says what to do next.
"""

from __future__ import annotations

import errno
import reprlib
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from pydantic import ValidationError


_short = reprlib.Repr()
_short.maxstring = _short.maxother = 100


class ModelDeployError(Exception):
    """Base of all errors; `status` is the HTTP status, `code` is stable across releases."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def body(self) -> dict[str, Any]:
        """The one JSON shape of an error: `{"error": {"code", "message", "hint"}}`."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint}}


class InvalidInput(ModelDeployError):
    status, code = 400, "invalid_input"


class UnsafeContent(InvalidInput):
    code = "unsafe_content"


class NotAuthenticated(ModelDeployError):
    status, code = 401, "not_authenticated"


class LoginNeeded(NotAuthenticated):
    """Answered so that a browser asks its user for the token."""


class Forbidden(ModelDeployError):
    status, code = 403, "forbidden"


class NotFound(ModelDeployError):
    status, code = 404, "not_found"


class Conflict(ModelDeployError):
    status, code = 409, "conflict"


class TooLarge(ModelDeployError):
    status, code = 413, "too_large"


class ConversionFailed(ModelDeployError):
    status, code = 422, "conversion_failed"


class ParityFailed(ModelDeployError):
    status, code = 422, "parity_failed"


class Overloaded(ModelDeployError):
    """`retry_after_s` is when it is worth to try again, in seconds."""

    status, code = 503, "overloaded"

    def __init__(self, message: str, hint: str = "", retry_after_s: float = 1.0) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class OutOfMemory(Overloaded):
    status, code = 503, "out_of_memory"


class RateLimited(Overloaded):
    status, code = 429, "rate_limited"


class VersionFailing(Overloaded):
    status, code = 503, "version_failing"


class TimedOut(Overloaded):
    status, code = 504, "timed_out"


class Unavailable(ModelDeployError):
    status, code = 503, "unavailable"


class StorageFull(ModelDeployError):
    status, code = 507, "storage_full"


class JobFailed(ModelDeployError):
    code = "job_failed"


class WorkerDied(JobFailed):
    code = "worker_died"


class ServiceFailed(ModelDeployError):
    code = "service_failed"


def from_validation_error(error: ValidationError, what: str) -> InvalidInput:
    """The clear form of what pydantic found wrong with `what` ("fetch_model"): each field, and what it should be."""
    wrong = "; ".join(
        f"{'.'.join(str(part) for part in one['loc']) or 'all of it'}: {one['msg']}" for one in error.errors()
    )
    return InvalidInput(f"{what}: {wrong}.", "See --help or the API's description for what it takes.")


def described(code: str, message: str, hint: str = "") -> ModelDeployError:
    """The error with this code, as another process told of it."""
    kinds: list[type[ModelDeployError]] = [ModelDeployError]
    for kind in kinds:  # from the base on, so that a code that two share is the more general one's
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.code == code), ModelDeployError)(message, hint)


def shown(value: Any) -> str:
    """What somebody sent, for a message: its repr, cut short, at no cost however large or deep it is."""
    try:
        return _short.repr(value)
    except ValueError:  # Python writes no number of more than some thousand digits
        return "a very long number"


def from_os_error(error: OSError, doing: str) -> ModelDeployError:
    """The clear form of an operating-system error met while `doing` something ("writing model.onnx")."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(
            f"The disk is full: {doing} failed.",
            "Free some space or set JUPYTER_MODELDEPLOY_ROOT to a larger disk, then try again. Nothing was changed.",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Forbidden(f"Permission denied while {doing}: {error.filename or error}.", "Check who owns the folder.")
    if error.errno == errno.ENOENT:
        return NotFound(f"File not found while {doing}: {error.filename or error}.", "Check the path.")
    return ModelDeployError(f"{doing} failed: {error}.")
