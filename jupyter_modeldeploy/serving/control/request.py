"""The way of one request that needs more than a run at once: limits, the queue, the cache.

admit → cache → breaker → queue → run → answer
                    └────────┴──────┴─ failed: what `fallback` leads to
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from jupyter_modeldeploy.errors import ModelDeployError, Overloaded, RateLimited, TimedOut, VersionFailing
from jupyter_modeldeploy.experiments.spool import has_failed
from jupyter_modeldeploy.serving.control import telling, urgency
from jupyter_modeldeploy.serving.control.answers import key_of, packed, unpacked
from jupyter_modeldeploy.serving.control.asked import Asked
from jupyter_modeldeploy.serving.control.breaker import Breaker, State
from jupyter_modeldeploy.serving.control.exposures import confidence_of
from jupyter_modeldeploy.serving.control.fallback import Fallback, is_models
from jupyter_modeldeploy.serving.control.found import Found
from jupyter_modeldeploy.serving.control.shadows import Answered
from jupyter_modeldeploy.serving.execution.apart import is_large_request, is_large_result
from jupyter_modeldeploy.serving.execution.instances import Outcome, Work
from jupyter_modeldeploy.serving.execution.served import ServedVersion
from jupyter_modeldeploy.serving.protocols.call import Answer, Call
from jupyter_modeldeploy.serving.request_headers import ID_HEADER
from jupyter_modeldeploy.serving.routing import Choice, by_share

MAX_TROUBLES = 6  # a request has fewer ways to an answer: beyond, the error is in those themselves

log = logging.getLogger(__name__)


class Request(Asked):
    """`start` it once; `reply` is called once with the answer, unless `cancel` came before. On the event loop only."""

    done = False
    key: bytes | None = None
    """The name of its answer in the cache."""
    work: Work | None = None
    assigned: tuple[int, ServedVersion, str] | None = None
    """The stage of the traffic's split, the version that it gave the request, and whose range the unit is in."""
    confidence: float | None = None
    cached = b""
    """What came of a look into the cache."""
    instead = b""
    """In place of the answer that was asked for."""
    _choice: Choice[ServedVersion] | None = None
    _copied: Answered | None = None
    _leads = _probing = False
    _fallback: Fallback | None = None
    _timer: asyncio.TimerHandle | None = None
    _troubles = 0

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
            self.guarded(self._admit)
            return
        self._choice = choice
        self._assign(version)
        if error is not None:
            self.guarded(lambda: _raise(error))
        elif call is not None:
            self.guarded(lambda: self._begin(call))

    def cancel(self) -> None:
        """Whoever asked is gone: what was not begun is not."""
        if self.done:
            return
        self.done = True
        self._stop_waiting()
        if self.work is not None:
            self.policy.instances.cancel(self.work)
        if self._probing:
            self._breaker.undecided()
        if self._leads and self.key is not None:
            self._leads = False
            self.policy.cache.flights.hand_over(self.key)
        telling.record(self, time.perf_counter() - self.begun, failed=True)  # who leaves has waited too long
        self._let_go()

    # The way

    def _admit(self) -> None:
        policy = self.policy
        if policy.buckets is not None and (wait_s := policy.buckets.take(self.caller)):
            policy.metrics.count("rate_limited_total")
            message = f"{self.caller!r} may ask {policy.buckets.rate:g} times a second, {policy.buckets.burst} at once."
            raise RateLimited(message, "Ask less often.", wait_s)
        target, call = self.target, None
        version = target.version
        if version is None and target.model.reads and is_large_request(self.headers, self.body):
            self.version = target.model.get(None)
            self.urgency = urgency.of_headers(self.headers)
            self._do_apart(self.decode, self._route_read)
            return
        if version is None:
            self._choice, call = target.model.route(target.language, self.headers, self.body)
            version = self._choice.version
        self._assign(version)
        self.urgency = urgency.of_headers(self.headers)
        if call is not None:
            self.accept(call)
        self._attempt()

    def _route_read(self, call: Call) -> None:
        """The request was decoded for the first version: now it can be told which is to answer."""
        target = self.target
        self._choice, call = target.model.route_read(call, target.language, self.headers, self.body)
        self._assign(self._choice.version)
        self._go_on(call)

    def _assign(self, version: ServedVersion | None) -> None:
        self.version = version
        if version is not None and self.target.pinned is None and by_share(self._choice):
            self.assigned = self.policy.stage, version, self._choice.experiment if self._choice else ""

    def _begin(self, call: Call) -> None:
        self.urgency = urgency.of_headers(self.headers)
        self._go_on(call)

    def _attempt(self) -> None:
        policy, version = self.policy, self.chosen
        if self.call is None and is_large_request(self.headers, self.body):
            if not policy.cache.on:
                policy.instances.check(version, self.left_s(), self.urgency.priority)
            self._do_apart(self.decode, self._go_on)
            return
        if policy.cache.on:
            self.key = key_of(version, self.decoded.kind, self.decoded.payload)
            if self.key is not None:
                policy.cache.find(self.key, self._found)
                return
        else:
            self._pass_breaker()
            if not (version.inline("tensors", 1) or version.inline("items", 1)):
                policy.instances.check(version, self.left_s(), self.urgency.priority)
        self._run()

    def _go_on(self, call: Call) -> None:
        self.accept(call)
        self._attempt()

    def _found(self, found: Found | None) -> None:
        if self.done:
            return
        metrics = self.chosen.metrics
        if found is not None and found.fresh:
            self.cached = b"hit"
            metrics.count("cache_hits_total", source=found.source)
            metrics.cache_hit_s += time.perf_counter() - self.begun
            self.guarded(lambda: self.answer(unpacked(found.content)))
            return
        self.cached = b"miss"
        metrics.count("cache_misses_total")
        self.guarded(self._fly)

    def _fly(self) -> None:
        """Run, or wait for the run of another that asks the same."""
        if self.key is None:
            self._run()
        elif self.policy.cache.flights.leads(self.key, self):
            self._leads = True
            self._run()
        else:
            self.cached = b"collapsed"
            left_s = self.policy.spec.timeout_s if self.left_s() is None else self.left_s()
            self._timer = self.policy.loop.call_later(left_s or 0.0, self._late)

    def _run(self) -> None:
        version, call = self.chosen, self.decoded
        if self.policy.cache.on:
            self._pass_breaker()
        if version.inline(call.kind, call.rows):
            result = version.run_inline(call.kind, call.payload, call.rows)
            version.metrics.ran(call.rows, version.inline_s, [0.0])
            self._keep_for_shadows(result, version.inline_s)
            self._ended(result)
            return
        left_s, priority = self.left_s(), self.urgency.priority
        self.work = Work(version, call.kind, call.payload, call.rows, self._ended, left_s, priority)
        self.policy.instances.submit(self.work)

    def _ended(self, outcome: Outcome) -> None:
        if self.done:
            return
        if isinstance(outcome, ModelDeployError):
            self.guarded(lambda: self._failed(outcome))
        else:
            if self.work is not None:
                self._keep_for_shadows(outcome, time.perf_counter() - self.work.begun - self.work.waited_s)
            self.guarded(lambda: self._succeeded(outcome))

    def _succeeded(self, outcome: Outcome) -> None:
        if self._probing:
            self._probing = False
            self._breaker.passed()
        if self.key is not None and (content := packed(self.decoded.kind, outcome)) is not None:
            self.policy.cache.put(self.key, content)
        self._land(outcome)
        self.answer(outcome)

    # Where it fails

    def _failed(self, error: ModelDeployError) -> None:
        """A run, or what comes before it, ended with `error`."""
        if self.version is not None:
            if is_models(error, self):
                self.version.metrics.failures += 1
                self._probing = False
                self._breaker.failed()
            elif self._probing:
                self._probing = False
                self._breaker.undecided()
        self._land(error)
        if error.status < 500 or self.version is None:
            self.refuse(error)
        else:
            self._fall_back(error)

    def _fall_back(self, error: ModelDeployError) -> None:
        self._fallback = self._fallback or Fallback(self, error)
        self._fallback.go_on()

    def begin_with(self, version: ServedVersion) -> None:
        """Go the same way anew, with another version."""
        self.version, self.call, self.work, self.key = version, None, None, None
        self._attempt()

    # Those who ask the same

    def _land(self, outcome: Outcome) -> None:
        if self._leads and self.key is not None:
            self._leads = False
            self.policy.cache.flights.land(self.key, outcome)

    def share(self, outcome: Outcome) -> None:
        """The run that this one waited for ended so; it has a try of its own where only the other was refused."""
        self._stop_waiting()
        if isinstance(outcome, Overloaded) and not isinstance(outcome, (TimedOut, VersionFailing)):
            self.guarded(self._run)
        elif isinstance(outcome, ModelDeployError):
            self.guarded(lambda: self.refuse(outcome) if outcome.status < 500 else self._fall_back(outcome))
        else:
            self.guarded(lambda: self.answer(outcome))

    def take_off(self) -> None:
        """The run that this one waited for is not going to be."""
        self._stop_waiting()
        self.guarded(self._fly)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _late(self) -> None:
        if not self.done:
            self.guarded(lambda: self._fall_back(Overloaded("The answer did not come in time.", "Try again.")))

    # The end

    def answer(self, result: Any) -> None:
        """End with a result."""
        call = self.decoded
        if self.policy.exposures is not None and call.kind == "items":
            self.confidence = confidence_of(result)
        if is_large_result(result):
            self._do_apart(lambda: call.answer(result), self._send)
        else:
            self._send(call.answer(result))

    def refuse(self, error: ModelDeployError) -> None:
        """End with an error."""
        if isinstance(error, Overloaded) and self.version is not None:
            self.version.metrics.count("rejections_total", reason=error.code)
        self._send(self.target.language.refuse(error, self.version.ref if self.version else None))

    def _send(self, answer: Answer) -> None:
        self.done = True
        version, policy = self.version, self.policy
        seconds = time.perf_counter() - self.begun
        (version.metrics if version else policy.metrics.version("", "")).answered(answer.status, seconds)
        telling.record(self, seconds, failed=has_failed(answer.status, self.instead))
        if policy.sampled():
            telling.write(self, answer, seconds)
        answer.extra_headers = tuple(
            (name, value)
            for name, value in ((b"x-cache", self.cached), (b"x-fallback", self.instead), (ID_HEADER, self.id))
            if value
        )
        reply, copied = self.reply, self._copied
        self._let_go()
        reply(answer)
        if copied is not None and answer.status < 400 and policy.shadows is not None:
            policy.shadows.copy(copied)

    def _keep_for_shadows(self, result: Any, seconds: float) -> None:
        """Until the answer is sent; a fallback's is none to compare with."""
        shadows = self.policy.shadows
        if shadows is not None and shadows.on and self.target.pinned is None and not self.instead:
            language, headers = self.target.language, self.headers
            self._copied = Answered(self.chosen, self.decoded, result, seconds, language, headers, self.body)

    def _let_go(self) -> None:
        """Of what refers to this request in turn: the garbage collector may come long after a large body."""
        self.work = self.call = self.body = self._copied = self._fallback = None
        self.reply = _ignore

    # What the steps share

    @property
    def meant(self) -> ServedVersion | None:
        """The version that was to answer, also where its fallback does."""
        return self.version if self._fallback is None else self._fallback.version

    @property
    def _breaker(self) -> Breaker:
        return self.policy.breakers[self.chosen]

    def _pass_breaker(self) -> None:
        breaker = self._breaker
        if not breaker.admits():
            message = f"{self.chosen.ref} failed too often lately and is left alone for a while."
            raise VersionFailing(message, "Try again later.", breaker.retry_after_s)
        self._probing = breaker.state is State.half_open

    def _do_apart(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do the work beside the event loop, then go on."""

        def in_time() -> Any:
            if time.perf_counter() - self.begun > self.policy.spec.timeout_s:
                raise Overloaded("A large request could not be read in time.", "Try again in a moment.")
            return None if self.done else work()

        def back(made: Future[Any]) -> None:
            if not self.done:
                self.guarded(lambda: then(made.result()))

        self.policy.apart.run(in_time, back, self.policy.spec.max_queue)

    def guarded(self, step: Callable[[], None]) -> None:
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
            self.guarded(lambda: self._failed(error))
        else:
            self.refuse(error)


def _ignore(_: Any) -> None:
    """Nobody waits for the answer."""


def _raise(error: Exception) -> None:
    raise error
