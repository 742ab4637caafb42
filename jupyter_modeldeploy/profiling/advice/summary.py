"""A report in two sentences, for somebody who never saw a profiler."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_modeldeploy.profiling.advice.evidence import Evidence
from jupyter_modeldeploy.records.loads import LoadReport, StageName
from jupyter_modeldeploy.records.service_reports import Advice, RequestPart

WORDS: dict[StageName, str] = {
    "generator": "waiting to be sent",
    "network": "the network, and waiting to be read",
    "queue": "waiting in the server's queue",
    "compute": "the model",
    "encode": "decoding requests and encoding answers",
}
PREPARING = {"text": "the tokenizer", "image": "decoding and scaling pictures"}
NOTHING = "Nothing that was tried gains more than its noise: there is no advice."
NOT_TRIED = "Nothing was tried."


def parts_of(evidence: Evidence) -> list[RequestPart]:
    """Where the mean request's time goes: the server's stages, the model's apart from what prepares its inputs."""
    told = {WORDS[stage.name]: stage.mean_ms for stage in evidence.stages if stage.mean_ms > 0}
    found = evidence.preparation
    if found is not None and (compute := told.pop(WORDS["compute"], 0.0)):
        told |= {PREPARING[found.of]: found.share * compute, WORDS["compute"]: (1 - found.share) * compute}
    whole = sum(told.values())
    return [RequestPart(name=name, mean_ms=mean_ms, share=mean_ms / whole) for name, mean_ms in told.items()]


def summary(load: LoadReport, parts: Sequence[RequestPart], advice: Sequence[Advice], tried: bool) -> str:
    """How fast it is, where most of the time goes, and what to do first."""
    told = []
    at = load.recommended if load.recommended is not None else 0
    step = load.steps[at]
    if step.latency.p50 is not None:
        tail = f", 99 of 100 within {step.latency.p99.value:.3g} ms" if step.latency.p99 else ""
        told.append(
            f"At {step.label} connection{'s' * (step.label != '1')} it answers {step.throughput_rps:,.4g} requests a "
            "second, half of them within "
            f"{step.latency.p50.value:.3g} ms{tail}."
        )
    if parts:
        largest = max(parts, key=lambda part: part.share)
        told.append(f"Under full load the largest part of a request's time is {largest.name} ({largest.share:.0%}).")
    if advice:
        first = advice[0]
        low, high = first.speed_up.low, first.speed_up.high
        told.append(f"{first.title}: {first.speed_up.value:.2g} times as fast on a trial ({low:.2f}–{high:.2f}).")
    else:
        told.append(NOTHING if tried else NOT_TRIED)
    return " ".join(told)
