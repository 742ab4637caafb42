"""The way of one request that needs more than a run at once: limits, the queue, the cache, and what to do where its
version fails.

    admit → cache → breaker → queue → run → answer
                        └────────┴──────┴─ failed: an older answer → the fallback version → 503 and a record for review
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from jupyter_modeldeploy.errors import (
    ModelDeployError,
    Overloaded,
    RateLimited,
    TimedOut,
    Unavailable,
    VersionFailing,
)
from jupyter_modeldeploy.experiments.spool import MAX_ID_BYTES
from jupyter_modeldeploy.serving.access import Headers
from jupyter_modeldeploy.serving.control import input_limits, urgency
from jupyter_modeldeploy.serving.control.answers import key_of, packed, unpacked
from jupyter_modeldeploy.serving.control.breaker import Breaker, State
from jupyter_modeldeploy.serving.control.exposures import confidence_of
from jupyter_modeldeploy.serving.control.found import Found
from jupyter_modeldeploy.serving.control.shadows import Answered
from jupyter_modeldeploy.serving.execution.apart import is_large_request, is_large_result
from jupyter_modeldeploy.serving.execution.instances import Outcome, Work
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.protocols.call import Answer, Call
from jupyter_modeldeploy.serving.protocols.compression import decompressed
from jupyter_modeldeploy.serving.request_headers import ID_HEADER, UNIT_HEADER
from jupyter_modeldeploy.serving.routing import Choice, by_share

if TYPE_CHECKING:
    from jupyter_modeldeploy.serving.control.policy import Policy
    from jupyter_modeldeploy.serving.endpoint import Target

MAX_TROUBLES = 6  # a request has fewer ways to an answer: beyond, the error is in those themselves

log = logging.getLogger(__name__)


class Request:
    """`start` it once; `reply` is called once with the answer, unless `cancel` came before. On the event loop only."""

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
        self.done = False
        self._policy = policy
        self._target = target
        self._caller = caller
        self._headers = headers
        self._body = body
        self._reply = reply
        self._begun = begun
        self._id = headers.get(ID_HEADER, b"")[:MAX_ID_BYTES]
        self._urgency = urgency.ORDINARY
        self._choice: Choice[ServedVersion] | None = None
        self._version: ServedVersion | None = None
        self._assigned: tuple[int, ServedVersion] | None = None
        self._confidence: float | None = None
        self._copied: Answered | None = None
        self._call: Call | None = None
        self._work: Work | None = None
        self._key: bytes | None = None
        self._leads = self._probing = self._stale_tried = self._version_tried = False
        self._cached = self._instead = b""
        self._failure: tuple[ServedVersion, ModelDeployError] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._troubles = 0
        self._stored_bytes = len(body) if isinstance(body, bytes) else 0

    def start(
        self,
        version: ServedVersion | None = None,
        call: Call | None = None,
        error: Exception | None = None,
        choice: Choice[ServedVersion] | None = None,
    ) -> None:
        """Go as far as may be at once, from where it got to already: it may have been admitted to a version, decoded,
        and have failed."""
        if error is None and call is None:
            self._guarded(self._admit)
            return
        self._choice = choice
        self._assign(version)
        if error is not None:
            self._guarded(lambda: _raise(error))
        elif call is not None:
            self._guarded(lambda: self._begin(call))

    def cancel(self) -> None:
        """Whoever asked is gone: what was not begun is not."""
        if self.done:
            return
        self.done = True
        if self._timer is not None:
            self._timer.cancel()
        if self._work is not None:
            self._policy.instances.cancel(self._work)
        if self._probing:
            self._breaker.undecided()
        if self._leads and self._key is not None:
            self._hand_over(self._key)
        self._record(time.perf_counter() - self._begun, failed=True)  # who leaves has waited too long
        self._let_go()

    # The way

    def _admit(self) -> None:
        policy = self._policy
        if policy.buckets is not None and (wait_s := policy.buckets.take(self._caller)):
            policy.metrics.count("rate_limited_total")
            message = (
                f"{self._caller!r} may ask {policy.buckets.rate:g} times a second, {policy.buckets.burst} at once."
            )
            raise RateLimited(message, "Ask less often.", wait_s)
        target, call = self._target, None
        version = target.version
        if version is None and target.model.reads and is_large_request(self._headers, self._body):
            self._version = target.model.get(None)
            self._urgency = urgency.of_headers(self._headers)
            self._do_apart(self._decode, self._route_read)
            return
        if version is None:
            self._choice, call = target.model.route(target.language, self._headers, self._body)
            version = self._choice.version
        self._assign(version)
        self._urgency = urgency.of_headers(self._headers)
        if call is not None:
            self._accept(call)
        self._attempt()

    def _route_read(self, call: Call) -> None:
        """The request was decoded for the first version: now it can be told which is to answer."""
        target = self._target
        self._choice, call = target.model.route_read(call, target.language, self._headers, self._body)
        self._assign(self._choice.version)
        self._go_on(call)

    def _assign(self, version: ServedVersion | None) -> None:
        self._version = version
        if version is not None and self._target.pinned is None and by_share(self._choice):
            self._assigned = self._policy.stage, version

    def _begin(self, call: Call) -> None:
        self._urgency = urgency.of_headers(self._headers)
        self._go_on(call)

    def _attempt(self) -> None:
        policy, version = self._policy, self._chosen
        if self._call is None and is_large_request(self._headers, self._body):
            if not policy.cache.on:
                policy.instances.check(version, self._left_s(), self._urgency.priority)
            self._do_apart(self._decode, self._go_on)
            return
        if policy.cache.on:
            self._key = key_of(version, self._decoded.kind, self._decoded.payload)
            if self._key is not None:
                policy.cache.find(self._key, self._found)
                return
        else:
            self._pass_breaker()
            if not (version.inline("tensors", 1) or version.inline("items", 1)):
                policy.instances.check(version, self._left_s(), self._urgency.priority)
        self._run()

    def _go_on(self, call: Call) -> None:
        self._accept(call)
        self._attempt()

    def _found(self, found: Found | None) -> None:
        if self.done:
            return
        metrics = self._chosen.metrics
        if found is not None and found.fresh:
            self._cached = b"hit"
            metrics.count("cache_hits_total", source=found.source)
            metrics.cache_hit_s += time.perf_counter() - self._begun
            self._guarded(lambda: self._answer(unpacked(found.content)))
            return
        self._cached = b"miss"
        metrics.count("cache_misses_total")
        self._guarded(self._fly)

    def _fly(self) -> None:
        """Run, or wait for the run of another that asks the same."""
        flights, key = self._policy.cache.flights, self._key
        if key is None:
            self._run()
        elif key in flights:
            flights[key].append(self)
            self._cached = b"collapsed"
            left_s = self._policy.spec.timeout_s if self._left_s() is None else self._left_s()
            self._timer = self._policy.loop.call_later(left_s or 0.0, self._late)
        else:
            flights[key] = []
            self._leads = True
            self._run()

    def _run(self) -> None:
        version, call = self._chosen, self._decoded
        if self._policy.cache.on:
            self._pass_breaker()
        if version.inline(call.kind, call.rows):
            result = version.run_inline(call.kind, call.payload, call.rows)
            version.metrics.ran(call.rows, version.inline_s, [0.0])
            self._keep_for_shadows(result, version.inline_s)
            self._ended(result)
            return
        left_s, priority = self._left_s(), self._urgency.priority
        self._work = Work(version, call.kind, call.payload, call.rows, self._ended, left_s, priority)
        self._policy.instances.submit(self._work)

    def _ended(self, outcome: Outcome) -> None:
        if self.done:
            return
        if isinstance(outcome, ModelDeployError):
            self._guarded(lambda: self._failed(outcome))
        else:
            if self._work is not None:
                self._keep_for_shadows(outcome, time.perf_counter() - self._work.begun - self._work.waited_s)
            self._guarded(lambda: self._succeeded(outcome))

    def _succeeded(self, outcome: Outcome) -> None:
        if self._probing:
            self._probing = False
            self._breaker.passed()
        if self._key is not None and (content := packed(self._decoded.kind, outcome)) is not None:
            self._policy.cache.put(self._key, content)
        self._land(outcome)
        self._answer(outcome)

    # Where it fails

    def _failed(self, error: ModelDeployError) -> None:
        """A run, or what comes before it, ended with `error`."""
        if self._version is not None:
            if self._is_models(error):
                self._version.metrics.failures += 1
                self._probing = False
                self._breaker.failed()
            elif self._probing:
                self._probing = False
                self._breaker.undecided()
        self._land(error)
        if error.status < 500 or self._version is None:
            self._refuse(error)
        else:
            self._fall_back(error)

    def _fall_back(self, error: ModelDeployError) -> None:
        self._failure = self._failure or (self._chosen, error)
        policy = self._policy
        if policy.spec.stale_answers and policy.cache.on and not self._stale_tried:
            self._stale_tried = True
            key = self._key or key_of(self._chosen, self._decoded.kind, self._decoded.payload)
            if key is not None:
                policy.cache.find(key, self._found_old)
                return
        self._next_version()

    def _found_old(self, found: Found | None) -> None:
        if self.done:
            return
        if found is None:
            self._guarded(self._next_version)
            return
        self._instead = b"stale"
        self._chosen.metrics.count("fallbacks_total", kind="stale")
        self._guarded(lambda: self._answer(unpacked(found.content)))

    def _next_version(self) -> None:
        version, fallback, left_s = self._chosen, self._target.model.fallback, self._left_s()
        in_time = time.perf_counter() - self._begun < self._policy.spec.timeout_s and (left_s is None or left_s > 0)
        if self._target.pinned or fallback is None or fallback is version or self._version_tried or not in_time:
            self._give_up()
            return
        self._version_tried = True
        self._instead = b"version"
        version.metrics.count("fallbacks_total", kind="version")
        self._version, self._call, self._work, self._key = fallback, None, None, None
        self._attempt()

    def _give_up(self) -> None:
        """Nobody can answer: say so, and leave a record where it was not mere load."""
        self._instead = b""
        if self._failure is not None:  # what the version said that was meant to answer
            self._version, error = self._failure
        has_chain = self._policy.spec.stale_answers or self._target.model.fallback is not None
        models = self._is_models(error) or isinstance(error, VersionFailing)
        if models:
            self._id = self._id or secrets.token_hex(8).encode()
            self._policy.review(self._id, self._caller, self._chosen, error)
        if has_chain and models and not isinstance(error, Overloaded):
            error = VersionFailing(error.message, error.hint)
        self._refuse(error)

    def _is_models(self, error: ModelDeployError) -> bool:
        """Whether it is the model's fault, and not the request's, the load's or a deadline's that the caller set."""
        if isinstance(error, TimedOut):
            timeout_s = self._urgency.timeout_s
            return timeout_s is None or timeout_s >= self._policy.spec.timeout_s
        return error.status >= 500 and not isinstance(error, (Overloaded, Unavailable))

    # Those who ask the same

    def _land(self, outcome: Outcome) -> None:
        """Whoever waited for this run has its outcome too; each has a try of its own where only we were refused."""
        if not self._leads or self._key is None:
            return
        self._leads = False
        for follower in self._policy.cache.flights.pop(self._key, []):
            follower._shared(outcome)

    def _shared(self, outcome: Outcome) -> None:
        if self.done:
            return
        if self._timer is not None:
            self._timer.cancel()
        if isinstance(outcome, Overloaded) and not isinstance(outcome, (TimedOut, VersionFailing)):
            self._guarded(self._run)
        elif isinstance(outcome, ModelDeployError):
            self._guarded(lambda: self._refuse(outcome) if outcome.status < 500 else self._fall_back(outcome))
        else:
            self._guarded(lambda: self._answer(outcome))

    def _hand_over(self, key: bytes) -> None:
        """The run that others wait for is not going to be: the next of them leads."""
        self._leads = False
        waiting = [follower for follower in self._policy.cache.flights.pop(key, []) if not follower.done]
        for follower in waiting:
            if follower._timer is not None:
                follower._timer.cancel()
            follower._guarded(follower._fly)

    def _late(self) -> None:
        if not self.done:
            self._guarded(lambda: self._fall_back(Overloaded("The answer did not come in time.", "Try again.")))

    # The end

    def _answer(self, result: Any) -> None:
        call = self._decoded
        if self._policy.exposures is not None and call.kind == "items":
            self._confidence = confidence_of(result)
        if is_large_result(result):
            self._do_apart(lambda: call.answer(result), self._send)
        else:
            self._send(call.answer(result))

    def _refuse(self, error: ModelDeployError) -> None:
        if isinstance(error, Overloaded) and self._version is not None:
            self._version.metrics.count("rejections_total", reason=error.code)
        self._send(self._target.language.refuse(error, self._version.ref if self._version else None))

    def _send(self, answer: Answer) -> None:
        self.done = True
        version, policy = self._version, self._policy
        seconds = time.perf_counter() - self._begun
        (version.metrics if version else policy.metrics.version("", "")).answered(answer.status, seconds)
        self._record(seconds, failed=answer.status >= 400 or bool(self._instead))
        if policy.sampled():
            self._id = self._id or secrets.token_hex(8).encode()
            self._log(answer, seconds)
        answer.extra_headers = tuple(
            (name, value)
            for name, value in ((b"x-cache", self._cached), (b"x-fallback", self._instead), (ID_HEADER, self._id))
            if value
        )
        reply, copied = self._reply, self._copied
        self._let_go()
        reply(answer)
        if copied is not None and answer.status < 400 and policy.shadows is not None:
            policy.shadows.copy(copied)

    def _keep_for_shadows(self, result: Any, seconds: float) -> None:
        """Until the answer is sent; a fallback's is none to compare with."""
        shadows = self._policy.shadows
        if shadows is not None and shadows.on and self._target.pinned is None and not self._instead:
            language, headers = self._target.language, self._headers
            self._copied = Answered(self._chosen, self._decoded, result, seconds, language, headers, self._body)

    def _record(self, seconds: float, failed: bool) -> None:
        """Tell those who compare versions how the one did that was meant to answer."""
        exposures = self._policy.exposures
        if exposures is None or self._assigned is None:
            return
        if not self._id and not self._headers.get(UNIT_HEADER):
            self._id = secrets.token_hex(8).encode()
        confidence = None if failed else self._confidence
        exposures.answered(*self._assigned, self._headers, self._id, seconds, failed, confidence)

    def _let_go(self) -> None:
        """Of what refers to this request in turn: the garbage collector may come long after a large body."""
        self._work = self._call = self._body = self._copied = None
        self._reply = _ignore

    def _log(self, answer: Answer, seconds: float) -> None:
        version, work, call = self._version, self._work, self._call
        self._policy.log_request(
            {
                "request_id": self._id.decode("latin-1"),
                "caller": self._caller,
                "model": self._target.model.name,
                "version": version.number if version else None,
                "language": type(self._target.language).__name__.lower(),
                "status": answer.status,
                "duration_ms": round(seconds * 1000, 3),
                "queue_ms": None if work is None or not work.running else round(work.waited_s * 1000, 3),
                "rows": call.rows if call else None,
                "request_bytes": self._stored_bytes,
                "response_bytes": len(getattr(answer, "body", b"")),
                "cache": self._cached.decode() or None,
                "fallback": self._instead.decode() or None,
            }
        )

    # What the steps share

    @property
    def _chosen(self) -> ServedVersion:
        if self._version is None:
            raise ModelDeployError("No version was chosen.")
        return self._version

    @property
    def _decoded(self) -> Call:
        """The request in the words of its version, within the limits. Raises InvalidInput, TooLarge."""
        if self._call is None:
            self._call = self._accept(self._decode())
        return self._call

    def _decode(self) -> Call:
        if b"content-encoding" in self._headers and isinstance(self._body, bytes):
            encoding = self._headers[b"content-encoding"]
            self._body = decompressed(self._body, encoding, self._policy.spec.max_body_bytes)
            self._headers = {name: value for name, value in self._headers.items() if name != b"content-encoding"}
        return self._target.language.decode(self._chosen, self._headers, self._body)

    def _accept(self, call: Call) -> Call:
        input_limits.check(call.kind, call.payload, self._policy.spec.input_limits)
        if call.parameters:
            self._urgency = urgency.of_parameters(call.parameters, self._urgency)
        self._call = call
        return call

    @property
    def _breaker(self) -> Breaker:
        return self._policy.breakers[self._chosen]

    def _pass_breaker(self) -> None:
        breaker = self._breaker
        if not breaker.admits():
            message = f"{self._chosen.ref} failed too often lately and is left alone for a while."
            raise VersionFailing(message, "Try again later.", breaker.retry_after_s)
        self._probing = breaker.state is State.half_open

    def _left_s(self) -> float | None:
        """What is left of the time that the request itself allows; None where it leaves that to the service."""
        if self._urgency.timeout_s is None:
            return None
        return self._urgency.timeout_s - (time.perf_counter() - self._begun)

    def _do_apart(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do the work beside the event loop, then go on."""

        def in_time() -> Any:
            if time.perf_counter() - self._begun > self._policy.spec.timeout_s:
                raise Overloaded("A large request could not be read in time.", "Try again in a moment.")
            return None if self.done else work()

        def back(made: Future[Any]) -> None:
            if not self.done:
                self._guarded(lambda: then(made.result()))

        self._policy.apart.run(in_time, back, self._policy.spec.max_queue)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Do it; what it raises is the request's end, or the beginning of another try."""
        try:
            step()
        except ModelDeployError as error:
            self._recover(error)
        except Exception as error:  # a plugin's task or model may raise anything: that ends one request
            log.exception("a request failed")
            self._recover(ModelDeployError(f"The request failed: {type(error).__name__}.", "See the service's log."))

    def _recover(self, error: ModelDeployError) -> None:
        if self.done:
            return
        self._troubles += 1
        if self._troubles <= MAX_TROUBLES:
            self._guarded(lambda: self._failed(error))
        else:
            self._refuse(error)


def _ignore(_: Any) -> None:
    """Nobody waits for the answer."""


def _raise(error: Exception) -> None:
    raise error
